"""Accuracy, robustness and expected average overlap of multi-start results (VOT2020 and later).

Source: ``vot/analysis/multistart.py`` of vot-toolkit 0.9.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.metrics import raster_toolkit
from evalkit.metrics.measures import Evaluation, Measure, at, between
from evalkit.metrics.vot import image_size
from evalkit.metrics.vot_toolkit import regions_of
from evalkit.types import Metric, Sequence, Trajectory

Floats = NDArray[np.float64]

ACCURACY = Metric("accuracy", "mean overlap from each start to the failure or the end")
ROBUSTNESS = Metric("robustness", "part of the frames tracked before a failure, over all starts")
EAO = Metric("eao", "expected average overlap: mean of the expected overlap over typical sequence lengths")
METRICS = (ACCURACY, ROBUSTNESS, EAO)

INTERVAL = (115, 755)
"""Lengths that EAO averages over in VOT2020 to VOT2022; the curve has 755 points, counted from 0: 754 is the last."""

FAILURE_OVERLAP = 0.1
GRACE = 10
"""So many frames in a row at or below ``FAILURE_OVERLAP`` are a failure, which happened at the first of them."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run from an anchor, in run order.

    Attributes:
        overlaps: Shape (N,); 0 from the failure on.
        progress: Frames before the failure, N without one.
    """

    overlaps: Floats
    progress: int


def measure(evaluation: Evaluation) -> list[Measure]:
    """Accuracy, robustness and EAO."""
    _check_anchors(evaluation)
    low, high = evaluation.dataset.vot.eao_interval or INTERVAL
    sequences = evaluation.sequences()
    names = tuple(sequence.name for sequence in sequences)
    runs = [_runs(sequence, evaluation.runs[sequence.name]) for sequence in sequences]
    overlap = np.array([[sum(run.overlaps[: run.progress].sum() for run in group)] for group in runs])
    progress = np.array([[float(sum(run.progress for run in group))] for group in runs])
    frames = np.array([[float(sum(len(run.overlaps) for run in group))] for group in runs])
    lengths = np.array([[float(len(sequence))] for sequence in sequences])
    expected, active = (np.stack(part) for part in zip(*(_expected(group, high) for group in runs), strict=True))
    return [
        Measure(ACCURACY, names, overlap, progress, at(0)),
        Measure(ROBUSTNESS, names, progress / frames * lengths, lengths, at(0)),
        Measure(EAO, names, expected, active, between(low, high - 1), np.arange(float(high)), empty=0.0),
    ]


def frame_order(sequence: Sequence, anchor: int) -> range:
    """Frames of the run from an anchor, in run order: to the end, or back to the first."""
    anchors = sequence.annotation.anchors
    if anchors is not None and anchors[anchor] < 0:
        return range(anchor, -1, -1)
    return range(anchor, len(sequence))


def _runs(sequence: Sequence, trajectories: list[Trajectory]) -> list[Run]:
    truth = [sequence.region(index) for index in range(len(sequence))]
    present = np.array([not raster_toolkit.is_empty(region) for region in truth])
    runs = []
    for trajectory in trajectories:
        order = frame_order(sequence, trajectory.anchor or 0)
        beside = [truth[index] for index in order]
        overlaps = raster_toolkit.overlaps(regions_of(trajectory), beside, image_size(sequence))
        progress = _first_failure((overlaps <= FAILURE_OVERLAP) & present[order])
        overlaps[progress:] = 0
        runs.append(Run(overlaps, progress))
    return runs


def _first_failure(low: NDArray[np.bool_]) -> int:
    """First of the first ``GRACE`` frames in a row that are low; the number of frames if there is none."""
    if len(low) < GRACE:
        return len(low)
    runs = np.flatnonzero(np.convolve(low, np.ones(GRACE, dtype=int), mode="valid") == GRACE)
    return int(runs[0]) if runs.size else len(low)


def _expected(runs: list[Run], length: int) -> tuple[Floats, Floats]:
    """Shape (length,) each: sum of the runs' mean overlaps at lengths 0, 1, ..., and number of runs that have one."""
    total, active = np.zeros(length), np.zeros(length)
    after = np.arange(length)
    for run in runs:
        count = min(len(run.overlaps), length)
        sums = np.cumsum(run.overlaps[1:])
        total[1:count] += sums[: count - 1] / after[1:count]
        active[1:count] += 1
        if run.progress < len(run.overlaps):
            # The toolkit divides by one less beyond the end of a failed run than within it.
            total[count:] += sums[-1] / (after[count:] - 1)
            active[count:] += 1
    return total, active


def _check_anchors(evaluation: Evaluation) -> None:
    """Refuse results that lack a run, or whose runs have the wrong number of frames."""
    wrong = []
    for sequence in evaluation.sequences():
        anchors = sequence.annotation.anchors
        found = {run.anchor or 0: len(run) for run in evaluation.runs[sequence.name]}
        expected = sorted(found) if anchors is None else np.flatnonzero(anchors).tolist()
        wrong += [f"{sequence.name} lacks anchor {anchor}" for anchor in expected if anchor not in found]
        wrong += [
            f"{sequence.name} anchor {anchor} {found[anchor]}/{len(frame_order(sequence, anchor))} frames"
            for anchor in expected
            if anchor in found and found[anchor] != len(frame_order(sequence, anchor))
        ]
    if wrong:
        raise EvalkitError("runs are missing or incomplete", where=evaluation.dataset.name, found=", ".join(wrong[:20]))
