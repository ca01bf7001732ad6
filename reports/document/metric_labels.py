"""Column heads, axis labels and decimals of metrics, as the metrics declare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evalkit.errors import EvalkitError
from evalkit.metrics import profiles

if TYPE_CHECKING:
    from evalkit.types import Metric, Score

HEADS = {
    "auc": "AUC",
    "precision": "P",
    "norm_precision": "P_norm",
    "norm_precision_auc": "P_norm AUC",
    "ao": "AO",
    "sr50": "SR50",
    "sr75": "SR75",
    "accuracy": "A",
    "robustness": "R",
    "failures": "failures",
    "eao": "EAO",
    "f_score": "F",
    "lt_precision": "Pr",
    "lt_recall": "Re",
    "fps": "fps by got10k",
}
"""Heads as papers print them, by name of the metric, for metrics that declare none."""

_UNITS_LEFT_OUT = ("fraction", "1/s")
_DIGITS = {"fraction": 3, "failures/100 frames": 3, "count": 0}


class CurveLabels(NamedTuple):
    """Title and axis labels of a metric's curve."""

    title: str
    x_label: str
    y_label: str


CURVES = {
    "auc": CurveLabels("Success plot", "overlap threshold", "success rate"),
    "precision": CurveLabels("Precision plot", "centre error threshold (pixels)", "precision"),
    "norm_precision": CurveLabels("Normalized precision plot", "normalized centre error threshold", "precision"),
    "ao": CurveLabels("Success plot", "overlap threshold", "success rate"),
    "eao": CurveLabels("Expected average overlap", "sequence length (frames)", "expected overlap"),
    "f_score": CurveLabels("Precision against recall", "recall", "precision"),
}
"""Labels of curves, by name of the metric, for metrics that declare none."""


def declared_metric(score: Score) -> Metric | None:
    """Return the metric of a score as its profile declares it; None if the profile is unknown."""
    try:
        metrics = profiles.find(score.profile).metrics
    except EvalkitError:
        return None
    return next((metric for metric in metrics if metric.name == score.metric), None)


def metric_name(score: Score) -> str:
    """Return the metric of a score as the head of a column, without its unit: ``AUC``."""
    declared = declared_metric(score)
    return (declared.head if declared is not None else "") or HEADS.get(score.metric, score.metric)


def metric_head(score: Score) -> str:
    """Return the metric of a score as the head of a column, with its unit where that is not obvious: ``R (count)``."""
    name = metric_name(score)
    return name if score.unit in _UNITS_LEFT_OUT else f"{name} ({score.unit})"


def curve_labels(score: Score) -> CurveLabels | None:
    """Return the labels of the curve that the metric of a score summarizes; None for a metric that summarizes none."""
    declared = declared_metric(score)
    if declared is not None and declared.curve is not None:
        return CurveLabels(*declared.curve)
    return CURVES.get(score.metric)


def unit_digits(unit: str) -> int:
    """Return the number of decimals that values of a unit are shown with."""
    return _DIGITS.get(unit, 2)
