"""Collect everything that result folders hold of several trackers on several datasets, for reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from evalkit import progress, stored
from evalkit.arguments import Names, Place, path
from evalkit.arguments import names as several
from evalkit.comparison.collect_run import Collected, Request, cached_dataset, check_run, collect_run, forget
from evalkit.comparison.collect_sequence import find_sequence
from evalkit.comparison.costs_of_files import costs_of_files
from evalkit.comparison.model import Comparison, Key
from evalkit.cost.recorded import busy_remarks, recorded_counts, recorded_times
from evalkit.engine.threads import inherited_threads
from evalkit.errors import EvalkitError, MissingResults, UnknownName, suggestion
from evalkit.infer_dataset import only_benchmark
from evalkit.metrics import statistics
from evalkit.metrics.statistics import Difference
from evalkit.metrics.withheld import withheld_error
from evalkit.results import label_folders
from evalkit.results.code_versions import code_notice
from evalkit.results.label_folders import labels as stored_labels
from evalkit.results.run_record import is_imported
from evalkit.scoring import check_profiles
from evalkit.types import Cost, Dataset

_RESAMPLES = 2_000
"""Minimal number of resamples for each pair of trackers."""

_MINIMUM_FOR_POOL = 5
"""Number of trackers times datasets from which starting worker processes saves time."""


def collect(
    trackers: Names | None = None,
    datasets: Names | None = None,
    *,
    data: Place | None = None,
    results: Place = "results",
    exclude: Names = (),
    profiles: Names | None = None,
    protocol: str | None = None,
    sequences: Names | None = None,
    costs: Iterable[Place] = (),
    allow_partial: bool = False,
    replay: Names = (),
    names: Mapping[str, str] | None = None,
    jobs: int = 1,
) -> Comparison:
    """Read, score and time the results of several trackers.

    Args:
        trackers: Labels of the results; by default all that have results on one of the datasets. A name without
            results stands for its published numbers.
        datasets: Names of datasets; by default the only one that there are results of.
        data: Folder of the datasets; ``$EVALKIT_DATA`` or the configuration file by default.
        results: Folder that holds ``<BENCHMARK>/<label>/...``.
        exclude: Labels to leave out.
        profiles: Metric profiles; by default those of ``scoring.default_profiles``.
        protocol: Protocol of the results; each dataset's official one by default.
        sequences: Score only these.
        costs: JSON files that ``evalkit profile --format json`` wrote.
        allow_partial: Leave out sequences without a readable result instead of refusing.
        replay: Sequences to show frame by frame; only these need frames.
        names: By label, the tracker whose published numbers are shown next to it, where the label is not its name.
        jobs: Number of processes that read and score; more than one needs a main module that can be imported again.

    Raises:
        EvalkitError: See ``evalkit.stored.load``; results of any tracker cannot be used, and all of them are named. A
            dataset whose groundtruth is withheld is no error: it has no scores, and a notice says why.
    """
    forget()  # the files may have changed since the last comparison of this process
    root, folder = path(data), Path(results)
    asked = several(datasets or only_benchmark(folder))
    opened = [cached_dataset(name, root) for name in progress.each(asked, lambda name: f"{name}: opening")]
    chosen_profiles = several(profiles) if profiles else None
    check_profiles(chosen_profiles or (), opened)
    found_labels = several(trackers) if trackers else _all_labels(folder, opened)
    wanted = tuple(label_folders.choose_labels(found_labels, several(exclude)))
    _check_published(names or (), wanted)
    part = None if sequences is None else several(sequences)
    shown = tuple(find_sequence(name, opened).name for name in several(replay))
    read, foreign = costs_of_files(costs, wanted, names or {})
    template = Request("", "", root, folder, protocol, part, chosen_profiles, allow_partial)
    found = _collect_all(template, opened, wanted, jobs)
    compared = _compare(opened, found)
    return replace(
        compared,
        trackers=wanted,
        costs=(*read, *_costs(_present(found))),
        notices=(*_notices(found, part), *foreign, *_notices_on_uncertainty(compared)),
        replay=shown,
        names=dict(names or {}),
    )


def _unscored(datasets: Iterable[Dataset], present: Mapping[Key, Collected]) -> dict[str, str]:
    """Return, by dataset, why it has no scores."""
    reasons = {}
    for dataset in datasets:
        withheld = [label for (name, label), one in present.items() if name == dataset.name and one.withheld]
        if withheld:
            reasons[dataset.name] = withheld_error(dataset, withheld[0]).what
    return reasons


def _costs(present: Mapping[Key, Collected]) -> Iterable[Cost]:
    """Yield what was counted during each tracker's runs, once where datasets agree, and what its stored times say."""
    for label in dict.fromkeys(tracker for _, tracker in present):
        own = [one for (_, tracker), one in present.items() if tracker == label]
        yield from dict.fromkeys(cost for one in own for cost in recorded_counts(label, one.record))
        remarks = busy_remarks(one.record for one in own)
        for cost in recorded_times(label, [(one.trajectories, one.record) for one in own]):
            yield replace(cost, not_counted=remarks)


def _check_published(labels_with_names: Iterable[str], known: Sequence[str]) -> None:
    for label in labels_with_names:
        if label not in known:
            raise UnknownName(
                "no such label is in this report", where=f"--published {label}", expected=", ".join(known),
                hint=suggestion(label, known),
            )  # fmt: skip


def _present(found: Mapping[Key, Collected]) -> dict[Key, Collected]:
    return {key: one for key, one in found.items() if one.trajectories}


def _compare(datasets: Sequence[Dataset], found: Mapping[Key, Collected]) -> Comparison:
    """Return the part of a comparison that follows from results alone."""
    present = _present(found)
    return Comparison(
        trackers=(),
        datasets=tuple(datasets),
        scores=tuple(score for one in present.values() for score in one.scores),
        runs={key: one.trajectories for key, one in present.items()},
        records={key: one.record for key, one in present.items() if one.record is not None},
        differences={
            dataset.name: _differences(dataset.name, present)
            for dataset in progress.each(datasets, lambda dataset: f"{dataset.name}: comparing trackers")
        },
        auc_by_frame_rate={key: one.auc_by_frame_rate for key, one in present.items() if one.auc_by_frame_rate},
        skipped={key: "there are no results" for key, one in found.items() if one.absent},
        unscored=_unscored(datasets, present),
    )


def _collect_all(
    template: Request, datasets: Sequence[Dataset], labels: Sequence[str], jobs: int
) -> dict[Key, Collected]:
    """Load and score every tracker on every dataset; many are divided among worker processes.

    Raises:
        EvalkitError: Results of any tracker cannot be used; all of them are named.
    """
    keys = [(dataset.name, label) for dataset in datasets for label in labels]
    requests = [replace(template, dataset=dataset, label=label) for dataset, label in keys]
    processes = min(len(requests), jobs)
    with _Workers(processes if len(requests) >= _MINIMUM_FOR_POOL else 1) as workers:
        # What cannot be used is found before the intervals are computed, which take most of the time.
        problems = [one for found in workers.each(check_run, requests, "reading") for one in found]
        if not template.allow_partial:
            stored.check(problems)
        answers = list(workers.each(collect_run, requests, "scoring"))
    stored.check(_problems(answers, allow_partial=template.allow_partial))
    return dict(zip(keys, answers, strict=True))


def _problems(answers: Sequence[Collected], *, allow_partial: bool) -> Iterator[EvalkitError]:
    """Yield what keeps results from being used; with ``allow_partial``, unusable ones do not matter if others exist."""
    partly = allow_partial and any(one.trajectories for one in answers)
    for one in answers:
        if not (partly and one.unusable):
            yield from one.problems


Answer = TypeVar("Answer")


class _Workers:
    """Processes that answer requests; the same request is answered by the same process, which keeps what it has read.

    Args:
        count: Number of processes; with 1, this process answers.
    """

    def __init__(self, count: int) -> None:
        self._pools: list[ProcessPoolExecutor] = []
        self._count = count
        self._stack = ExitStack()

    def __enter__(self) -> _Workers:
        if self._count > 1:
            self._stack.enter_context(inherited_threads(1))
            self._pools = [
                self._stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
                for _ in range(self._count)
            ]
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)
        self._stack.close()

    def each(self, do: Callable[[Request], Answer], requests: Sequence[Request], doing: str) -> Iterator[Answer]:
        """Yield the answers in the order of the requests, and tell the progress.

        Args:
            doing: What is done with a request, as one word.
        """

        def text(request: Request) -> str:
            return f"{request.dataset}: {doing} {request.label}"

        if not self._pools:
            yield from (do(request) for request in progress.each(requests, text))
            return
        futures = [self._pools[number % self._count].submit(do, one) for number, one in enumerate(requests)]
        for _, future in progress.each(list(zip(requests, futures, strict=True)), lambda pair: text(pair[0])):
            yield future.result()


def _differences(dataset: str, present: Mapping[Key, Collected]) -> dict[tuple[str, str], Difference]:
    """Compare every pair of trackers on the sequences that all of them share."""
    measures = {label: one.leading for (name, label), one in present.items() if name == dataset and one.leading}
    shared = set.intersection(*(set(one.sequences) for one in measures.values())) if len(measures) > 1 else set()
    if len(shared) < 2:
        return {}
    pairs = len(measures) * (len(measures) - 1) // 2
    # With fewer resamples, the smallest possible p-value would not survive the adjustment for so many pairs.
    return statistics.compare(measures, resamples=max(_RESAMPLES, 40 * pairs))


def _all_labels(results: Path, datasets: Iterable[Dataset]) -> list[str]:
    found = [label for dataset in datasets for label in stored_labels(results, dataset)]
    if not found:
        raise MissingResults("there are no results", where=results, hint="Run `evalkit run` first, or give --results")
    return found


def _notices_on_uncertainty(compared: Comparison) -> Iterator[str]:
    if few := statistics.few_sequences_notice(compared.scores):
        yield few
    for dataset, differences in compared.differences.items():
        if sentence := statistics.no_significance_notice(dataset, differences.values()):
            yield sentence


def _notices(found: Mapping[Key, Collected], sequences: Sequence[str] | None) -> tuple[str, ...]:
    """Return the sentences on the results that were found, with the trackers of which each holds, and on the others."""
    absent: dict[str, list[str]] = {}
    present: dict[tuple[str, str], list[str]] = {}
    others: list[str] = []
    for (dataset, label), one in found.items():
        if one.absent:
            absent.setdefault(dataset, []).append(label)
            continue
        if one.unusable:
            others.append(f"{dataset}: {label} left out: {one.problems[0]}")
            continue
        present.setdefault((dataset, _amount(one, whole=sequences is None)), []).append(label)
        others += one.omissions
        if mixed := code_notice(label, one.record):
            others.append(mixed)
    return (
        *(f"{dataset}: {', '.join(labels)} found, {amount}" for (dataset, amount), labels in present.items()),
        *others,
        *(f"{dataset}: {', '.join(labels)} skipped, there are no results" for dataset, labels in absent.items()),
    )


def _amount(one: Collected, *, whole: bool) -> str:
    """Return the number of sequences that were found, and the origin of their results.

    Args:
        whole: Whether no part of the sequences was asked for.
    """
    count, expected = len(one.trajectories), one.requested
    origin = "imported" if is_imported(one.record) else "run by evalkit"
    amount = "all " if count == expected > 1 and whole else f"{count} of "
    return f"{amount}{expected} {'sequence' if expected == 1 else 'sequences'}, {origin}"
