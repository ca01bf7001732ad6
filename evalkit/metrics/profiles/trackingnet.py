"""The TrackingNet devkit: success, precision, normalised precision and coverage.

All boxes are rounded to whole pixels first, success counts overlaps that reach a threshold, and each score is the area
under a curve of 21 points by the trapezoidal rule. Its precision is therefore not the precision at 20 pixels.

Source: ``metrics.py`` of TrackingNet-devkit 79783f2, which the evaluation server runs.
"""

from __future__ import annotations

import numpy as np

from evalkit import registry
from evalkit.errors import WithheldGroundtruth
from evalkit.metrics import alignment, curves, precision, success
from evalkit.metrics.measures import Evaluation, Measure, Notes, Reduction, at
from evalkit.metrics.one_pass import NORM_PRECISION_PLOT, ONE_PASS, PRECISION_PLOT, SUCCESS_PLOT
from evalkit.types import Boxes, Floats, Metric, Sequence

AUC = Metric(
    "auc",
    "area under the success curve, by the trapezoidal rule over thresholds 0, 0.05, ..., 1, overlap >= threshold",
    head="AUC",
    curve=SUCCESS_PLOT,
)
PRECISION = Metric(
    "precision",
    "area under the precision curve over 0, 2.5, ..., 50 pixels, scaled to [0, 1]",
    head="P",
    curve=PRECISION_PLOT,
)
NORM_PRECISION = Metric(
    "norm_precision",
    "area under the normalised precision curve over 0, 0.025, ..., 0.5, scaled",
    head="P_norm",
    curve=NORM_PRECISION_PLOT,
)
COVERAGE = Metric("coverage", "fraction of frames with an answer", head="coverage")
METRICS = (AUC, PRECISION, NORM_PRECISION, COVERAGE)

OVERLAPS: Floats = np.linspace(0, 1, 21)
PIXELS: Floats = np.linspace(0, 50, 21)
NORMALIZED: Floats = np.linspace(0, 0.5, 21)


@registry.profile(
    "trackingnet",
    summary="success, precision and normalised precision as TrackingNet's server computes them",
    protocols=ONE_PASS,
    metrics=METRICS,
    source="TrackingNet-devkit 79783f2",
    reason="boxes are rounded to whole pixels, overlaps reaching a threshold succeed, and all three scores are areas "
    "under curves",
    applies=registry.only_where_listed,
)
def trackingnet(evaluation: Evaluation) -> list[Measure]:
    """Compute the four metrics; a result known to be missing is scored as empty boxes, as the server does."""
    _check_groundtruth(evaluation)
    alignment.check_lengths(evaluation, alignment.any_length)
    sequences = [sequence for sequence in evaluation.dataset.sequences if sequence.name in evaluation.runs]
    names = tuple(sequence.name for sequence in sequences)
    rows = [_average_curves(sequence, evaluation) for sequence in sequences]
    curves = (np.array(part) for part in zip(*rows, strict=True))
    ones = np.ones((len(names), 1))
    shown = ((AUC, OVERLAPS), (PRECISION, PIXELS), (NORM_PRECISION, NORMALIZED))
    measures = [
        Measure(metric, names, curve, ones, Reduction(slice(None), area), abscissa)
        for (metric, abscissa), curve in zip(shown, curves, strict=False)
    ]
    covered = np.array([row[3] for row in rows])
    frames = np.array([[float(len(sequence))] for sequence in sequences])
    return [*measures, Measure(COVERAGE, names, covered * frames, frames, at(0))]


def area(curves: Floats) -> Floats:
    """Compute the area under curves over [0, 1], shape (..., 21), by the trapezoidal rule; returns shape (...)."""
    width = np.diff(OVERLAPS)
    result: Floats = (width * (curves[..., 1:] + curves[..., :-1]) / 2).sum(axis=-1)
    return result


def _average_curves(sequence: Sequence, evaluation: Evaluation) -> tuple[Floats, ...]:
    answers = [trajectory.boxes for trajectory in evaluation.runs[sequence.name]]
    if not answers:
        evaluation.notes.add_frames("missing result scored as empty boxes", len(sequence))
        answers = [np.zeros((len(sequence), 4))]
    alignment.note_unannotated(sequence, evaluation.notes, "counted as misses, as the devkit does")
    rows = [_curves(sequence.groundtruth, _padded(boxes, len(sequence), evaluation.notes)) for boxes in answers]
    return tuple(np.mean(part, axis=0) for part in zip(*rows, strict=True))


def _padded(boxes: Boxes, length: int, notes: Notes) -> Boxes:
    notes.add_frames("rows beyond the annotation cut", max(0, len(boxes) - length))
    missing = max(0, length - len(boxes))
    notes.add_frames("rows missing at the end counted as misses", missing)
    return np.vstack([boxes[:length], np.full((missing, 4), np.nan)])


def _curves(groundtruth: Boxes, boxes: Boxes) -> tuple[Floats, Floats, Floats, Floats]:
    truth = success.columns(np.round(groundtruth))
    answer = success.columns(np.vstack([np.round(groundtruth[:1]), np.round(boxes[1:])]))
    offset, size = _centers(truth) - _centers(answer), truth[2:]
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = success.overlap_matlab(truth, answer)
        # Divided one by one, in this order: rounded boxes make exact ties with thresholds frequent.
        normalized = np.sqrt((offset / size * offset / size).sum(axis=0))
    covered = (answer[2] + answer[3] + answer[0] + answer[1] > 0).mean(keepdims=True)
    frames = len(groundtruth)
    return (
        curves.count_reaching(overlap, OVERLAPS) / frames,
        curves.count_up_to(precision.length(offset), PIXELS) / frames,
        curves.count_up_to(normalized, NORMALIZED) / frames,
        covered,
    )


def _centers(boxes: success.Columns) -> Floats:
    result: Floats = boxes[:2] + (boxes[2:] + 1) / 2
    return result


def _check_groundtruth(evaluation: Evaluation) -> None:
    if all(len(sequence) == 1 for sequence in evaluation.sequences()):
        raise WithheldGroundtruth(
            "the groundtruth of this benchmark is not public beyond the first frame",
            where=evaluation.dataset.name,
            hint="Write a submission with `evalkit pack` and let the server score it",
        )
