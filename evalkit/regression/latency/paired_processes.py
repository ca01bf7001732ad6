"""Time two versions of a tracker in two processes that alternate frame by frame on one core.

What slows one of them down slows the other as well. Measured on one virtual machine: the CPU time of a frame varies by
up to a half within seconds, with the use of caches and memory by other processes, and by another factor for every
workload; the ratio of the times of two processes that do the same work varies by 1 %.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.regression.latency.timed_process import Clip, TimedCode, TimedProcess
from evalkit.types import Floats

FRAMES = 12
"""Frames of a cycle, after which the tracker starts again. Even, because two frames make a block."""
WARMUP = FRAMES
"""Frames that are tracked before any is timed."""
CYCLES = (3, 8)
"""Minimum and maximum number of timed cycles; between them, timing stops after ``SECONDS``."""
SECONDS = 1.0
"""CPU time of both processes together."""


@dataclass(frozen=True, eq=False)
class PairTimes:
    """Times of two processes that alternated.

    Attributes:
        cpu, wall: Shape (2, N), seconds per frame of each process; a column is the same frame of both.
        modules: Files of the modules that each process had loaded, by name.
    """

    cpu: Floats
    wall: Floats
    modules: tuple[Mapping[str, str | None], Mapping[str, str | None]]

    @property
    def ratio(self) -> float:
        """CPU time of the second process over that of the first: the median over blocks of two frames.

        In a block each process is first once: the one that tracks twice in a row finds warm caches.
        """
        first, second = self.cpu.reshape(2, -1, 2).sum(axis=2)
        return float(np.median(second / first))

    def swapped(self) -> PairTimes:
        """Return the times with the two processes exchanged."""
        return PairTimes(self.cpu[::-1], self.wall[::-1], self.modules[::-1])


def available_cores() -> list[int | None]:
    """Return the cores on which a process can be kept; [None] where the system cannot do so."""
    return [*sorted(os.sched_getaffinity(0))] if hasattr(os, "sched_getaffinity") else [None]


def time_pair(
    first: TimedCode, second: TimedCode, clip: Clip, *, core: int | None, timeout: float | None = None
) -> PairTimes:
    """Start both processes and let them track alternately, each being first in every other frame.

    Args:
        core: The core for both; None for no such limit.
        timeout: Seconds that a process may take to build the tracker, or to track a frame.

    Raises:
        EvalkitError: A process cannot be started, fails or takes too long.
    """
    with TimedProcess(first, clip, core, timeout) as one, TimedProcess(second, clip, core, timeout) as other:
        modules = one.wait_until_ready(), other.wait_until_ready()
        processes = [one, other]
        for _ in range(WARMUP):
            _track_frame(processes)
        times: list[list[tuple[float, float]]] = []
        spent = 0.0
        while len(times) < CYCLES[0] * FRAMES or (len(times) < CYCLES[1] * FRAMES and spent < SECONDS * 1e9):
            for order in (1, -1):
                times.append(_track_frame(processes[::order])[::order])
                spent += sum(cpu for cpu, _ in times[-1])
    table = np.maximum(np.array(times), 1.0) * 1e-9
    return PairTimes(table[:, :, 0].T, table[:, :, 1].T, modules)


def _track_frame(processes: Sequence[TimedProcess]) -> list[tuple[float, float]]:
    return [process.track_frame() for process in processes]
