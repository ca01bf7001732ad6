"""Measure CPU time relative to the previous code where it is available, else relative to the reference workload.

The unit of all statements about variation is a pair of new processes: what differs from one start of a process to the
next (memory layout, core, load of the machine) differs from pair to pair.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from evalkit import progress
from evalkit.cost import reference
from evalkit.errors import EvalkitError
from evalkit.geometry import shifted
from evalkit.io.temporary import temporary_folder
from evalkit.protocols.session import starting_region
from evalkit.regression.latency.paired_processes import FRAMES, PairTimes, available_cores, time_pair
from evalkit.regression.latency.previous_code import NoPreviousCodeError, PreviousCode
from evalkit.regression.latency.timed_process import Clip, TimedCode
from evalkit.regression.records import Columns, LatencyRecord, significant
from evalkit.regression.resolved_dataset import ResolvedDataset
from evalkit.regression.suite import SuiteTracker
from evalkit.types import Floats

RECORDED_PAIRS = 5
"""Pairs of processes whose ratios to the reference workload a baseline holds."""
MIN_PAIRS = 4
"""Pairs of processes relative to the previous code that are always measured."""
MAX_PAIRS = 8
"""Pairs that are measured where the first ones do not prove that the gate passes."""


@dataclass(frozen=True)
class RelativeLatency:
    """CPU time of the tracker relative to its previous code.

    Attributes:
        ratios: One per pair of processes, in the order of measurement.
        commit: Abbreviated hash of the previous code.
        seconds_p50, seconds_p90: Percentiles of the wall-clock time of a frame now, for information.
        wall: Wall-clock time relative to that of the previous code.
        cpu_share: CPU time divided by wall-clock time.
    """

    ratios: Columns
    commit: str
    seconds_p50: float
    seconds_p90: float
    wall: float
    cpu_share: float


@dataclass(frozen=True)
class LatencyMeasurement:
    """The latency of one tracker; empty where its device has no CPU time to compare.

    Attributes:
        relative: Relative to the previous code; None where that was not possible.
        recorded: Relative to the reference workload; None where ``relative`` exists.
        obstacle: Why it was not measured relative to the previous code, or not at all.
        failed: The tracker failed while it was timed.
        seconds: Wall-clock time that the measurement took; None where nothing was timed.
    """

    relative: RelativeLatency | None = None
    recorded: LatencyRecord | None = None
    obstacle: str = ""
    failed: bool = False
    seconds: float | None = None


def measure_latency(
    tracker: SuiteTracker,
    dataset: ResolvedDataset,
    previous: PreviousCode | str,
    *,
    decided: Callable[[Columns], bool] = lambda _: False,
    timeout: float | None = None,
) -> LatencyMeasurement:
    """Time a tracker on the first frames of the dataset's first sequence.

    Args:
        previous: The code to compare with; or why there is none, an empty text if none is wanted.
        decided: Returns whether these ratios to the previous code decide already.
        timeout: Seconds that a process may take to build the tracker, or to track a frame.

    Raises:
        EvalkitError: The tracker fails while it is timed.
    """
    if tracker.execution.device != "cpu":
        return LatencyMeasurement(obstacle=f"CPU time is not measured on the device {tracker.execution.device}")
    if not dataset.sequences:
        return LatencyMeasurement(obstacle="no sequence to time the tracker on")
    now = _timed_code(tracker, dataset)
    with _first_frames(dataset) as clip:
        obstacle = previous if isinstance(previous, str) else ""
        if isinstance(previous, PreviousCode):
            try:
                then = _timed_code(previous.tracker(tracker.label), dataset, previous.import_path())
                pairs = _alternate(then, now, clip, MAX_PAIRS, timeout)
                return LatencyMeasurement(relative=_relative_latency(previous, pairs, decided))
            except (NoPreviousCodeError, EvalkitError) as error:
                obstacle = str(error)
        workload = TimedCode(tracker=None, arguments={})
        taken = list(_alternate(workload, now, clip, RECORDED_PAIRS, timeout))
        return LatencyMeasurement(recorded=_latency_record(taken), obstacle=obstacle)


def _relative_latency(
    previous: PreviousCode, pairs: Iterator[PairTimes], decided: Callable[[Columns], bool]
) -> RelativeLatency:
    taken: list[PairTimes] = []
    for pair in pairs:
        outside = previous.modules_from_outside(pair.modules[0])
        if outside:
            raise NoPreviousCodeError(
                f"{outside[0]} is imported from outside of the checkout of commit {previous.commit}"
            )
        taken.append(pair)
        if len(taken) >= MIN_PAIRS and decided(_ratios(taken)):
            break
    wall = np.concatenate([one.wall for one in taken], axis=1)
    return RelativeLatency(
        ratios=_ratios(taken),
        commit=previous.commit,
        seconds_p50=_percentile(wall[1], 50),
        seconds_p90=_percentile(wall[1], 90),
        wall=float(np.median(wall[1] / wall[0])),
        cpu_share=_cpu_share(taken),
    )


def _latency_record(taken: Sequence[PairTimes]) -> LatencyRecord:
    wall = np.concatenate([one.wall[1] for one in taken])
    return LatencyRecord(
        ratios=_ratios(taken),
        reference=f"v{reference.VERSION}",
        seconds_p50=_percentile(wall, 50),
        seconds_p90=_percentile(wall, 90),
        cpu_share=_cpu_share(taken),
    )


def _alternate(
    first: TimedCode, second: TimedCode, clip: Clip, count: int, timeout: float | None
) -> Iterator[PairTimes]:
    """Time pairs of processes on one core after the other; every second pair is started in the opposite order."""
    cores = available_cores()
    for number in progress.each(range(count), f"timing {second.tracker}", timed=True):
        core = cores[number // 2 % len(cores)]
        if number % 2:
            yield time_pair(second, first, clip, core=core, timeout=timeout).swapped()
        else:
            yield time_pair(first, second, clip, core=core, timeout=timeout)


def _ratios(taken: Sequence[PairTimes]) -> Columns:
    return tuple(significant(one.ratio) for one in taken)


def _percentile(wall: Floats, percentage: float) -> float:
    return float(np.percentile(wall, percentage))


def _cpu_share(taken: Sequence[PairTimes]) -> float:
    return float(sum(one.cpu.sum() for one in taken) / sum(one.wall.sum() for one in taken))


def _timed_code(
    tracker: SuiteTracker, dataset: ResolvedDataset, import_path: tuple[str, ...] | None = None
) -> TimedCode:
    arguments = {
        "benchmark": dataset.dataset.name,
        "weights": tracker.weights,
        "settings": tracker.settings,
        "seed": tracker.seed,
        **asdict(tracker.execution),
    }
    return TimedCode(tracker.name, arguments, *(() if import_path is None else (import_path,)))


@contextlib.contextmanager
def _first_frames(dataset: ResolvedDataset) -> Iterator[Clip]:
    sequence, origin = dataset.dataset.sequence(dataset.sequences[0]), dataset.dataset.origin
    if sequence.frames is None:
        raise ValueError("the sequence has no frames")
    frames = [sequence.frames[index] for index in range(min(FRAMES + 1, len(sequence)))]
    region = shifted(starting_region(sequence, 0), -origin, -origin)
    with temporary_folder() as folder:
        path = folder / "clip.npz"
        np.savez(path, *frames)
        yield Clip(path, region)
