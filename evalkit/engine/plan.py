"""Choose the engine of a run, and check that it fits the job."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from evalkit import protocols
from evalkit.engine import lockstep, pool, resident, serial
from evalkit.engine.work import Answer, Job, Outcome, Unit, Worker, store_answer
from evalkit.errors import EvalkitError
from evalkit.types import SplitTracker

ENGINES = ("local", "lockstep", "ray")
LANES = 16
"""Number of sequences in step, unless ``jobs`` gives another."""


@dataclass(frozen=True)
class Shard:
    """A part of the sequences: every ``count``-th, beginning with number ``index``, counted from 1.

    >>> Shard(2, 3).of(["a", "b", "c", "d", "e"])
    ['b', 'e']
    """

    index: int
    count: int

    def of(self, sequences: Sequence[str]) -> list[str]:
        """Return the sequences of this part."""
        return list(sequences[self.index - 1 :: self.count])


@dataclass(frozen=True)
class Plan:
    """Distribution of the work of a run.

    Attributes:
        engine: ``local``: this process, or ``jobs`` processes; ``lockstep``: one process, ``jobs`` sequences in one
            batch; ``ray``: ``jobs`` workers on a Ray cluster.
        jobs: Number of processes, sequences or workers; None for the engine's default: 1, ``LANES``, or as many as the
            cluster has room for.
        devices: Devices of the trackers; processes use them in turn.
        timeout: Seconds after which a sequence is stopped; None for no limit.
        address: Address of the Ray cluster.
        shard: The part of the sequences that this run does; None for all.

    Raises:
        EvalkitError: The values cannot be combined.
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
            raise EvalkitError("an address is used by --engine ray only", where="--address", found=self.address)
        if self.engine != "local" and len(self.devices) > 1:
            raise EvalkitError(
                f"the {self.engine} engine uses one device", where="--device", found=",".join(self.devices),
                hint="Ray distributes workers over GPUs" if self.engine == "ray" else "Give each device a --shard",
            )  # fmt: skip
        if self.engine == "lockstep" and self.timeout is not None:
            raise EvalkitError(
                "the lockstep engine cannot stop a single sequence", where="--timeout",
                hint="Use --engine local with --jobs",
            )  # fmt: skip

    @property
    def processes(self) -> int:
        """Number of worker processes on this machine; 0 if this process does the work, which no time limit can stop."""
        wanted = max(self.jobs or 1, len(self.devices))
        return 0 if self.engine != "local" or (wanted == 1 and self.timeout is None) else wanted

    @property
    def shard_name(self) -> str | None:
        """The shard as ``I/N``; None if this run does all sequences."""
        return None if self.shard is None else f"{self.shard.index}/{self.shard.count}"

    @property
    def timed(self) -> bool:
        """True where the tracker runs alone, so that its times are meaningful."""
        return self.engine == "local" and self.processes <= 1 and self.shard is None

    def worker(self, job: Job) -> Worker:
        """Return the worker of this process; it is built on the CPU where only workers on a cluster compute."""
        return Worker(job, device="cpu" if self.engine == "ray" else None)

    def share(self, sequences: Sequence[str]) -> list[str]:
        """Return the sequences of this run's shard."""
        return self.shard.of(sequences) if self.shard else list(sequences)

    def check(self, job: Job) -> None:
        """Raise an error if the engine cannot do this job, before anything is changed.

        Raises:
            EvalkitError: The engine is not installed, or does not fit the job's protocol.
        """
        protocols.get(job.protocol_source or job.protocol)
        if self.engine == "ray" and importlib.util.find_spec("ray") is None:
            raise EvalkitError("Ray is not installed", where="--engine ray", hint="pip install evalkit-sot[ray]")
        if job.protocol == "realtime" and not self.timed:
            raise EvalkitError(
                "the real-time protocol depends on the tracker's speed, which other work would reduce",
                where="--protocol", found="realtime", hint="Run it alone: --jobs 1, no --shard, --engine local",
            )  # fmt: skip

    def execute(self, worker: Worker, units: Sequence[Unit]) -> Generator[Outcome, None, None]:
        """Do the units, and store each answer as soon as it is there.

        Raises:
            EvalkitError: See ``check``; or results cannot be written.
        """
        self.check(worker.job)
        # Workers end with the iterator, also if storing fails or the caller stops early.
        with contextlib.closing(self._answers(worker, units)) as answers:
            for answer in answers:
                yield store_answer(worker.store, answer)

    def _answers(self, worker: Worker, units: Sequence[Unit]) -> Generator[Answer, None, None]:
        if self.engine == "ray":
            from evalkit.engine import cluster

            ordered = _longest_first(worker, units)
            yield from cluster.execute(worker, ordered, address=self.address, jobs=self.jobs, timeout=self.timeout)
        elif self.engine == "lockstep" and isinstance(worker.tracker, SplitTracker):
            yield from _execute_in_lockstep(worker, _longest_first(worker, units), self.jobs or LANES)
        elif self.processes:
            devices = [self.devices[index % len(self.devices)] for index in range(self.processes)]
            ordered = _longest_first(worker, units) if self.processes > 1 else list(units)
            yield from pool.execute(worker.job, ordered, devices=devices, timeout=self.timeout)
        else:
            yield from serial.execute(worker, units)

    def notices(self, worker: Worker, sequences: Sequence[str]) -> list[str]:
        """Return sentences about how the results were made that their reader has to know.

        Args:
            worker: Worker of this process.
            sequences: Names of the sequences of this run.
        """
        label = worker.job.label
        if self.shard is not None and not sequences:
            return [f"{label}: shard {self.shard.index}/{self.shard.count} is empty; there are fewer sequences"]
        if self.shard is not None:
            done = f"shard {self.shard.index}/{self.shard.count} of {worker.dataset.name} is finished"
            return [f"{label}: {done}; join all shards with `evalkit merge`, then score"]
        if self.engine == "lockstep" and not isinstance(worker.tracker, SplitTracker):
            return [f"{label}: not split into crop, network and locate; its sequences ran one by one, not in lockstep"]
        if not self.timed:
            return [f"{label}: frames per second are not reported because it did not run alone"]
        return []


def _execute_in_lockstep(worker: Worker, units: Sequence[Unit], lanes: int) -> Iterator[Answer]:
    """Do the units in step: all of it on the device where the tracker can do that, else only the network."""
    offer = getattr(worker.tracker, "device_lanes", None)
    device_lanes = offer(lanes) if callable(offer) else None
    if device_lanes is None:
        return lockstep.execute(worker, units, lanes=lanes)
    return resident.execute(worker, units, device_lanes, count=lanes)


def _longest_first(worker: Worker, units: Sequence[Unit]) -> list[Unit]:
    """Sort units by length, so that no long sequence begins when the others are done."""
    lengths: dict[str, int] = {}
    for name in {unit.sequence for unit in units}:
        try:
            lengths[name] = len(worker.dataset.sequence(name))
        except EvalkitError:
            # Tracking it will give the error.
            lengths[name] = 0
    return sorted(units, key=lambda unit: -lengths[unit.sequence])


def parse_shard(text: str) -> Shard:
    """Parse ``I/N`` with 1 <= I <= N.

    Raises:
        EvalkitError: The text is anything else.
    """
    index, _, count = text.partition("/")
    if index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count):
        return Shard(int(index), int(count))
    raise EvalkitError("invalid shard", where="--shard", found=text, expected="I/N with I from 1 to N, e.g. 2/8")
