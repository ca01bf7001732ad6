"""Time queries in wall time and CPU time, alternating with the reference workload."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evalkit import progress
from evalkit.cost import reference
from evalkit.types import Floats

PERCENTILES = (50, 90, 99)
BUSY_BELOW = 0.9
"""CPU time over wall time; below it other processes used the processor, and wall times are invalid."""
DRIFT_ABOVE = 0.05
"""Increase of the time from the first fifth of the queries to the last; above it the device was probably throttled."""
WORK_PERCENTILE = 2
"""Percentile of the CPU times that counts as the work of a query. Other processes, which use caches and memory too,
only add to it: up to a third in eager PyTorch, for seconds at a time."""


@dataclass(frozen=True)
class Rules:
    """How long to measure.

    Attributes:
        name: Name in the records.
        warmup: Queries before the measurement.
        queries: Least number of queries.
        seconds: Least duration.
    """

    name: str
    warmup: int
    queries: int
    seconds: float


RULES = {
    "quick": Rules("quick", warmup=5, queries=200, seconds=0.0),
    # MLPerf Mobile, single-stream scenario: at least 1,024 queries and 60 seconds, judged by the 90th percentile.
    # MLPerf Inference asks for 600 seconds.
    "mobile": Rules("mobile", warmup=32, queries=1024, seconds=60.0),
}


@dataclass(frozen=True, eq=False)
class Timing:
    """Times of N queries.

    Attributes:
        wall: Shape (N,), seconds.
        cpu: Shape (N,), seconds; CPU time of all threads of the process.
    """

    wall: Floats
    cpu: Floats

    def percentile(self, rank: float) -> float:
        """Return the wall time in seconds that ``rank`` percent of the queries did not exceed."""
        return float(np.percentile(self.wall, rank))

    @property
    def work(self) -> float:
        """CPU time in seconds of a query that other processes did not disturb: percentile ``WORK_PERCENTILE``."""
        return float(np.percentile(self.cpu, WORK_PERCENTILE))

    @property
    def cpu_per_wall(self) -> float:
        """CPU time over wall time of all queries."""
        return float(self.cpu.sum() / self.wall.sum())

    @property
    def drift(self) -> float:
        """Median CPU time of the last fifth over that of the first, minus 1."""
        fifth = max(1, len(self.cpu) // 5)
        return float(np.median(self.cpu[-fifth:]) / np.median(self.cpu[:fifth])) - 1.0

    def __add__(self, other: Timing) -> Timing:
        """Return the times of both, one after the other, for each query."""
        return Timing(self.wall + other.wall, self.cpu + other.cpu)


class Stopwatch:
    """Records the times of named stages, query by query.

    Args:
        synchronize: Waits until the device has finished its work; called before each reading of the clock.
    """

    def __init__(self, synchronize: Callable[[], None] | None = None) -> None:
        self._synchronize = synchronize
        self._times: dict[str, list[tuple[int, int]]] = {}

    def start(self) -> None:
        """Start the first stage of a query."""
        self._last = self._now()

    def lap(self, stage: str) -> None:
        """Record the time since ``start`` or the previous lap as that of ``stage``, and start the next stage."""
        now = self._now()
        self._times.setdefault(stage, []).append((now[0] - self._last[0], now[1] - self._last[1]))
        self._last = self._now()

    def _now(self) -> tuple[int, int]:
        if self._synchronize is not None:
            self._synchronize()
        return time.perf_counter_ns(), time.process_time_ns()

    def clear(self) -> None:
        """Discard all recorded times."""
        self._times.clear()

    def timings(self) -> dict[str, Timing]:
        """Return the recorded times by stage."""
        table = {stage: np.array(times, dtype=np.float64).reshape(-1, 2) * 1e-9 for stage, times in self._times.items()}
        return {stage: Timing(times[:, 0], times[:, 1]) for stage, times in table.items()}


Query = Callable[[Stopwatch], None]
"""Executes one query and laps its stages. What it does before ``start`` is not timed."""


def synchronizers(devices: Mapping[str, str]) -> dict[str, Callable[[], None]]:
    """Return by name a function that waits for a device; none for devices that compute before a call returns.

    Args:
        devices: Names of devices, such as ``cuda:0``, by name of the query.
    """
    on_cuda = {name: device for name, device in devices.items() if device.startswith("cuda")}
    if not on_cuda:
        return {}
    import torch

    return {name: partial(torch.cuda.synchronize, device) for name, device in on_cuda.items()}


def time_alternately(
    queries: Mapping[str, Query],
    rules: Rules,
    *,
    synchronize: Mapping[str, Callable[[], None]] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    text: str = "timing",
) -> tuple[dict[str, dict[str, Timing]], Timing]:
    """Execute several queries in turn, and the reference workload after each round.

    They are comparable because whatever slows the machine down slows down all of them.

    Args:
        queries: By any name.
        rules: How long to measure.
        synchronize: By name, where needed; see ``synchronizers``.
        clock: Current time in seconds, for the least duration.
        text: What is timed, for ``evalkit.progress``.

    Returns:
        Timings by name and stage, and the timing of the reference workload.
    """
    watches = {name: Stopwatch((synchronize or {}).get(name)) for name in queries}
    reference_watch = Stopwatch()
    workload = reference.workload()

    def execute_round() -> None:
        for name, query in queries.items():
            query(watches[name])
        reference_watch.start()
        workload()
        reference_watch.lap("reference")

    progress.tell(text, timed=True)
    for _ in range(rules.warmup):
        execute_round()
    for watch in (*watches.values(), reference_watch):
        watch.clear()
    begun, done = clock(), 0
    while done < rules.queries or clock() - begun < rules.seconds:
        # Outside of all timed stages.
        progress.tell(text, done, max(rules.queries, done + 1), timed=True)
        execute_round()
        done += 1
    return {name: watch.timings() for name, watch in watches.items()}, reference_watch.timings()["reference"]


def timing_notes(timing: Timing, reference_timing: Timing, *, threads: int, device: str) -> tuple[str, ...]:
    """Return why wall times are invalid or questionable, one line for each reason.

    Args:
        timing: Timing of a tracker, all stages together.
        reference_timing: Timing of the reference workload, measured alternately.
        threads: Number of threads that the tracker was to use.
        device: Device that the tracker computes on.
    """
    found = []
    # With several threads or another device the tracker may wait without anybody else using the processor.
    tracker_share = timing.cpu_per_wall if threads == 1 and device == "cpu" else reference_timing.cpu_per_wall
    share = min(tracker_share, reference_timing.cpu_per_wall)
    if share < BUSY_BELOW:
        found.append(f"invalid: machine was busy (CPU/wall {share:.2f})")
    if device == "cpu" and timing.cpu_per_wall > threads * 1.1:
        found.append(f"invalid: used more threads than requested (CPU/wall {timing.cpu_per_wall:.2f})")
    if not found and timing.drift > DRIFT_ABOVE:
        found.append(drift_note(timing))
    return tuple(found)


def drift_note(timing: Timing) -> str:
    """Return the note on a timing whose last queries took longer than the first."""
    return f"drift: the last fifth took {timing.drift:.0%} longer than the first"


def total(stages: Sequence[Timing]) -> Timing:
    """Return the sum of the times of several stages, for each query."""
    together = stages[0]
    for stage in stages[1:]:
        together = together + stage
    return together
