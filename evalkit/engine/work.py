"""A unit of work, and the worker that does it: the same in this process, in a pool and on a cluster.

Workers track and answer; only the process that was asked to run stores, so that no file has two writers and a killed
worker leaves nothing half done.
"""

from __future__ import annotations

import math
import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import protocols, registry
from evalkit.engine.threads import pin_threads
from evalkit.errors import EvalkitError
from evalkit.factories import create_tracker, open_dataset
from evalkit.results.store import Store
from evalkit.types import Dataset, Tracker, Trajectory


@dataclass(frozen=True)
class Job:
    """One tracker on one benchmark: all that another process needs to do the same. Pickles.

    Attributes:
        tracker: Name to build it by.
        label: Name of its results.
        protocol: Registered name of the protocol.
        protocol_source: ``path/to/file.py:function`` where the protocol was named so; a worker process loads it there.
        data: Folder given for the benchmark; None to look it up.
        runtime: Registered name of a runtime, or ``path/to/file.py:Name``.
        threads: Threads of the network's runtime.
        timed: Whether times are kept; never under parallel load.
    """

    tracker: str
    label: str
    dataset: str
    results: Path
    protocol: str
    protocol_source: str | None = None
    data: Path | None = None
    weights: Path | None = None
    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    timed: bool = True

    @property
    def runtime_name(self) -> str:
        """Registered name of the runtime."""
        return registry.runtime.find(self.runtime).name


@dataclass(frozen=True)
class Unit:
    """The smallest piece that is tracked and stored as a whole."""

    job: Job
    sequence: str
    repetition: int = 1


@dataclass(frozen=True, eq=False)
class Answer:
    """What a worker hands back for a unit: trajectories, or why there are none. Pickles.

    Attributes:
        error: One line for people; None unless failed.
        traceback: Where it failed.
    """

    unit: Unit
    trajectories: tuple[Trajectory, ...] = ()
    error: str | None = None
    traceback: str = ""


class Status(str, Enum):
    """What became of a unit."""

    DONE = "done"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of a unit of work.

    Attributes:
        frames: Frames tracked, 0 unless done.
        seconds: Time inside the tracker; NaN under parallel load.
        error: One line for people; None unless failed.
        log: File with the traceback, where there is one.
    """

    unit: Unit
    status: Status
    frames: int = 0
    seconds: float = math.nan
    error: str | None = None
    log: Path | None = None


def default_label(tracker: str, runtime: str, precision: str) -> str:
    """Return the name that results are stored under: the tracker's, with runtime and precision unless torch and fp32.

    A runtime in a file is called by its registered name.

    >>> default_label("lighttrack-m", "torch", "fp32"), default_label("my/file.py:Mine", "ncnn", "fp16")
    ('lighttrack-m', 'Mine@ncnn-fp16')
    """
    path, separator, attribute = tracker.rpartition(":")
    label = attribute if separator and path.endswith(".py") else tracker
    name = registry.runtime.find(runtime).name
    if precision != "fp32":
        return f"{label}@{name}-{precision}"
    return label if name == "torch" else f"{label}@{name}"


class Worker:
    """Does units of one job after another, with the tracker and the dataset built once.

    Args:
        device: Where to build the tracker instead of on the job's device: a machine that only hands out work and keeps
            the results need not have what its workers have.
    """

    def __init__(self, job: Job, *, device: str | None = None) -> None:
        self.job = job
        self._device = device or job.device

    @cached_property
    def dataset(self) -> Dataset:
        return open_dataset(self.job.dataset, self.job.data)

    @cached_property
    def tracker(self) -> Tracker:
        job = self.job
        with _staying():
            tracker = create_tracker(
                job.tracker,
                benchmark=self.dataset.name,
                weights=job.weights,
                runtime=self._runtime,
                precision=job.precision,
                device=self._device,
                threads=job.threads,
                settings=job.settings,
                seed=job.seed,
            )
        pin_threads(job.threads)
        return tracker

    @property
    def _runtime(self) -> str:
        """The job's, or PyTorch where the tracker is built on a device that the job's does not run on."""
        elsewhere = self._device != self.job.device
        unsupported = elsewhere and self._device not in registry.runtime.find(self.job.runtime).devices
        return "torch" if unsupported else self.job.runtime

    @cached_property
    def store(self) -> Store:
        return Store(self.job.results, self.dataset, self.job.label, self.job.protocol)

    def identity(self) -> dict[str, Any]:
        """What decides the numbers of this job, for ``run.json``.

        Of a device only its kind is said, so that the shares of ``cuda:0`` and ``cuda:1`` are one run.
        """
        job = self.job
        device = job.device.partition(":")[0]
        card = dict(getattr(self.tracker, "card", {}))
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
            "precision": job.precision,
            "device": device,
            "threads": job.threads,
        }

    def track(self, unit: Unit, tracker: Tracker | None = None) -> Answer:
        """Track one sequence; whatever the tracker or its data do wrong becomes an answer.

        Args:
            tracker: Instead of the worker's own, for engines that lead several at a time.
        """
        try:
            with _staying():
                trajectories = protocols.run(
                    self.job.protocol_source or self.job.protocol,
                    tracker or self.tracker,
                    # A copy forgets its annotation after use: memory must not grow with the number of sequences.
                    replace(self.dataset.sequence(unit.sequence)),
                    self.dataset,
                    name=self.job.label,
                    repetition=unit.repetition,
                    seed=self.job.seed,
                )
        except (Exception, SystemExit) as error:
            message = str(error) if isinstance(error, EvalkitError) else f"{type(error).__name__}: {error}"
            return Answer(unit, error=message, traceback="".join(traceback.format_exception(error)))
        if not self.job.timed:
            trajectories = [replace(one, seconds=np.full(len(one), np.nan)) for one in trajectories]
        return Answer(unit, tuple(trajectories))


@contextmanager
def _staying() -> Iterator[None]:
    """Return to the working folder: a tracker that leaves it must not take data and results along."""
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)


def settle(store: Store, answer: Answer) -> Outcome:
    """Store an answer: the trajectories, or the traceback beside them.

    Raises:
        EvalkitError: It cannot be written: the run as a whole cannot go on.
    """
    unit = answer.unit
    if answer.error is not None:
        log = store.write_failure(unit.sequence, unit.repetition, answer.traceback)
        return Outcome(unit, Status.FAILED, error=answer.error, log=log)
    store.write(answer.trajectories)
    frames = sum(len(one) for one in answer.trajectories)
    seconds = sum(float(np.nansum(one.seconds)) for one in answer.trajectories)
    return Outcome(unit, Status.DONE, frames, seconds if unit.job.timed else math.nan)
