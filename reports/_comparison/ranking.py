"""Who leads, how surely, and at what kind of error: rankings with intervals and the accuracy-robustness plot."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from evalkit.reports._comparison.document import Figure
from evalkit.reports._comparison.view import View, digits, head
from evalkit.types import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

SENSITIVITY = 30.0
"""Frames after which reliability is asked for in VOT's accuracy-robustness plot."""


def figures(view: View, dataset: str) -> list[Figure]:
    """The ranking, and for VOT the accuracy-robustness plot; none for a single tracker."""
    scores = [score for score in view.leading(dataset) if score.value is not None]
    if len(scores) < 2:
        return []
    return [_ranking(view, dataset, scores), *_accuracy_robustness(view, dataset)]


def _ranking(view: View, dataset: str, scores: list[Score]) -> Figure:
    first = scores[0]
    rows = [
        (view.contender(score.tracker).index, score.tracker, score.value, score.low, score.high)
        for score in scores
        if score.value is not None
    ]
    label = head(first.metric, first.unit)

    def draw() -> Drawing:
        from evalkit.reports._figures.ranking import ranking_plot

        return ranking_plot(f"{label} ranking · {dataset}", label, rows, digits=digits(first.unit))

    order = ", ".join(f"{score.tracker} {score.value:.{digits(first.unit)}f}" for score in scores[:10])
    data = {"kind": "ranking", "rows": [list(row) for row in rows]}
    return Figure(f"{dataset}-ranking-plot", f"{label} ranking, {dataset}", f"From best to worst: {order}.", draw, data)


def _accuracy_robustness(view: View, dataset: str) -> list[Figure]:
    profile = next((score.profile for score in view.scores(dataset) if score.profile in _ROBUSTNESS), "")
    accuracy = {score.tracker: score.value for score in view.scores(dataset, metric="accuracy", profile=profile)}
    robustness = {score.tracker: score.value for score in view.scores(dataset, metric="robustness", profile=profile)}
    x_label, place = _ROBUSTNESS.get(profile, ("", float))
    points = [
        (label, place(found), value)
        for label, value in accuracy.items()
        if value is not None and (found := robustness.get(label)) is not None
    ]
    if not points:
        return []

    def draw() -> Drawing:
        from evalkit.reports._figures.scatter import Point, scatter_plot

        marks = [Point(view.contender(label).index, label, x, y) for label, x, y in points]
        return scatter_plot(f"Accuracy and robustness · {dataset}", x_label, "accuracy", marks)

    told = "; ".join(f"{label}: {x_label} {x:.3f}, accuracy {y:.3f}" for label, x, y in points)
    data = {"kind": "points", "points": [list(point) for point in points]}
    return [Figure(f"{dataset}-ar-plot", f"A-R plot, {dataset}", f"{told}.", draw, data)]


def reliability(failures_per_100_frames: float) -> float:
    """Probability to track ``SENSITIVITY`` frames without a failure.

    >>> reliability(0.0)
    1.0
    """
    return math.exp(-SENSITIVITY * failures_per_100_frames / 100.0)


_ROBUSTNESS: dict[str, tuple[str, Callable[[float], float]]] = {
    "vot-supervised": (f"reliability (S = {SENSITIVITY:.0f})", reliability),
    "vot-multistart": ("robustness", float),
}
"""How a profile's robustness is drawn, so that the better is further to the right: label, position."""
