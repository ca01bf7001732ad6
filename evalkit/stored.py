"""Load the stored results of trackers on one dataset, with every reason for which they cannot be scored.

All commands that read results use this module: ``score``, ``report``, ``regress`` and ``replay``. It needs neither
frames nor torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from evalkit import progress, protocols
from evalkit.errors import (
    DamagedResults,
    EvalkitError,
    MissingResults,
    OtherDatasetVersion,
    WithheldGroundtruth,
    listed,
    suggestion,
)
from evalkit.metrics.withheld import groundtruth_withheld, withheld_error
from evalkit.results import label_folders, run_record
from evalkit.results.code_versions import code_notice
from evalkit.results.run_record import RunRecord, is_imported
from evalkit.results.store import Store
from evalkit.types import Dataset, Trajectory

Trajectories: TypeAlias = Mapping[str, list[Trajectory]]
"""By sequence name: all repetitions, or the runs from each anchor."""


@dataclass(frozen=True, eq=False)
class StoredRun:
    """Results of one tracker on one dataset under one protocol, as found on disk.

    Attributes:
        label: Name of the tracker's folder.
        folder: That folder.
        record: Content of ``run.json``; None where there is none.
        record_error: Why ``run.json`` cannot be read; None if it can, or if there is none.
        requested: Names of the sequences that were asked for.
        trajectories: By sequence name; only sequences that have readable results.
        damaged: By sequence name, why its result files cannot be read.
        refused: By sequence name, why its result was left out although it can be read: a profile does not score it.
    """

    dataset: Dataset
    label: str
    protocol: str
    folder: Path
    record: RunRecord | None
    record_error: EvalkitError | None
    requested: tuple[str, ...]
    trajectories: Trajectories
    damaged: Mapping[str, EvalkitError]
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the requested sequences that have no result files."""
        known = {*self.trajectories, *self.damaged, *self.refused}
        return tuple(name for name in self.requested if name not in known)

    def without(self, refused: Mapping[str, str]) -> StoredRun:
        """Return these results without some sequences.

        Args:
            refused: By sequence name, the reason, for ``omissions``.
        """
        kept = {name: found for name, found in self.trajectories.items() if name not in refused}
        return replace(self, trajectories=kept, refused={**self.refused, **refused})

    @property
    def empty(self) -> bool:
        """True where there are no result files of this protocol at all."""
        return not self.trajectories and not self.damaged and self.record_error is None

    @property
    def imported(self) -> bool:
        """True for results of another toolkit: there is no ``run.json``, or ``evalkit import`` wrote it."""
        return is_imported(self.record)

    @property
    def dataset_version(self) -> str:
        """The version of the dataset that the results were made on; the present one where it is not recorded."""
        recorded = None if self.record is None else self.record["identity"].get("dataset_version")
        return self.dataset.version if recorded is None else str(recorded)

    @property
    def readable(self) -> bool:
        """True where at least some results can be used: made on this version of the dataset, with a valid record."""
        return bool(self.trajectories) and self.record_error is None and self.dataset_version == self.dataset.version

    @cached_property
    def withheld(self) -> bool:
        """True where only the first frames of the sequences with results are annotated."""
        return groundtruth_withheld(self.dataset, self.trajectories)

    def problem(self, *, allow_partial: bool = False, groundtruth: bool = True) -> EvalkitError | None:
        """Return why these results cannot be scored; None if they can.

        Args:
            allow_partial: Accept missing and damaged sequences; they are left out.
            groundtruth: Require groundtruth after the first frame.
        """
        if self.record_error is not None:
            return self.record_error
        if self.dataset_version != self.dataset.version:
            return self._other_version()
        if self.damaged and not (allow_partial and self.trajectories):
            return self._unreadable()
        if not self.trajectories:
            return self._nothing()
        if self.missing and not allow_partial:
            return MissingResults(
                f"{len(self.missing)} of {len(self.requested)} sequences have no result", where=self.where,
                hint=f"Missing: {listed(self.missing)}. Leave these out with --allow-partial, or name the sequences to"
                " score with --sequences",
            )  # fmt: skip
        if groundtruth and self.withheld:
            return withheld_error(self.dataset, self.label)
        return None

    def omissions(self) -> tuple[str, ...]:
        """Sentences that name the sequences left out because they have no readable result."""
        sentences = []
        if self.missing:
            sentences.append(f"{self.where}: left out, no result: {listed(self.missing)}")
        if self.damaged:
            sentences.append(f"{self.where}: left out, damaged result: {listed(list(self.damaged))}")
        if self.refused:
            names = listed([f"{name} ({reason})" for name, reason in self.refused.items()])
            sentences.append(f"{self.where}: left out, not scored: {names}")
        return tuple(sentences)

    def code_notice(self) -> str | None:
        """Return the sentence that says that the results are of several versions of code; None if of one."""
        return code_notice(self.label, self.record)

    @property
    def where(self) -> str:
        """Dataset and label, for messages."""
        return f"{self.dataset.name}/{self.label}"

    def _other_version(self) -> EvalkitError:
        return OtherDatasetVersion(
            "these results were made on another version of the dataset", where=self.where,
            found=self.dataset_version, expected=self.dataset.version,
            hint=f"Run the tracker again, or leave its results out with --except {self.label}",
        )  # fmt: skip

    def _unreadable(self) -> EvalkitError:
        first = next(iter(self.damaged.values()))
        if len(self.damaged) == 1:
            return first
        return DamagedResults(
            f"{len(self.damaged)} of {len(self.requested)} results cannot be read", where=self.where,
            found=listed(list(self.damaged)), hint=f"The first one: {first}",
        )  # fmt: skip

    def _nothing(self) -> EvalkitError:
        known = label_folders.labels(self.folder.parent.parent, self.dataset)
        if self.folder.name in known:
            hint = f"Make them with `evalkit run --protocol {self.protocol}`"
        else:
            near = suggestion(self.folder.name, known)
            hint = f"{near + ' ' if near else ''}There are results of {listed(known)}"
        return MissingResults(f"there are no results under the {self.protocol} protocol", where=self.folder, hint=hint)


@dataclass(frozen=True, eq=False)
class StoredResults:
    """Results of several trackers on one dataset that can be scored.

    Attributes:
        notices: Sentences that name folders without results and sequences that were left out.
    """

    runs: tuple[StoredRun, ...]
    notices: tuple[str, ...] = ()


def load(
    results: Path,
    dataset: Dataset,
    labels: Sequence[str] | None = None,
    *,
    exclude: Iterable[str] = (),
    protocol: str | None = None,
    sequences: Sequence[str] | None = None,
    allow_partial: bool = False,
    groundtruth: bool = True,
    refusal: Callable[[StoredRun], EvalkitError | None] = lambda run: None,
) -> StoredResults:
    """Load the results of trackers on a dataset, and refuse what cannot be scored.

    Args:
        results: Folder that holds ``<BENCHMARK>/<label>/...``.
        labels: Labels of the results; by default all folders with results.
        exclude: Labels to leave out.
        protocol: A protocol of the dataset; its official one by default.
        sequences: Names of the only sequences to load; all of the benchmark by default.
        allow_partial: Leave out sequences without a readable result.
        groundtruth: Refuse a dataset whose groundtruth is withheld.
        refusal: Returns why results that were read cannot be used, so that all reasons are in one error.

    Raises:
        UnknownName: There is no such protocol or sequence.
        MissingResults: There are no results, or sequences of any tracker have none; all are listed.
        DamagedResults: Results of any tracker cannot be read.
        OtherDatasetVersion: Results were made on another version of the dataset.
        WithheldGroundtruth: Only first frames are annotated.
    """
    chosen = label_folders.choose_labels(labels or label_folders.labels(results, dataset), exclude)
    found = [
        load_run(results, dataset, label, protocol=protocol, sequences=sequences)
        for label in progress.each(chosen, lambda label: f"{dataset.name}: reading {label}")
    ]
    runs, notices = (found, []) if labels is not None else _without_empty(found, dataset)
    if allow_partial:
        runs, unusable = without_unusable(runs)
        notices += unusable
    problems = [run.problem(allow_partial=allow_partial, groundtruth=groundtruth) for run in runs]
    refused = {run.label: refusal(run) for run in runs if run.readable and not (groundtruth and run.withheld)}
    if allow_partial and None in refused.values():  # of the others, no result can be scored
        notices += _refusal_notices(refused)
        runs = [run for run in runs if refused.get(run.label) is None]
        refused = {}
    check([*problems, *refused.values()])
    return StoredResults(tuple(runs), (*notices, *_run_notices(runs, omissions=sequences is None)))


def _without_empty(found: Sequence[StoredRun], dataset: Dataset) -> tuple[list[StoredRun], list[str]]:
    """Pass over folders that hold no results (plots, notes, another protocol's results), with one note."""
    runs = [run for run in found if not run.empty]
    if not runs:
        check(run.problem() for run in found[:1])
    empty = [run.label for run in found if run.empty]
    return runs, [f"{dataset.name}: passed over, no results: {listed(empty)}"] if empty else []


def _refusal_notices(refused: Mapping[str, EvalkitError | None]) -> list[str]:
    return [f"{label}: left out: {error}" for label, error in refused.items() if error is not None]


def _run_notices(runs: Iterable[StoredRun], *, omissions: bool) -> list[str]:
    """Return the sentences on versions of code, and on sequences that were left out."""
    notices = [notice for run in runs if (notice := run.code_notice())]
    return [*notices, *(sentence for run in runs for sentence in run.omissions())] if omissions else notices


def without_unusable(runs: Sequence[StoredRun]) -> tuple[list[StoredRun], list[str]]:
    """Return the runs that have a readable result, and a sentence for each other one; all runs if none has.

    Damaged files of one tracker must not stop the others where partial results are allowed.
    """
    usable = [run for run in runs if run.trajectories and run.record_error is None]
    if not usable:
        return list(runs), []
    problems = {run.where: run.problem(allow_partial=True) for run in runs if run not in usable and not run.empty}
    kept = [run for run in runs if run in usable or run.empty]
    return kept, [f"{where}: left out: {problem}" for where, problem in problems.items()]


def load_run(
    results: Path,
    dataset: Dataset,
    label: str,
    *,
    protocol: str | None = None,
    sequences: Sequence[str] | None = None,
) -> StoredRun:
    """Load the results of one tracker without refusing anything; ``StoredRun.problem`` says what is wrong with them.

    Raises:
        UnknownName: There is no such protocol or sequence.
    """
    store = Store(results, dataset, label, protocols.choose(dataset, protocol))
    requested = requested_sequences(dataset, sequences)
    record, record_error = None, None
    try:
        record = store.read_record()
    except EvalkitError as error:
        record_error = error
    trajectories, damaged = _read(store, requested)
    for name in run_record.short_results(record) & trajectories.keys():
        trajectories[name] = [replace(one, may_be_short=True) for one in trajectories[name]]
    for name, kind in run_record.kinds(record).items():
        if name in trajectories:
            trajectories[name] = [replace(one, kind=str(kind)) for one in trajectories[name]]
    return StoredRun(
        dataset, label, store.protocol, store.folder, record, record_error, requested, trajectories, damaged
    )


def requested_sequences(dataset: Dataset, sequences: Sequence[str] | None) -> tuple[str, ...]:
    """Return the benchmark's names of the requested sequences, in its order; all that it has without a request.

    Raises:
        UnknownName: There is no such sequence, or it is not on disk.
    """
    if sequences is None:
        return tuple(dataset.expected)
    wanted = {dataset.find(name).name for name in sequences}
    return tuple(sequence.name for sequence in dataset.sequences if sequence.name in wanted)


def check(problems: Iterable[EvalkitError | None]) -> None:
    """Raise what is wrong with the results of several trackers as one error; nothing if nothing is wrong."""
    found = [problem for problem in problems if problem is not None]
    if not found:
        return
    if len(found) == 1 or all(isinstance(problem, WithheldGroundtruth) for problem in found):
        raise found[0]
    kinds = {type(problem) for problem in found}
    kind = kinds.pop() if len(kinds) == 1 else EvalkitError
    lines = "".join(f"\n  {problem}" for problem in found)
    raise kind(f"stored results cannot be used, for {len(found)} reasons:{lines}")


def _read(store: Store, requested: Iterable[str]) -> tuple[dict[str, list[Trajectory]], dict[str, EvalkitError]]:
    names = set(requested) if store.folder.is_dir() else set()
    trajectories: dict[str, list[Trajectory]] = {}
    damaged: dict[str, EvalkitError] = {}
    for sequence in store.dataset.sequences:
        if sequence.name not in names:
            continue
        try:
            found = store.read(sequence)
        except EvalkitError as error:
            damaged[sequence.name] = error
            continue
        if found:
            trajectories[sequence.name] = found
    return trajectories, damaged
