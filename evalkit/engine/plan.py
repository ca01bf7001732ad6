"""Which engine does a run's work, and what that means for it."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from evalkit import protocols
from evalkit.engine import lockstep, pool, serial
from evalkit.engine.work import Answer, Job, Outcome, Unit, Worker, settle
from evalkit.errors import EvalkitError
from evalkit.types import SplitTracker

ENGINES = ("local", "lockstep", "ray")
LANES = 16
"""Sequences that advance together unless ``jobs`` says otherwise."""


@dataclass(frozen=True)
class Shard:
    """Every ``count``-th sequence, beginning with number ``index``, both counted from 1.

    >>> Shard(2, 3).of(["a", "b", "c", "d", "e"])
    ['b', 'e']
    """

    index: int
    count: int

    def of(self, sequences: Sequence[str]) -> list[str]:
        return list(sequences[self.index - 1 :: self.count])


@dataclass(frozen=True)
class Plan:
    """How the work of a run is spread.

    Attributes:
        engine: ``local``: this process, or ``jobs`` processes; ``lockstep``: one process, ``jobs`` sequences in one
            batch; ``ray``: ``jobs`` workers on a Ray cluster.
        jobs: None for what suits the engine: 1, ``LANES``, as many as the cluster holds.
        devices: Where trackers compute; processes take them in turn.
        timeout: Seconds a sequence may take.
        address: Of the Ray cluster.
        shard: The part of the sequences that is done here.

    Raises:
        EvalkitError: These do not go together.
    """

    engine: str = "local"
    jobs: int | None = None
    devices: tuple[str, ...] = ("cpu",)
    timeout: float | None = None
    address: str | None = None
    shard: Shard | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise EvalkitError("no such engine", where="--engine", found=self.engine, expected=", ".join(ENGINES))
        if self.address is not None and self.engine != "ray":
            raise EvalkitError("an address is for --engine ray", where="--address", found=self.address)
        if self.engine != "local" and len(self.devices) > 1:
            raise EvalkitError(
                f"the {self.engine} engine takes one device", where="--device", found=",".join(self.devices),
                hint="Ray places workers on GPUs by itself" if self.engine == "ray" else "Give each device a --shard",
            )  # fmt: skip
        if self.engine == "lockstep" and self.timeout is not None:
            raise EvalkitError(
                "a sequence in lockstep cannot be stopped alone", where="--timeout",
                hint="Use --engine local with --jobs",
            )  # fmt: skip

    @property
    def processes(self) -> int:
        """Worker processes on this machine; 0 for this process alone, which is enough unless one must be killed."""
        wanted = max(self.jobs or 1, len(self.devices))
        return 0 if self.engine != "local" or (wanted == 1 and self.timeout is None) else wanted

    @property
    def timed(self) -> bool:
        """Whether the tracker computes alone, so that its times mean something."""
        return self.engine == "local" and self.processes <= 1 and self.shard is None

    def worker(self, job: Job) -> Worker:
        """This process's own worker, which knows what is to be done; it needs no GPU where only others compute."""
        return Worker(job, device="cpu" if self.engine == "ray" else None)

    def share(self, sequences: Sequence[str]) -> list[str]:
        """The sequences that are done here."""
        return self.shard.of(sequences) if self.shard else list(sequences)

    def check(self, job: Job) -> None:
        """Before anything is touched: can the planned engine do this job?

        Raises:
            EvalkitError: It cannot be had here, or does not fit the job's protocol.
        """
        protocols.get(job.protocol_source or job.protocol)
        if self.engine == "ray" and importlib.util.find_spec("ray") is None:
            raise EvalkitError("Ray is not installed", where="--engine ray", hint="pip install evalkit-sot[ray]")
        if job.protocol == "realtime" and not self.timed:
            raise EvalkitError(
                "the real-time protocol depends on the tracker's speed, which is not its own under parallel load",
                where="--protocol", found="realtime", hint="Run it alone: --jobs 1, no --shard, --engine local",
            )  # fmt: skip

    def execute(self, worker: Worker, units: Sequence[Unit]) -> Generator[Outcome, None, None]:
        """Do the units with the planned engine, storing each answer as it comes.

        Raises:
            EvalkitError: The engine cannot be had or cannot do this job; results cannot be written.
        """
        self.check(worker.job)
        # Workers end with the iterator, also when storing fails or the caller stops in between.
        with contextlib.closing(self._answers(worker, units)) as answers:
            for answer in answers:
                yield settle(worker.store, answer)

    def _answers(self, worker: Worker, units: Sequence[Unit]) -> Generator[Answer, None, None]:
        if self.engine == "ray":
            from evalkit.engine import cluster

            ordered = _longest_first(worker, units)
            yield from cluster.execute(worker, ordered, address=self.address, jobs=self.jobs, timeout=self.timeout)
        elif self.engine == "lockstep" and isinstance(worker.tracker, SplitTracker):
            yield from lockstep.execute(worker, _longest_first(worker, units), lanes=self.jobs or LANES)
        elif self.processes:
            devices = [self.devices[index % len(self.devices)] for index in range(self.processes)]
            ordered = _longest_first(worker, units) if self.processes > 1 else list(units)
            yield from pool.execute(worker.job, ordered, devices=devices, timeout=self.timeout)
        else:
            yield from serial.execute(worker, units)

    def notices(self, worker: Worker, sequences: Sequence[str]) -> list[str]:
        """What a reader of the results should know of how they came about.

        Args:
            sequences: Names of those that were done here.
        """
        label = worker.job.label
        if self.shard is not None and not sequences:
            return [f"{label}: shard {self.shard.index}/{self.shard.count} is empty; there are fewer sequences"]
        if self.shard is not None:
            done = f"shard {self.shard.index}/{self.shard.count} of {worker.dataset.name} is there"
            return [f"{label}: {done}; join all shards with `evalkit merge`, then score"]
        if self.engine == "lockstep" and not isinstance(worker.tracker, SplitTracker):
            return [f"{label}: it has no crop, network and locate to run in lockstep; its sequences ran one by one"]
        if not self.timed:
            return [f"{label}: frames per second are not reported, it did not run alone"]
        return []


def _longest_first(worker: Worker, units: Sequence[Unit]) -> list[Unit]:
    """So that no long sequence begins when the others are done."""
    lengths: dict[str, int] = {}
    for name in {unit.sequence for unit in units}:
        try:
            lengths[name] = len(worker.dataset.sequence(name))
        except EvalkitError:
            # It will fail, and say why, when it is tracked.
            lengths[name] = 0
    return sorted(units, key=lambda unit: -lengths[unit.sequence])


def parse_shard(text: str) -> Shard:
    """``I/N`` with 1 <= I <= N.

    Raises:
        EvalkitError: It is something else.
    """
    index, _, count = text.partition("/")
    if index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count):
        return Shard(int(index), int(count))
    raise EvalkitError("this is no shard", where="--shard", found=text, expected="I/N with I from 1 to N, e.g. 2/8")
