"""Tracking precision, recall and F-score of long-term results, whose predictions have a confidence.

Two toolkits differ in the overlap, in the thresholds on confidence, and in the treatment of frames without an answer.
Source: ``vot/analysis/longterm.py`` of vot-toolkit 0.9.0; ``toolkit/evaluation/f1_benchmark.py`` of STVIR/pysot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import ProfileNotApplicable
from evalkit.metrics import alignment, raster, raster_toolkit, vot
from evalkit.metrics.measures import Evaluation, Measure, Notes, Reduction
from evalkit.types import Floats, Metric, Sequence, Trajectory

F_SCORE = Metric(
    "f_score",
    "largest harmonic mean of precision and recall over confidence thresholds",
    head="F",
    curve=("Precision against recall", "recall", "precision"),
)
LT_PRECISION = Metric(
    "lt_precision", "mean overlap of the frames at or above the confidence threshold of the best F-score", head="Pr"
)
LT_RECALL = Metric(
    "lt_recall", "overlap of those frames per frame with the target, at the threshold of the best F-score", head="Re"
)
METRICS = (F_SCORE, LT_PRECISION, LT_RECALL)

RESOLUTION = 100
"""Number of thresholds, of which two are infinite."""


AGREED_ABSENCE = (
    "absent frames without an answer counted as overlap 1, but not among the frames with the target, as the toolkit "
    "does; recall and F-score can exceed 1"
)
"""What vot-toolkit does where neither the annotation nor the tracker has a region."""


@dataclass(frozen=True, eq=False)
class Run:
    """The values of one trajectory that a toolkit uses.

    Attributes:
        overlaps: Shape (N,).
        confidence: Shape (N,).
        visible: Number of frames with the target.
    """

    overlaps: Floats
    confidence: Floats
    visible: int


def toolkit_measures(evaluation: Evaluation) -> list[Measure]:
    """Compute precision, recall and F-score as vot-toolkit does."""
    runs = _runs(evaluation, partial(_run_toolkit, notes=evaluation.notes))
    scores = np.concatenate([run.confidence for group in runs for run in group])
    return _measures(evaluation, runs, thresholds_toolkit(scores), lambda run, threshold: run.confidence >= threshold)


def pysot_measures(evaluation: Evaluation) -> list[Measure]:
    """Compute precision, recall and F-score as pysot does; its lowest threshold selects confidences above 0 only.

    Raises:
        ProfileNotApplicable: The results have no confidences.
    """
    runs = _runs(evaluation, _run_pysot)
    scores = np.concatenate([run.confidence for group in runs for run in group])
    if np.isnan(scores).all():
        raise ProfileNotApplicable(
            "the results have no confidences", where=evaluation.dataset.name,
            expected="<sequence>_001_confidence.value", hint="The profile vot-longterm takes missing confidences as 0",
        )  # fmt: skip
    filled = [[replace(run, confidence=np.nan_to_num(run.confidence, nan=0.0)) for run in group] for group in runs]
    return _measures(evaluation, filled, thresholds_pysot(scores), _selected_by_pysot)


def thresholds_toolkit(scores: Floats) -> Floats:
    """Return vot-toolkit's thresholds, falling from infinity to minus infinity: scores at evenly spaced ranks."""
    ordered = np.sort(scores[~np.isnan(scores)])[::-1]
    inner = RESOLUTION - 2
    if len(ordered) > inner:
        step = len(ordered) // inner
        ordered = ordered[np.round(np.linspace(step, len(ordered) - step, inner)).astype(int)]
    return np.concatenate([[np.inf], ordered, [-np.inf]])


def thresholds_pysot(scores: Floats) -> Floats:
    """Return pysot's thresholds, also falling; the ranks are counted from the low end and rounded differently."""
    ordered = np.sort(scores[~np.isnan(scores)])
    inner = RESOLUTION - 2
    step = len(ordered) // inner
    ranks = np.floor(np.linspace(step - 1, len(ordered) - step, inner) + 0.5).astype(int)
    return np.concatenate([[np.inf], ordered[np.clip(ranks, 0, len(ordered) - 1)][::-1], [-np.inf]])


def _runs(evaluation: Evaluation, read: Callable[[Sequence, Trajectory], Run]) -> list[list[Run]]:
    alignment.check_lengths(evaluation)
    return [
        [read(sequence, trajectory) for trajectory in evaluation.runs[sequence.name]]
        for sequence in evaluation.sequences()
    ]


def _run_toolkit(sequence: Sequence, trajectory: Trajectory, notes: Notes) -> Run:
    truth = [sequence.region(index) for index in range(len(sequence))]
    overlaps = raster_toolkit.overlaps(vot.tracked_regions(trajectory), truth, vot.image_size(sequence))
    absent = np.array([region is None for region in truth], bool)
    notes.add_frames(AGREED_ABSENCE, int((absent & (overlaps == 1)).sum()))
    # A missing confidence is read as 0. The start has none, and its overlap is 0 because it has no region.
    confidence = np.nan_to_num(trajectory.confidence, nan=0.0)
    return Run(overlaps, confidence, sum(region is not None for region in truth))


def _run_pysot(sequence: Sequence, trajectory: Trajectory) -> Run:
    truth = vot.corners_of_annotation(sequence)
    overlaps = raster.overlaps(vot.corners_of_trajectory(trajectory), truth, vot.image_size(sequence))
    visible = int((~np.isnan(truth).any(axis=(1, 2))).sum())
    return Run(np.nan_to_num(overlaps, nan=0.0), trajectory.confidence, visible)


def _selected_by_pysot(run: Run, threshold: float) -> NDArray[np.bool_]:
    selected: NDArray[np.bool_] = run.confidence > 0 if threshold == -np.inf else run.confidence >= threshold
    return selected


def _measures(
    evaluation: Evaluation,
    runs: list[list[Run]],
    thresholds: Floats,
    select: Callable[[Run, float], NDArray[np.bool_]],
) -> list[Measure]:
    names = tuple(sequence.name for sequence in evaluation.sequences())
    curves = np.array([np.mean([_curves(run, thresholds, select) for run in group], axis=0) for group in runs])
    # Recall first: the plotted curve is precision, at the end, over recall.
    stacked = np.concatenate([curves[:, 1], curves[:, 0]], axis=1)
    recall = curves[:, 1].mean(axis=0)
    ones = np.ones((len(names), 1))
    return [
        Measure(F_SCORE, names, stacked, ones, _at_best_f_score(2), recall),
        Measure(LT_PRECISION, names, stacked, ones, _at_best_f_score(1), recall),
        Measure(LT_RECALL, names, stacked, ones, _at_best_f_score(0), recall),
    ]


def _curves(run: Run, thresholds: Floats, select: Callable[[Run, float], NDArray[np.bool_]]) -> Floats:
    """Return precision and recall at each threshold, shape (2, T); precision is 1 where no frame is selected."""
    result = np.zeros((2, len(thresholds)))
    for index, threshold in enumerate(thresholds):
        chosen = run.overlaps[select(run, float(threshold))]
        result[:, index] = (chosen.mean(), chosen.sum() / run.visible) if chosen.size else (1.0, 0.0)
    return result


def _at_best_f_score(which: int) -> Reduction:
    """Return the reduction that reads recall (0), precision (1) or F-score (2) where the F-score is largest.

    The curves are of shape (..., 2 T): recall, followed by precision.
    """

    def reduce(curves: Floats) -> Floats:
        recall, precision = np.split(curves, 2, axis=-1)
        both = precision + recall
        f_score = np.divide(2 * precision * recall, both, out=np.full_like(both, -1.0), where=both > 0)
        best = np.argmax(f_score, axis=-1)[..., None]
        chosen: Floats = np.take_along_axis((recall, precision, f_score)[which], best, axis=-1)[..., 0]
        return chosen

    return Reduction(slice(None), reduce)
