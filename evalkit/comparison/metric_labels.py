"""Column heads, axis labels and decimals of metrics, as the metrics declare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evalkit.metrics import profiles

if TYPE_CHECKING:
    from evalkit.types import Metric, Score

_UNITS_LEFT_OUT = ("fraction", "1/s")
_DIGITS = {"fraction": 3, "failures/100 frames": 3, "count": 0}


class CurveLabels(NamedTuple):
    """Title and axis labels of a metric's curve."""

    title: str
    x_label: str
    y_label: str


def declared_metric(score: Score) -> Metric | None:
    """Return the metric of a score as its profile declares it; None if the profile is unknown."""
    return profiles.metric_named(score.metric, score.profile)


def metric_name(score: Score) -> str:
    """Return the metric of a score as the head of a column, without its unit: ``AUC``."""
    declared = declared_metric(score)
    return (declared.head if declared is not None else "") or score.metric


def metric_head(score: Score) -> str:
    """Return the metric of a score as the head of a column, with its unit where that is not obvious: ``R (count)``."""
    name = metric_name(score)
    return name if score.unit in _UNITS_LEFT_OUT else f"{name} ({score.unit})"


def metric_meaning(score: Score) -> str:
    """Return the definition of the metric of a score; empty for an unknown profile."""
    declared = declared_metric(score)
    return "" if declared is None else declared.summary


def metric_hint(score: Score) -> str:
    """Return the definition of the metric of a score, and the profile that it was computed by."""
    return f"{metric_meaning(score)} ({score.profile} v{score.version})".lstrip()


def curve_labels(score: Score) -> CurveLabels | None:
    """Return the labels of the curve that the metric of a score summarizes; None for a metric that summarizes none."""
    declared = declared_metric(score)
    return CurveLabels(*declared.curve) if declared is not None and declared.curve is not None else None


def unit_digits(unit: str) -> int:
    """Return the number of decimals that values of a unit are shown with."""
    return _DIGITS.get(unit, 2)
