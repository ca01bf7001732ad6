"""Success, precision and normalised precision of one-pass results, given a toolkit's rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import alignment, curves, precision, success
from evalkit.metrics.measures import MEAN, Evaluation, Measure, Notes, Reduction, at
from evalkit.types import Boxes, Metric, Sequence

Floats = NDArray[np.float64]

AUC = Metric("auc", "area under the success curve: mean over overlap thresholds 0, 0.05, ..., 1")
SR50 = Metric("sr50", "fraction of frames whose overlap exceeds 0.5")
SR75 = Metric("sr75", "fraction of frames whose overlap exceeds 0.75")
PRECISION = Metric("precision", "fraction of frames whose centre is at most 20 pixels off")
NORM_PRECISION = Metric("norm_precision", "fraction of frames whose centre is at most 0.2 target sizes off")
NORM_PRECISION_AUC = Metric("norm_precision_auc", "mean of the normalised precision curve from 0 to 0.5")


@dataclass(frozen=True, eq=False)
class Errors:
    """What a toolkit compares with thresholds in one sequence.

    Attributes:
        overlap: Shape (M,); frames that cannot succeed are negative or NaN.
        distance: Shape (M,), pixels.
        normalized: Shape (M,), target sizes.
        length: Frames that fractions refer to; may exceed M where absent frames were taken out.
    """

    overlap: Floats
    distance: Floats
    normalized: Floats
    length: int


Rules = Callable[[Sequence, Boxes, Notes], Errors]


@dataclass(frozen=True)
class Toolkit:
    """How one toolkit turns boxes into curves.

    Attributes:
        rules: Errors of one sequence.
        metrics: What it reports.
        fits: Which wrong numbers of rows it has a rule for.
        thresholds: Of the success curve.
        normalized: Thresholds of the normalised precision curve.
        drop_empty: Sequences whose success curve is all zero are left out of the mean.
    """

    rules: Rules
    metrics: tuple[Metric, ...]
    fits: alignment.Fit = alignment.never
    thresholds: tuple[float, ...] = tuple(success.THRESHOLDS)
    normalized: tuple[float, ...] = tuple(precision.NORMALIZED)
    drop_empty: bool = False

    def __call__(self, evaluation: Evaluation) -> list[Measure]:
        """Curves of every sequence, averaged over its repetitions."""
        alignment.check_lengths(evaluation, self.fits)
        sequences = evaluation.sequences()
        rows = [self._curves(sequence, evaluation) for sequence in sequences]
        names = tuple(sequence.name for sequence in sequences)
        ones = np.ones((len(names), 1))
        by_curve: dict[str, tuple[Floats, Floats]] = {
            "success": (np.array(self.thresholds), np.array([row[0] for row in rows])),
            "precision": (precision.PIXELS, np.array([row[1] for row in rows])),
            "normalized": (np.array(self.normalized), np.array([row[2] for row in rows])),
        }
        measures = []
        for metric in self.metrics:
            curve, reduce = _READ[metric.name]
            abscissa, ordinates = by_curve[curve]
            kept = (ordinates.sum(axis=1, keepdims=True) > np.finfo(float).eps) if self.drop_empty else ones
            shown = abscissa if metric in (AUC, PRECISION, NORM_PRECISION) else None
            measures.append(Measure(metric, names, ordinates * kept, kept.astype(float), reduce, shown))
        return measures

    def _curves(self, sequence: Sequence, evaluation: Evaluation) -> tuple[Floats, Floats, Floats]:
        found = [self.rules(sequence, run.boxes, evaluation.notes) for run in evaluation.runs[sequence.name]]
        thresholds, normalized = np.array(self.thresholds), np.array(self.normalized)
        return (
            _average([curves.count_above(errors.overlap, thresholds) / errors.length for errors in found]),
            _average([curves.count_up_to(errors.distance, precision.PIXELS) / errors.length for errors in found]),
            _average([curves.count_up_to(errors.normalized, normalized) / errors.length for errors in found]),
        )


_READ: dict[str, tuple[str, Reduction]] = {
    AUC.name: ("success", MEAN),
    SR50.name: ("success", at(10)),
    SR75.name: ("success", at(15)),
    PRECISION.name: ("precision", at(precision.SCORE_INDEX)),
    NORM_PRECISION.name: ("normalized", at(precision.SCORE_INDEX)),
    NORM_PRECISION_AUC.name: ("normalized", MEAN),
}


def _average(curves: list[Floats]) -> Floats:
    return curves[0] if len(curves) == 1 else np.mean(curves, axis=0)
