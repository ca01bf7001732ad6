"""The results folder of one tracker on one benchmark: store, read and continue one run.

The result files themselves record the progress: a sequence is done when its file exists, because files are written
atomically. A run that one engine began can be continued by any other.
"""

from __future__ import annotations

import contextlib
import glob
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from evalkit.errors import DamagedResults, EvalkitError
from evalkit.io.atomic import is_temporary, write_text
from evalkit.io.json import InvalidJsonError, load_json
from evalkit.results import layouts, run_lock, run_record
from evalkit.results.file_names import refuse_impossible_names
from evalkit.results.label_folders import label_folder, safe_label
from evalkit.results.layouts import WritableLayout
from evalkit.results.layouts.base import ListsFiles
from evalkit.types import Cost, Dataset, Sequence, Trajectory

_RESULTS = {".txt", ".bin", ".mat", ".json"}
"""Suffixes of result files, in any of evalkit's layouts."""

FAILURES = "failures"
"""Folder of the tracebacks of failed sequences, in a tracker's folder."""

_DISCARD = ".discard.json"
"""File that names the sequences whose results are being deleted, so that an interrupted deletion is completed."""


class Store:
    """Results of one tracker on one benchmark under one protocol.

    Attributes:
        folder: The tracker's folder on the benchmark, the same for all protocols.
        home: The folder with the ``run.json`` of this protocol: ``folder`` for the benchmark's first protocol, a folder
            inside of it for each other.
        dataset: The benchmark.
        label: Name of the tracker.
        protocol: Name of the protocol.
    """

    def __init__(self, results: Path, dataset: Dataset, label: str, protocol: str) -> None:
        self.folder = label_folder(results / dataset.directory, label)
        # In every layout, each protocol but the dataset's first has its own folder, with its own run.json.
        self.home = self.folder if protocol == dataset.protocols[0] else self.folder / protocol
        self.dataset = dataset
        self.label = label
        self.protocol = protocol
        self._lock: run_lock.RunLock | None = None
        self._identity: Mapping[str, Any] | None = None

    @cached_property
    def _layout(self) -> WritableLayout:
        # Not before it is used: results in a layout that cannot be written can still be read.
        return layouts.writer(self.dataset.layout)

    @contextlib.contextmanager
    def writing(self, shard: str | None = None) -> Iterator[None]:
        """Be the only run that writes into the folder, together with other shards of the same run.

        While it is held, every write checks that the folder is still this run's own. It may be nested.

        Args:
            shard: ``I/N`` if this run does only a part of the sequences.

        Raises:
            EvalkitError: Another run writes into the folder.
        """
        if self._lock is not None:
            yield
            return
        with run_lock.hold(self.home, shard=shard) as lock:
            self._lock = lock
            try:
                with run_lock.guard(self.home):  # other shards begin, and delete, before it or after it
                    self._complete_deletion()
                yield
            finally:
                self._lock = self._identity = None

    def begin(self, identity: Mapping[str, Any], *, force: bool = False, record_environment: bool = True) -> None:
        """Record a run in ``run.json``, or continue the same run.

        Args:
            identity: The values that decide the numbers of the run; those of an existing run must be equal.
            force: Delete another run's results instead of raising an error.
            record_environment: Also record that this process contributes to the run.

        Raises:
            EvalkitError: The folder holds another run's results, or results without ``run.json``. They are kept.
        """
        refuse_impossible_names(self.dataset)
        with run_lock.guard(self.home):
            new = run_record.as_json(identity)
            self._begin(new, force)
        self.add_files(new.get(run_record.FILES, {}), new.get(run_record.OPENED_WEIGHTS))
        if record_environment:
            self.record_environment()

    def _begin(self, new: Mapping[str, Any], force: bool) -> None:
        old = run_record.load(self.home) if not force else run_record.load_even_if_damaged(self.home)
        if old is None and self._holds_results():
            self._refuse_or_clear(force, "this folder holds results without run.json")
        elif old is not None:
            changed = run_record.differences(old["identity"], new)
            if changed:
                self._refuse_or_clear(force, run_record.explain(changed))
                old = None
        if old is None:
            run_record.save(self.home, new, ())
        self._identity = new if self._lock is not None else None

    def record_environment(self, code: str | None = None, tracker_code: str | None = None) -> None:
        """Record that this process contributes to the run.

        Args:
            code: Fingerprint of the code that runs: evalkit's and the tracker's.
            tracker_code: Fingerprint of the tracker's files alone; None for evalkit's own trackers.
        """
        further = {} if tracker_code is None else {"tracker_code": tracker_code}
        self.add_environment({**run_record.environment(), "code": code, **further})

    def add_environment(self, environment: Mapping[str, Any]) -> None:
        """Record a machine that contributes to the run, after ``begin``."""
        new = run_record.as_json(environment)
        with self._record() as content:
            if content is not None and new not in content["environments"]:
                self._save({**content, "environments": [*content["environments"], new]})

    def add_files(self, files: Mapping[str, str], opened_weights: Iterable[str] | None = None) -> None:
        """Record further files that the tracker is made of, after ``begin``; those recorded already are kept.

        Args:
            files: Hashes by name.
            opened_weights: Names of the files of weights that it opened when it was built; None if unknown.
        """
        if not files and opened_weights is None:
            return
        with self._record() as content:
            if content is not None:
                self._add_files(content, files, opened_weights)

    def _add_files(
        self, content: Mapping[str, Any], files: Mapping[str, str], opened_weights: Iterable[str] | None
    ) -> None:
        identity = dict(content["identity"])
        if files:
            identity[run_record.FILES] = {**files, **identity.get(run_record.FILES, {})}
        if opened_weights is not None:
            identity.setdefault(run_record.OPENED_WEIGHTS, list(opened_weights))
        if identity != content["identity"]:
            self._save({**content, "identity": identity})

    def add_costs(self, costs: Iterable[Cost]) -> None:
        """Record the costs of the run's network, after ``begin``; they replace earlier ones."""
        records = [{key: value for key, value in cost.record().items() if key != "tracker"} for cost in costs]
        with self._record() as content:
            if content is not None and records != content.get("costs", []):
                self._save({**content, "costs": records})

    def add_clock(self, clock: Mapping[str, float]) -> None:
        """Add seconds inside the tracker, ``wall`` and ``cpu``, to those of the run, after ``begin``."""
        if not clock:
            return
        with self._record() as content:
            if content is not None:
                self._save({**content, "clock": run_record.total_clock([content, {"clock": clock}])})

    def _save(self, content: Mapping[str, Any]) -> None:
        costs, clock = content.get("costs", ()), content.get("clock")
        run_record.save(self.home, content["identity"], content["environments"], costs, clock)

    @contextlib.contextmanager
    def _record(self) -> Iterator[dict[str, Any] | None]:
        """Give the record to change; None if there is none. No other process changes it meanwhile."""
        if not self.home.is_dir():
            yield None
            return
        with run_lock.guard(self.home):
            self.check_own()
            yield run_record.load(self.home)

    def check_own(self) -> None:
        """Check that the folder still holds this run, if this process holds its lock.

        Raises:
            EvalkitError: The folder was deleted during the run, or ``run.json`` is that of another run.
        """
        if self._lock is None or self._identity is None:
            return
        found = run_record.load(self.home) if self._lock.is_held else None
        if found is None or run_record.differences(found["identity"], self._identity):
            raise EvalkitError(
                "these results were deleted or replaced while the run was writing them", where=self.home,
                found="another run" if found else "no run.json of this run", exit_code=1,
                hint="The run has ended and nothing was mixed; start it again",
            )  # fmt: skip

    def read_record(self) -> dict[str, Any] | None:
        """Return the content of ``run.json``; None if there is none."""
        return run_record.load(self.home)

    def _refuse_or_clear(self, force: bool, reason: str) -> None:
        if not force:
            raise EvalkitError(reason, where=self.home, hint="Use --name to keep both, --force to replace them")
        if self._lock is not None and not self._lock.is_alone:
            raise EvalkitError(
                "another shard is writing into this folder", where=self.home,
                hint="Wait until it ends, or use --name to keep both results",
            )  # fmt: skip
        self.clear()

    def clear(self) -> None:
        """Delete the contents of the folder, but for other protocols' results."""
        if not self._own():
            return
        self._begin_deletion(None)
        for path in self._own():
            if path.name != _DISCARD:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.home / _DISCARD).unlink(missing_ok=True)

    def _begin_deletion(self, sequences: Iterable[str] | None) -> None:
        """Record what is being deleted; None is everything. An interrupted deletion is completed by the next run."""
        names = None if sequences is None else sorted(sequences)
        write_text(self.home / _DISCARD, json.dumps({"sequences": names}))

    def _read_deletion(self) -> set[str] | None:
        """Return the sequences whose deletion was interrupted; None for all, also where the record is damaged."""
        try:
            names = load_json(self.home / _DISCARD)["sequences"]
            return None if names is None else set(map(str, names))
        except (OSError, InvalidJsonError, KeyError, TypeError):
            return None

    def _complete_deletion(self) -> None:
        """Delete what an interrupted run had begun to delete, and temporary files that killed runs left behind."""
        if (self.home / _DISCARD).exists():
            names = self._read_deletion()
            self.clear() if names is None else self._discard(names)
        if self._lock is not None and self._lock.is_alone:
            for path in self._files():
                if is_temporary(path):
                    path.unlink(missing_ok=True)

    def _holds_results(self) -> bool:
        return any(
            file.suffix in _RESULTS and file.name not in (run_record.FILE, _DISCARD) and not is_temporary(file)
            for file in self._files()
        )

    def _files(self) -> list[Path]:
        places = [path.rglob("*") if path.is_dir() else (path,) for path in self._own()]
        return [path for place in places for path in place if path.is_file()]

    def _own(self) -> list[Path]:
        """Return the entries of the folder, but for other protocols' results."""
        if not self.home.is_dir():
            return []
        others = self._other_protocols() if self.home == self.folder else set()
        return [path for path in self.home.iterdir() if path not in others and not run_lock.is_lock_file(path)]

    def _other_protocols(self) -> set[Path]:
        """Return the folders of other protocols: the dataset's, and all that contain a ``run.json``."""
        further = {path.parent for path in self.folder.glob(f"*/{run_record.FILE}")}
        return {*further, *(self.folder / name for name in self.dataset.protocols[1:])}

    def read(self, sequence: Sequence) -> list[Trajectory]:
        """Read all repetitions, or all anchors, of a sequence; none if nothing is stored.

        Raises:
            DamagedResults: A file of the sequence exists but cannot be read.
        """
        try:
            return layouts.read(self.folder, self.dataset, sequence, self.protocol, tracker=self.label)
        except DamagedResults as error:
            if error.hint is None:
                error.hint = "Remove this file and run again, or import the result again"
            raise

    def done(self, sequence: Sequence, repetition: int = 1) -> bool:
        """Return whether this repetition of a sequence is completely stored."""
        return self._layout.done(self.folder, sequence, self.protocol, repetition)

    def discard(self, sequences: Iterable[str]) -> None:
        """Delete the results of these sequences, in every repetition, before they are tracked again.

        Otherwise the old result of a sequence that now fails, or is not reached, would pass for a new one.
        """
        if self.home.is_dir():
            with run_lock.guard(self.home):
                self._discard(set(sequences))

    def _discard(self, names: set[str]) -> None:
        if names >= {sequence.name for sequence in self.dataset.sequences}:
            self.clear()  # also the record of the earlier run's machines
            return
        self._begin_deletion(names)
        for name in names:
            for path in self._files_of(name):
                path.unlink(missing_ok=True)
        (self.home / _DISCARD).unlink(missing_ok=True)

    def _files_of(self, sequence: str) -> list[Path]:
        """Return the files of a sequence, in every repetition, and the logs of its failures."""
        logs = (self.folder / FAILURES).glob(f"{glob.escape(safe_label(sequence))}_[0-9][0-9][0-9].log")
        if isinstance(self._layout, ListsFiles):
            return [*self._layout.files(self.folder, sequence, self.protocol), *logs]
        others = {one.name for one in self.dataset.sequences}
        names = {sequence, *({f"{sequence}_time"} - others)}
        files = (path for path in self._files() if FAILURES not in path.relative_to(self.home).parts)
        found = [path for path in files if not names.isdisjoint(path.relative_to(self.home).with_suffix("").parts)]
        return [*found, *logs]

    def write(self, trajectories: Iterable[Trajectory]) -> None:
        """Store the trajectories of one unit of work, and delete the log of an earlier failure of it."""
        self.check_own()
        for trajectory in trajectories:
            self._layout.write(self.folder, trajectory)
            self._failure(trajectory.sequence, trajectory.repetition).unlink(missing_ok=True)

    def write_failure(self, sequence: str, repetition: int, text: str) -> Path:
        """Store the traceback of a failed unit of work next to the results, and return the file."""
        self.check_own()
        path = self._failure(sequence, repetition)
        write_text(path, text)
        return path

    def _failure(self, sequence: str, repetition: int) -> Path:
        return self.folder / FAILURES / f"{safe_label(sequence)}_{repetition:03d}.log"
