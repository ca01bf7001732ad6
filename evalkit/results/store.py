"""The folder of one tracker on one benchmark: what is done, what is missing, and never two runs in one.

The result files themselves are the ledger: a sequence is done when its file is there, because files appear whole or
not at all. Any engine continues what any other began.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.results import layouts, run_record
from evalkit.types import Cost, Dataset, Sequence, Trajectory

_RESULTS = {".txt", ".bin", ".mat", ".json"}
"""What result files end in, by any layout."""

_UNSAFE = re.compile(r"[/\\\x00-\x1f:*?\"<>|]")


def safe_label(name: str) -> str:
    """A tracker's name as a folder name: separators and characters that some system forbids become ``_``.

    >>> safe_label("lighttrack:back_04+cls_2")
    'lighttrack_back_04+cls_2'
    >>> safe_label("..")
    '_..'
    """
    label = _UNSAFE.sub("_", name).strip()
    return f"_{label}" if label.startswith(".") or not label else label


class Store:
    """Results of one tracker on one benchmark under one protocol.

    Attributes:
        folder: Of the tracker on the benchmark, whatever the protocol.
        home: Where this protocol's ``run.json`` is: in ``folder``, or for a further protocol in one below it.
    """

    def __init__(self, results: Path, dataset: Dataset, label: str, protocol: str) -> None:
        self.folder = results / dataset.directory / safe_label(label)
        # In every layout, each protocol but the dataset's first has its own folder, with its own run.json.
        self.home = self.folder if protocol == dataset.protocols[0] else self.folder / protocol
        self.dataset = dataset
        self.label = label
        self.protocol = protocol
        self._layout = layouts.get(dataset.layout)

    def begin(self, identity: Mapping[str, Any], *, force: bool = False, record_environment: bool = True) -> None:
        """Claim the folder for a run, or continue the same run in it.

        Args:
            force: Delete another run's results instead of raising an error.
            record_environment: Also record that this process contributes to the run.

        Raises:
            EvalkitError: Another run's results lie there, or results of unknown origin; nothing is changed then.
        """
        new = run_record.as_json(identity)
        old = run_record.load(self.home) if not force else _load_anyway(self.home)
        if old is None and self._holds_results():
            self._refuse_or_clear(force, "it holds results without run.json, of unknown origin")
        elif old is not None:
            changed = run_record.differences(old["identity"], new)
            if changed:
                key, before, now = changed[0]
                more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
                self._refuse_or_clear(force, f"it was made with {key}={before}, this run has {now}{more}")
                old = None
        if old is None:
            run_record.save(self.home, new, ())
        if record_environment:
            self.record_environment()

    def record_environment(self, code: str | None = None) -> None:
        """Record that this process contributes to the run.

        Args:
            code: Fingerprint of the code that runs.
        """
        self.add_environment({**run_record.environment(), "code": code})

    def add_environment(self, environment: Mapping[str, Any]) -> None:
        """Record that a machine takes part in the run that ``begin`` claimed the folder for."""
        content = run_record.load(self.home)
        new = run_record.as_json(environment)
        if content is not None and new not in content["environments"]:
            environments = [*content["environments"], new]
            run_record.save(self.home, content["identity"], environments, content.get("costs", ()))

    def add_costs(self, costs: Iterable[Cost]) -> None:
        """Record what was counted of the network that ``begin`` claimed the folder for, instead of an earlier count."""
        content = run_record.load(self.home)
        records = [{key: value for key, value in cost.record().items() if key != "tracker"} for cost in costs]
        if content is not None and records != content.get("costs", []):
            run_record.save(self.home, content["identity"], content["environments"], records)

    def card(self) -> dict[str, Any] | None:
        """What ``run.json`` says of the results; None where there is none."""
        return run_record.load(self.home)

    def _refuse_or_clear(self, force: bool, reason: str) -> None:
        if not force:
            raise EvalkitError(reason, where=self.home, hint="Use --name to keep both, --force to redo it")
        self.clear()

    def clear(self) -> None:
        """Remove what lies in the folder, but for other protocols' results."""
        for path in self._own():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _holds_results(self) -> bool:
        return any(file.suffix in _RESULTS and file.name != run_record.FILE for file in self._files())

    def _files(self) -> list[Path]:
        places = [path.rglob("*") if path.is_dir() else (path,) for path in self._own()]
        return [path for place in places for path in place if path.is_file()]

    def _own(self) -> list[Path]:
        """What lies in the folder, but for other protocols' results."""
        if not self.home.is_dir():
            return []
        others = self._other_protocols() if self.home == self.folder else set()
        return [path for path in self.home.iterdir() if path not in others]

    def _other_protocols(self) -> set[Path]:
        """Folders of the other protocols: the dataset's, and further ones, which their ``run.json`` marks."""
        further = {path.parent for path in self.folder.glob(f"*/{run_record.FILE}")}
        return {*further, *(self.folder / name for name in self.dataset.protocols[1:])}

    def read(self, sequence: Sequence) -> list[Trajectory]:
        """Everything stored for a sequence: all repetitions, or all anchors; empty when there is nothing."""
        try:
            return layouts.read(self.folder, self.dataset, sequence, self.protocol, tracker=self.label)
        except EvalkitError as error:
            if error.hint is None:
                error.hint = "Remove this file and run again, or import the result again"
            raise

    def done(self, sequence: Sequence, repetition: int = 1) -> bool:
        """Whether this repetition of a sequence is complete on disk."""
        return self._layout.done(self.folder, sequence, self.protocol, repetition)

    def discard(self, sequences: Iterable[str]) -> None:
        """Forget these sequences, in every repetition, before they are done anew.

        The old result of one that fails this time, or is not reached, would pass for a new one.
        """
        names = set(sequences)
        if names >= {sequence.name for sequence in self.dataset.sequences}:
            self.clear()  # with the machines of the earlier run
        # In every layout that runs write, files of a sequence bear its name or lie in a folder that does.
        names |= {f"{name}_time" for name in names}
        for path in self._files():
            if not names.isdisjoint(path.relative_to(self.home).with_suffix("").parts):
                path.unlink()

    def write(self, trajectories: Iterable[Trajectory]) -> None:
        """Store what a protocol returned for one unit of work, and forget an earlier failure of it."""
        for trajectory in trajectories:
            self._layout.write(self.folder, trajectory)
            self._failure(trajectory.sequence, trajectory.repetition).unlink(missing_ok=True)

    def write_failure(self, sequence: str, repetition: int, text: str) -> Path:
        """Keep the traceback of a failed unit of work beside the results."""
        path = self._failure(sequence, repetition)
        write_text(path, text)
        return path

    def _failure(self, sequence: str, repetition: int) -> Path:
        return self.folder / "failures" / f"{safe_label(sequence)}_{repetition:03d}.log"


def _load_anyway(folder: Path) -> dict[str, Any] | None:
    try:
        return run_record.load(folder)
    except EvalkitError:
        return {"identity": {"run.json": "damaged"}, "environments": []}


def labels(results: Path, dataset: Dataset) -> list[str]:
    """Labels of all trackers that have a folder of results for a benchmark, sorted.

    Raises:
        EvalkitError: There is no such folder.
    """
    folder = results / dataset.directory
    if not folder.is_dir():
        near = sorted(path.name for path in results.iterdir() if path.is_dir()) if results.is_dir() else []
        raise EvalkitError(
            f"there are no results for {dataset.name}", where=folder, found=", ".join(near) or "nothing",
            hint=f"Run `evalkit run --dataset {dataset.name} --tracker NAME` first, or give --results",
        )  # fmt: skip
    # Archives packed on a Mac leave a folder of that name beside the trackers'.
    return sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX"))
    )
