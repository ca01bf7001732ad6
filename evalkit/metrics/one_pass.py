"""Success, precision and normalised precision of one-pass results, given the rules of a toolkit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evalkit.metrics import alignment, curves, precision, success
from evalkit.metrics.measures import MEAN, Evaluation, Measure, Notes, Reduction, at
from evalkit.types import Boxes, Floats, Metric, Sequence, Trajectory

ONE_PASS = ("one_pass",)
"""Protocols of these profiles."""

SUCCESS_PLOT = ("Success plot", "overlap threshold", "success rate")
PRECISION_PLOT = ("Precision plot", "centre error threshold (pixels)", "precision")
NORM_PRECISION_PLOT = ("Normalized precision plot", "normalized centre error threshold", "precision")

AUC = Metric(
    "auc", "area under the success curve: mean over overlap thresholds 0, 0.05, ..., 1", head="AUC", curve=SUCCESS_PLOT
)
SR50 = Metric("sr50", "fraction of frames whose overlap exceeds 0.5", head="SR50")
SR75 = Metric("sr75", "fraction of frames whose overlap exceeds 0.75", head="SR75")
PRECISION = Metric(
    "precision", "fraction of frames whose centre is at most 20 pixels off", head="P", curve=PRECISION_PLOT
)
NORM_PRECISION = Metric(
    "norm_precision",
    "fraction of frames whose centre is at most 0.2 target sizes off",
    head="P_norm",
    curve=NORM_PRECISION_PLOT,
)
NORM_PRECISION_AUC = Metric(
    "norm_precision_auc", "mean of the normalised precision curve from 0 to 0.5", head="P_norm AUC"
)
METRICS = (AUC, PRECISION, NORM_PRECISION, NORM_PRECISION_AUC, SR50, SR75)


@dataclass(frozen=True, eq=False)
class Errors:
    """The values of one sequence that a toolkit compares with thresholds.

    Attributes:
        overlap: Shape (M,); negative or NaN in frames that cannot succeed.
        distance: Distance of centres in pixels, shape (M,).
        normalized: The same in units of the target's size, shape (M,).
        length: Number of frames that fractions refer to; larger than M where absent frames were removed.
    """

    overlap: Floats
    distance: Floats
    normalized: Floats
    length: int


Rules = Callable[[Sequence, Boxes, Notes], Errors]
"""Compute the errors of one result by the rules of one toolkit, and note the rules that were applied."""


@dataclass(frozen=True)
class Toolkit:
    """A toolkit that averages curves of one-pass results over sequences.

    Attributes:
        rules: Computes the errors of one sequence.
        metrics: The metrics it reports, some of ``METRICS``.
        accepts: Numbers of rows other than the annotation's that it has a rule for.
        thresholds: Thresholds of the success curve.
        normalized: Thresholds of the normalised precision curve.
        transformed: Rules for boxes that were computed from transformations (``Trajectory.kind``); None for the same.
        short_files: True where files of OTB's toolkit with fewer rows than the annotation are scored.
        drop_empty: True where sequences whose success curve is all zero are left out of the mean.
    """

    rules: Rules
    metrics: tuple[Metric, ...]
    accepts: alignment.LengthRule = alignment.no_other_length
    thresholds: tuple[float, ...] = tuple(success.THRESHOLDS)
    normalized: tuple[float, ...] = tuple(precision.NORMALIZED)
    drop_empty: bool = False
    transformed: Rules | None = None
    short_files: bool = False

    def measures(self, evaluation: Evaluation) -> list[Measure]:
        """Compute the metrics from the curves of every sequence, averaged over its repetitions.

        Raises:
            ProfileNotApplicable: Results have a number of rows that the toolkit has no rule for.
        """
        alignment.check_lengths(evaluation, self.accepts, short_files=self.short_files)
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
            plotted = None if metric.curve is None else abscissa
            measures.append(Measure(metric, names, ordinates * kept, kept.astype(float), reduce, plotted))
        return measures

    def _curves(self, sequence: Sequence, evaluation: Evaluation) -> tuple[Floats, Floats, Floats]:
        found = [self._rules_for(run)(sequence, run.boxes, evaluation.notes) for run in evaluation.runs[sequence.name]]
        thresholds, normalized = np.array(self.thresholds), np.array(self.normalized)
        return (
            _average([curves.count_above(errors.overlap, thresholds) / errors.length for errors in found]),
            _average([curves.count_up_to(errors.distance, precision.PIXELS) / errors.length for errors in found]),
            _average([curves.count_up_to(errors.normalized, normalized) / errors.length for errors in found]),
        )

    def _rules_for(self, run: Trajectory) -> Rules:
        return self.rules if run.kind == "rect" or self.transformed is None else self.transformed


_READ: dict[str, tuple[str, Reduction]] = {
    AUC.name: ("success", MEAN),
    SR50.name: ("success", at(10)),
    SR75.name: ("success", at(15)),
    PRECISION.name: ("precision", at(precision.SCORE_INDEX)),
    NORM_PRECISION.name: ("normalized", at(precision.SCORE_INDEX)),
    NORM_PRECISION_AUC.name: ("normalized", MEAN),
}
"""The curve that each metric is read from, and how."""


def _average(curves: list[Floats]) -> Floats:
    return curves[0] if len(curves) == 1 else np.mean(curves, axis=0)
