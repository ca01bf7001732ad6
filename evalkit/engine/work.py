"""A unit of work and the worker that does it: the same in this process, in a pool, and on a cluster.

Workers track and return answers. Only the process that was asked to run stores them: no file has two writers, and a
worker that is killed leaves no incomplete file.
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import protocols, registry
from evalkit.engine.process_guards import guarded_process, keep_cwd, keep_interpreter_settings
from evalkit.engine.threads import pin_threads
from evalkit.engine.tracker_files import (
    Files,
    OpenedFiles,
    is_own_code,
    plugin_files,
    tracker_files,
    watch_opened_files,
)
from evalkit.engine.verification import verify_execution
from evalkit.errors import EvalkitError
from evalkit.factories import create_tracker, open_dataset
from evalkit.results.run_record import as_json
from evalkit.results.store import Store
from evalkit.types import Dataset, Execution, Tracker, Trajectory

_DEFAULT_EXECUTION = Execution()


@dataclass(frozen=True)
class Job:
    """One tracker on one dataset: all that another process needs to do the same work. It can be pickled.

    Attributes:
        tracker: Name of the tracker: registered, ``family:variant``, or ``path/to/file.py:Name``.
        label: Name of its results.
        dataset: Name of the dataset.
        results: Folder of all results.
        protocol: Registered name of the protocol.
        protocol_source: ``path/to/file.py:function`` if the protocol was named so; a worker process loads it there.
        data: Folder given for the dataset; None for ``$EVALKIT_DATA`` or the configuration file.
        weights: Checkpoint or folder of checkpoints; None for the tracker's own.
        execution: How the tracker's network is executed; the runtime may be ``path/to/file.py:Name``.
        seed: Seed of a stochastic tracker.
        settings: Hyperparameters that were set.
        timed: True if times are stored; false where other work runs at the same time.
    """

    tracker: str
    label: str
    dataset: str
    results: Path
    protocol: str
    protocol_source: str | None = None
    data: Path | None = None
    weights: Path | None = None
    execution: Execution = _DEFAULT_EXECUTION
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    timed: bool = True

    @property
    def runtime_name(self) -> str:
        """Registered name of the runtime."""
        return registry.runtime.find(self.execution.runtime).name

    def start_worker(self) -> Worker:
        """Return a worker of this job whose tracker is built, so that no clock covers building it."""
        worker = Worker(self)
        worker.tracker  # noqa: B018
        return worker


@dataclass(frozen=True)
class Unit:
    """The smallest piece of work: one repetition of one sequence, which is tracked and stored as a whole.

    Attributes:
        job: The job that it belongs to.
        sequence: Name of the sequence.
        repetition: Counted from 1.
    """

    job: Job
    sequence: str
    repetition: int = 1


@dataclass(frozen=True, eq=False)
class Answer:
    """Answer of a worker for a unit: trajectories, or an error. It can be pickled.

    Attributes:
        unit: The unit.
        trajectories: One, or one per anchor; none if it failed.
        error: One line for the user; None unless it failed.
        traceback: Where it failed.
        files: Hashes of the files that the tracker opened while it tracked, by name.
    """

    unit: Unit
    trajectories: tuple[Trajectory, ...] = ()
    error: str | None = None
    traceback: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


class Status(str, Enum):
    """State of a unit at the end of a run: tracked now, stored before, or failed."""

    DONE = "done"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """Result of a unit of work after it was stored.

    Attributes:
        unit: The unit.
        status: State of the unit.
        frames: Number of frames tracked, 0 unless done.
        seconds: Time inside the tracker; NaN where other work ran at the same time.
        cpu_seconds: CPU time of the tracker's thread in that time; NaN where it was not measured.
        error: One line for the user; None unless failed.
        log: File with the traceback; None unless failed.
    """

    unit: Unit
    status: Status
    frames: int = 0
    seconds: float = math.nan
    cpu_seconds: float = math.nan
    error: str | None = None
    log: Path | None = None


class Worker:
    """Does units of one job, one after another, with a tracker and a dataset that are built once.

    Args:
        job: The job.
        dataset: The dataset, if it is not to be opened by the job's name. Workers in other processes open it by name.
        device: Device to build the tracker on instead of the job's: a machine that only distributes the work and
            stores the results may not have the workers' devices.
    """

    def __init__(self, job: Job, *, dataset: Dataset | None = None, device: str | None = None) -> None:
        self.job = job
        self._dataset = dataset
        self._device = device or job.execution.device
        self._opened = OpenedFiles()

    @cached_property
    def dataset(self) -> Dataset:
        """The job's dataset, opened at first use."""
        if self._dataset is not None:
            return self._dataset
        # Absolute: frames are read while the tracker may have changed the current folder.
        return open_dataset(self.job.dataset, None if self.job.data is None else self.job.data.absolute())

    @cached_property
    def tracker(self) -> Tracker:
        """The job's tracker, built at first use."""
        job = self.job
        with keep_cwd(), watch_opened_files() as self._opened:
            tracker = create_tracker(
                job.tracker,
                benchmark=self.dataset.name,
                weights=job.weights,
                runtime=self._runtime,
                precision=job.execution.precision,
                device=self._device,
                threads=job.execution.threads,
                settings=job.settings,
                seed=job.seed,
            )
        pin_threads(job.execution.threads)
        return tracker

    @property
    def _runtime(self) -> str:
        """The job's runtime, or PyTorch where the tracker is built on a device that this runtime does not support."""
        execution = self.job.execution
        other_device = self._device != execution.device
        unsupported = other_device and self._device not in registry.runtime.find(execution.runtime).devices
        return "torch" if unsupported else execution.runtime

    @cached_property
    def store(self) -> Store:
        """The folder of the job's results."""
        return Store(self.job.results, self.dataset, self.job.label, self.job.protocol)

    @cached_property
    def files(self) -> Files:
        """The user's files that make the results, for ``run.json``; none if all of tracker and run are evalkit's."""
        job = self.job
        plugins = [
            *plugin_files(registry.runtime, job.execution.runtime),
            *plugin_files(registry.protocol, job.protocol_source or job.protocol),
        ]
        listed = getattr(self.tracker, "files", ())
        further = [Path(path) for path in ([] if callable(listed) else listed)]
        weights = [job.weights] if job.weights is not None else []
        return tracker_files(
            job.tracker, self._opened, plugins=plugins, further=[*weights, *further], ignored=self._folders_of_data()
        )

    def _folders_of_data(self) -> list[Path]:
        folders = (self.dataset.root, self.job.results)
        return [Path(folder).resolve() for folder in folders if folder is not None]

    def identity(self, store: Store | None = None) -> dict[str, Any]:
        """Return the values that decide the numbers of this job, for ``run.json``.

        A device is recorded without its number, so that the work of ``cuda:0`` and ``cuda:1`` is one run.

        Args:
            store: Results to compare with, by default the job's; files that they record are hashed again.
        """
        job, execution = self.job, self.job.execution
        device = execution.device.partition(":")[0]
        card = self._card()
        how = {"runtime": job.runtime_name, "device": device}
        return {
            "tracker": job.tracker,
            "card": {**card, **{key: value for key, value in how.items() if key in card}},
            "dataset": self.dataset.name,
            "dataset_version": self.dataset.version,
            "protocol": job.protocol,
            "seed": job.seed,
            "settings": dict(job.settings),
            "runtime": job.runtime_name,
            "precision": execution.precision,
            "device": device,
            "threads": execution.threads,
            **self._files_identity(store or self.store),
        }

    def _card(self) -> dict[str, Any]:
        """Return the tracker's card as it is written to ``run.json``.

        Raises:
            EvalkitError: It is no table, or cannot be read or written.
        """
        tracker = self.tracker
        try:
            card = as_json(dict(getattr(tracker, "card", {})))
            json.dumps(card, allow_nan=False)
        except Exception as error:
            raise EvalkitError(
                "the tracker's `card` cannot be recorded", where=self.job.tracker,
                found=f"{type(error).__name__}: {error}", expected="a table of numbers, texts, lists and tables",
            ) from error  # fmt: skip
        return dict(card)

    def _files_identity(self, store: Store) -> dict[str, Any]:
        own = is_own_code(self.job.tracker)
        if not own and not self.files.paths:
            return {}
        try:
            record = store.read_record()
        except EvalkitError:
            record = None
        recorded = record["identity"].get("files", {}) if record is not None else {}
        weights = {"opened_weights": self.files.weights} if own else {}
        return {"files": self.files.hashes(recorded), **weights}

    def track(self, unit: Unit, tracker: Tracker | None = None) -> Answer:
        """Track one sequence; every exception of the tracker or its data becomes an answer with an error.

        Args:
            unit: A unit of the worker's job.
            tracker: Used instead of the worker's own, by engines that run several at a time.
        """
        try:
            with guarded_process(), watch_opened_files() as opened:
                trajectories = self._run(unit, tracker or self.tracker)
                verify_execution(tracker or self.tracker)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return failure(unit, error)
        if not self.job.timed:
            trajectories = [replace(one, seconds=np.full(len(one), np.nan)) for one in trajectories]
        return Answer(unit, tuple(trajectories), files=self._hashes_of(opened))

    @keep_interpreter_settings()
    def _run(self, unit: Unit, tracker: Tracker) -> list[Trajectory]:
        # A copy forgets its annotation after use: memory must not grow with the number of sequences.
        sequence = replace(self.dataset.sequence(unit.sequence))
        return protocols.run(
            self.job.protocol_source or self.job.protocol, tracker, sequence, self.dataset, name=self.job.label,
            repetition=unit.repetition, seed=self.job.seed,
        )  # fmt: skip

    def _hashes_of(self, opened: OpenedFiles) -> dict[str, str]:
        if not opened.read or not is_own_code(self.job.tracker):
            return {}
        home = self.files.home
        return Files(home, opened.inputs(home, self._folders_of_data())).hashes()


def failure(unit: Unit, error: BaseException) -> Answer:
    """Return the answer for a unit that failed with an exception."""
    message = str(error) if isinstance(error, EvalkitError) else f"{type(error).__name__}: {error}"
    return Answer(unit, error=message, traceback="".join(traceback.format_exception(error)))


def store_answer(store: Store, answer: Answer) -> Outcome:
    """Store an answer: the trajectories, or the traceback in a log next to the results.

    Raises:
        EvalkitError: It cannot be written, so that the run as a whole cannot go on.
    """
    unit = answer.unit
    if answer.error is not None:
        log = store.write_failure(unit.sequence, unit.repetition, answer.traceback)
        return Outcome(unit, Status.FAILED, error=answer.error, log=log)
    store.write(answer.trajectories)
    store.add_files(answer.files)
    frames = sum(len(one) for one in answer.trajectories)
    seconds = sum(float(np.nansum(one.seconds)) for one in answer.trajectories)
    if not unit.job.timed:
        return Outcome(unit, Status.DONE, frames)
    return Outcome(unit, Status.DONE, frames, seconds, sum(one.cpu_seconds for one in answer.trajectories))
