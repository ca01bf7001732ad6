"""Accuracy, robustness and expected average overlap of multi-start results (VOT2020 and later).

Source: ``vot/analysis/multistart.py`` of vot-toolkit 0.9.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import ProfileNotApplicable, listed
from evalkit.metrics import raster_toolkit, vot
from evalkit.metrics.measures import UNDEFINED, Evaluation, Measure, at, between, column
from evalkit.types import Floats, Metric, Sequence, Trajectory, VotRules

ACCURACY = Metric("accuracy", "mean overlap from each start to the failure or the end", head="A")
ROBUSTNESS = Metric("robustness", "part of the frames tracked before a failure, over all starts", head="R")
METRICS = (ACCURACY, ROBUSTNESS, vot.EAO)


@dataclass(frozen=True, eq=False)
class Run:
    """One run from an anchor, in run order.

    Attributes:
        overlaps: Shape (N,); 0 from the failure on.
        progress: Frames before the failure, N without one.
    """

    overlaps: Floats
    progress: int


def multistart_measures(evaluation: Evaluation) -> list[Measure]:
    """Compute accuracy, robustness and EAO by the dataset's rules."""
    _check_anchors(evaluation)
    rules, interval = evaluation.dataset.vot, vot.eao_interval(evaluation)
    sequences = evaluation.sequences()
    names = tuple(sequence.name for sequence in sequences)
    for sequence in sequences:
        vot.note_empty_regions(sequence, [sequence.region(index) for index in range(len(sequence))], evaluation.notes)
    runs = [_runs(sequence, evaluation.runs[sequence.name], rules) for sequence in sequences]
    overlap, progress, frames = (column(part) for part in zip(*map(_totals, runs), strict=True))
    lengths = column(len(sequence) for sequence in sequences)
    # The toolkit's curve counts lengths from 0, so that its last point is one less than the end of the interval.
    points = max(len(sequence) for sequence in sequences) if interval is None else interval[1]
    expected, active = (np.stack(part) for part in zip(*(_expected(group, points) for group in runs), strict=True))
    averaged = UNDEFINED
    if interval is not None:
        window, rest = active[:, interval[0] : points], "; they count as 0, as the toolkit does"
        vot.note_short_sequences(window, points - interval[0], evaluation, rest=rest)
        if window.any():
            averaged = between(interval[0], points - 1)
    return [
        Measure(ACCURACY, names, overlap, progress, at(0)),
        Measure(ROBUSTNESS, names, progress / frames * lengths, lengths, at(0)),
        Measure(vot.EAO, names, expected, active, averaged, np.arange(float(points)), empty=0.0),
    ]


def _totals(runs: list[Run]) -> tuple[float, float, float]:
    """Return the sum of the overlaps, the progress and the number of frames of all runs of a sequence."""
    overlap = sum(run.overlaps[: run.progress].sum() for run in runs)
    return overlap, sum(run.progress for run in runs), sum(len(run.overlaps) for run in runs)


def frame_order(sequence: Sequence, anchor: int) -> range:
    """Return the frames of the run from an anchor, in run order: to the last frame, or back to the first."""
    anchors = sequence.annotation.anchors
    if anchors is not None and anchors[anchor] < 0:
        return range(anchor, -1, -1)
    return range(anchor, len(sequence))


def _runs(sequence: Sequence, trajectories: list[Trajectory], rules: VotRules) -> list[Run]:
    truth = [sequence.region(index) for index in range(len(sequence))]
    present = np.array([not raster_toolkit.is_empty(region) for region in truth])
    runs = []
    for trajectory in trajectories:
        order = frame_order(sequence, trajectory.anchor or 0)
        annotated = [truth[index] for index in order]
        overlaps = raster_toolkit.overlaps(vot.tracked_regions(trajectory), annotated, vot.image_size(sequence))
        lost = (overlaps <= rules.failure_overlap) & present[order]
        progress = first_failure(lost, rules.failure_grace)
        overlaps[progress:] = 0
        runs.append(Run(overlaps, progress))
    return runs


def first_failure(lost: NDArray[np.bool_], grace: int) -> int:
    """Return the first of the first ``grace`` consecutive lost frames; the number of frames if there are none."""
    if len(lost) < grace:
        return len(lost)
    runs = np.flatnonzero(np.convolve(lost, np.ones(grace, dtype=int), mode="valid") == grace)
    return int(runs[0]) if runs.size else len(lost)


def _expected(runs: list[Run], points: int) -> tuple[Floats, Floats]:
    """Return the sum of the runs' mean overlaps at lengths 0, 1, ..., and the number of runs that have one.

    Both are of shape (points,).
    """
    total, active = np.zeros(points), np.zeros(points)
    after = np.arange(points)
    for run in runs:
        count = min(len(run.overlaps), points)
        sums = np.cumsum(run.overlaps[1:])
        total[1:count] += sums[: count - 1] / after[1:count]
        active[1:count] += 1
        if run.progress < len(run.overlaps):
            # The toolkit divides by one less beyond the end of a failed run than within it.
            total[count:] += (sums[-1] if sums.size else 0.0) / np.maximum(after[count:] - 1, 1)
            active[count:] += 1
    return total, active


def _check_anchors(evaluation: Evaluation) -> None:
    """Refuse results that lack a run, have one from another frame, or one with the wrong number of frames."""
    wrong: dict[str, str] = {}
    for sequence in evaluation.sequences():
        anchors = sequence.annotation.anchors
        found = {run.anchor or 0: len(run) for run in evaluation.runs[sequence.name]}
        expected = sorted(found) if anchors is None else np.flatnonzero(anchors).tolist()
        reasons = [f"no run from anchor {anchor}" for anchor in expected if anchor not in found]
        reasons += [
            f"{found[anchor]} of {len(frame_order(sequence, anchor))} frames from anchor {anchor}"
            for anchor in expected
            if anchor in found and found[anchor] != len(frame_order(sequence, anchor))
        ]
        reasons += [f"a run from frame {frame}, which is not an anchor" for frame in found if frame not in expected]
        if reasons:
            wrong[sequence.name] = listed(reasons, 3)
    if wrong:
        raise ProfileNotApplicable(
            "runs are missing or incomplete, or do not begin at an anchor", where=evaluation.dataset.name,
            found=listed([f"{name}: {reasons}" for name, reasons in wrong.items()], 20),
            hint="Track these sequences again, or leave them out with --allow-partial", sequences=wrong,
        )  # fmt: skip
