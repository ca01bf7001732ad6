"""Timing: every query in wall time and in CPU time, with the reference workload between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.cost import reference

PERCENTILES = (50, 90, 99)
BUSY_BELOW = 0.9
"""CPU time over wall time; below, someone else had the processor and wall times say nothing about the tracker."""
DRIFT_ABOVE = 0.05
"""Rise of the time from the first fifth of the queries to the last; above, the device got hot or throttled."""
UNDISTURBED = 2
"""Percentile of the CPU times that counts. What others do to caches and memory only ever adds, to eager PyTorch up to a
third for seconds on end."""


@dataclass(frozen=True)
class Rules:
    """How long to measure.

    Attributes:
        warmup: Queries before, which do not count.
        queries: At least so many that count.
        seconds: At least so long.
    """

    name: str
    warmup: int
    queries: int
    seconds: float


RULES = {
    "quick": Rules("quick", warmup=5, queries=200, seconds=0.0),
    # MLPerf Inference, single-stream scenario: at least 1,024 queries and 60 seconds, judged by the 90th percentile.
    "mobile": Rules("mobile", warmup=32, queries=1024, seconds=60.0),
}


@dataclass(frozen=True, eq=False)
class Timing:
    """Times of one thing.

    Attributes:
        wall, cpu: Shape (N,), seconds; CPU time is that of all threads of the process.
    """

    wall: NDArray[np.float64]
    cpu: NDArray[np.float64]

    def percentile(self, rank: float) -> float:
        """Wall time in seconds that ``rank`` percent of the queries did not exceed."""
        return float(np.percentile(self.wall, rank))

    @property
    def work(self) -> float:
        """CPU seconds of a query that nobody disturbed: the percentile ``UNDISTURBED``."""
        return float(np.percentile(self.cpu, UNDISTURBED))

    @property
    def cpu_per_wall(self) -> float:
        return float(self.cpu.sum() / self.wall.sum())

    @property
    def drift(self) -> float:
        """Median CPU time of the last fifth over that of the first, minus 1."""
        fifth = max(1, len(self.cpu) // 5)
        return float(np.median(self.cpu[-fifth:]) / np.median(self.cpu[:fifth])) - 1.0

    def __add__(self, other: Timing) -> Timing:
        """Times of both, one after the other."""
        return Timing(self.wall + other.wall, self.cpu + other.cpu)


class Stopwatch:
    """Collects the times of named stages, query by query.

    Args:
        synchronize: Waits until the device has finished what it was given; called before each reading of the clock.
    """

    def __init__(self, synchronize: Callable[[], None] | None = None) -> None:
        self._synchronize = synchronize
        self._times: dict[str, list[tuple[int, int]]] = {}

    def start(self) -> None:
        self._last = self._now()

    def lap(self, stage: str) -> None:
        """Book the time since ``start`` or the last lap under ``stage``."""
        now = self._now()
        self._times.setdefault(stage, []).append((now[0] - self._last[0], now[1] - self._last[1]))
        self._last = self._now()

    def _now(self) -> tuple[int, int]:
        if self._synchronize is not None:
            self._synchronize()
        return time.perf_counter_ns(), time.process_time_ns()

    def clear(self) -> None:
        self._times.clear()

    def timings(self) -> dict[str, Timing]:
        table = {stage: np.array(times, dtype=np.float64).reshape(-1, 2) * 1e-9 for stage, times in self._times.items()}
        return {stage: Timing(times[:, 0], times[:, 1]) for stage, times in table.items()}


Query = Callable[[Stopwatch], None]
"""Does one query and laps its stages; setting up the next is its own business before ``start``."""


def measure(
    queries: Mapping[str, Query],
    rules: Rules,
    *,
    synchronize: Mapping[str, Callable[[], None]] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[dict[str, dict[str, Timing]], Timing]:
    """Run several things in turn, the reference workload after each round.

    Taking turns makes them comparable: whatever slows the machine down slows all of them down.

    Returns:
        By name and stage; and the timing of the reference workload.
    """
    watches = {name: Stopwatch((synchronize or {}).get(name)) for name in queries}
    own = Stopwatch()
    work = reference.workload()
    for _ in range(rules.warmup):
        _round(queries, watches, own, work)
    for watch in (*watches.values(), own):
        watch.clear()
    begun, done = clock(), 0
    while done < rules.queries or clock() - begun < rules.seconds:
        _round(queries, watches, own, work)
        done += 1
    return {name: watch.timings() for name, watch in watches.items()}, own.timings()["reference"]


def _round(
    queries: Mapping[str, Query], watches: Mapping[str, Stopwatch], own: Stopwatch, work: Callable[[], None]
) -> None:
    for name, query in queries.items():
        query(watches[name])
    own.start()
    work()
    own.lap("reference")


def complaints(timing: Timing, reference_timing: Timing, *, threads: int, device: str) -> tuple[str, ...]:
    """Why wall times are not to be trusted, one line each; empty where nothing is wrong."""
    found = []
    host = timing.cpu_per_wall if threads == 1 and device == "cpu" else reference_timing.cpu_per_wall
    share = min(host, reference_timing.cpu_per_wall)
    if share < BUSY_BELOW:
        found.append(f"invalid: machine was busy (CPU/wall {share:.2f})")
    if device == "cpu" and timing.cpu_per_wall > threads * 1.1:
        found.append(f"invalid: computed with more threads than told (CPU/wall {timing.cpu_per_wall:.2f})")
    if not found and timing.drift > DRIFT_ABOVE:
        found.append(f"drift: the last fifth took {timing.drift:.0%} longer than the first")
    return tuple(found)


def total(stages: Sequence[Timing]) -> Timing:
    """Times of several stages of the same queries together."""
    together = stages[0]
    for stage in stages[1:]:
        together = together + stage
    return together
