"""A unit of work, and the worker that does it: the same in this process, in a pool and on a cluster."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import config, protocols, registry
from evalkit.errors import EvalkitError
from evalkit.results.store import Store
from evalkit.types import Dataset, Tracker


@dataclass(frozen=True)
class Job:
    """One tracker on one benchmark: all that another process needs to do the same. Pickles.

    Attributes:
        tracker: Name to build it by.
        label: Name of its results.
        data: Folder given for the benchmark; None to look it up.
        threads: Threads of the network's runtime.
        timed: Whether times are kept; never under parallel load.
    """

    tracker: str
    label: str
    dataset: str
    results: Path
    protocol: str
    data: Path | None = None
    weights: Path | None = None
    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    timed: bool = True


@dataclass(frozen=True)
class Unit:
    """The smallest piece that is tracked and stored as a whole."""

    job: Job
    sequence: str
    repetition: int = 1


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


def open_dataset(name: str, data: Path | None) -> Dataset:
    """A benchmark by name, found by ``--data``, the environment or the configuration file.

    Raises:
        EvalkitError: No such benchmark, or its files are not where they should be.
    """
    entry, _ = registry.dataset.find(name)
    dataset = entry.build(root=config.data_root(entry.name, data))
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset factory {entry.module} returned {type(dataset).__name__}")
    return dataset


class Worker:
    """Does units of one job after another, with the tracker and the dataset built once."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @cached_property
    def dataset(self) -> Dataset:
        return open_dataset(self.job.dataset, self.job.data)

    @cached_property
    def tracker(self) -> Tracker:
        job = self.job
        return registry.create_tracker(
            job.tracker,
            benchmark=self.dataset.name,
            weights=job.weights,
            runtime=job.runtime,
            precision=job.precision,
            device=job.device,
            threads=job.threads,
            settings=job.settings,
            seed=job.seed,
        )

    @cached_property
    def store(self) -> Store:
        return Store(self.job.results, self.dataset, self.job.label, self.job.protocol)

    def identity(self) -> dict[str, Any]:
        """What decides the numbers of this job, for ``run.json``."""
        job = self.job
        return {
            "tracker": job.tracker,
            "card": dict(getattr(self.tracker, "card", {})),
            "dataset": self.dataset.name,
            "dataset_version": self.dataset.version,
            "protocol": job.protocol,
            "seed": job.seed,
            "settings": dict(job.settings),
            "runtime": job.runtime,
            "precision": job.precision,
            "device": job.device,
            "threads": job.threads,
        }

    def run(self, unit: Unit) -> Outcome:
        """Track one sequence and store the result; a failure becomes an outcome with its traceback on disk.

        Raises:
            EvalkitError: The result cannot be written: the run as a whole cannot go on.
        """
        protocol = protocols.get(self.job.protocol)
        try:
            trajectories = protocol(
                self.tracker,
                self.dataset.sequence(unit.sequence),
                origin=self.dataset.origin,
                name=self.job.label,
                repetition=unit.repetition,
                seed=self.job.seed,
            )
        except Exception as error:
            return self._failed(unit, error)
        if not self.job.timed:
            trajectories = [replace(one, seconds=np.full(len(one), np.nan)) for one in trajectories]
        self.store.write(trajectories)
        frames = sum(len(one) for one in trajectories)
        seconds = sum(float(np.nansum(one.seconds)) for one in trajectories)
        return Outcome(unit, Status.DONE, frames, seconds if self.job.timed else math.nan)

    def _failed(self, unit: Unit, error: Exception) -> Outcome:
        text = "".join(traceback.format_exception(error))
        log = self.store.write_failure(unit.sequence, unit.repetition, text)
        message = str(error) if isinstance(error, EvalkitError) else f"{type(error).__name__}: {error}"
        return Outcome(unit, Status.FAILED, error=message, log=log)
