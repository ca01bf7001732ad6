"""Figures of one benchmark's scores: curves, the ranking, and VOT's plot of accuracy and robustness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from evalkit.reports.document.metric_labels import CurveLabels, curve_labels, metric_head, metric_name, unit_digits
from evalkit.reports.document.model import Figure, counted
from evalkit.reports.document.view import View, ranked
from evalkit.reports.figures.curves import Line, curve_plot
from evalkit.reports.figures.ranking import RankedValue, ranking_plot
from evalkit.reports.figures.scatter import Point, scatter_plot
from evalkit.types import Score, finite_or_none

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

SENSITIVITY = 30.0
"""Number of frames for which VOT's accuracy-robustness plot shows the reliability."""


def reliability(failures_per_100_frames: float) -> float:
    """Return the probability of tracking ``SENSITIVITY`` frames without a failure.

    >>> reliability(0.0)
    1.0
    """
    return math.exp(-SENSITIVITY * failures_per_100_frames / 100.0)


_ROBUSTNESS: dict[str, tuple[str, Callable[[float], float]]] = {
    "vot-supervised": (f"reliability (S = {SENSITIVITY:.0f})", reliability),
    "vot-multistart": ("robustness", float),
}
"""By profile, the label of the axis and the position of a robustness on it; better values lie further right."""


def curve_figures(view: View, dataset: str) -> list[Figure]:
    """Return one figure for each profile and metric that summarizes a curve."""
    curved: dict[tuple[str, str], list[Score]] = {}
    for score in view.scores(dataset):
        if score.curve is not None and score.value is not None:
            curved.setdefault((score.profile, score.metric), []).append(score)
    return [
        _curve_figure(view, ranked(scores), labels)
        for scores in curved.values()
        if (labels := curve_labels(scores[0])) is not None
    ]


def _curve_figure(view: View, scores: list[Score], labels: CurveLabels) -> Figure:
    best = scores[0]
    dataset, profile, metric = best.dataset, best.profile, best.metric
    title, x_label, y_label = labels
    lines = [_line(view, score) for score in scores]
    interval = eao_interval(view, dataset) if metric == "eao" else None

    def draw() -> Drawing:
        return curve_plot(f"{title} · {dataset}", x_label, y_label, lines, interval=interval)

    leader = f"{best.tracker} leads with {metric_name(best)} {lines[0].value}"
    series = [line.record() for line in lines]
    return Figure(
        f"{dataset}-{profile}-{metric}-curve", f"{title}, {dataset} ({profile})",
        f"{y_label} against {x_label} for {counted(len(lines), 'tracker')}; {leader}.", draw,
        {"kind": "curve", "metric": metric, "profile": profile, "dataset": dataset, "series": series},
    )  # fmt: skip


def _line(view: View, score: Score) -> Line:
    points = [(finite_or_none(x), finite_or_none(y)) for x, y in _curve_points(score)]
    value = f"{score.value:.{unit_digits(score.unit)}f}"
    index = view.tracker(score.tracker).index
    return Line(score.tracker, index, value, [x for x, _ in points], [y for _, y in points])


def _curve_points(score: Score) -> Iterator[tuple[float, float]]:
    """Yield the points of a score's curve; EAO's without the sequence of no frames, which some toolkits count from."""
    for x, y in zip(*(score.curve or ((), ())), strict=True):
        if score.metric != "eao" or x > 0:
            yield x, y


def eao_interval(view: View, dataset: str) -> tuple[int, int] | None:
    """Return the sequence lengths that EAO averages over, as the dataset declares them; None if it declares none."""
    found = view.dataset(dataset)
    return None if found is None else found.vot.eao_interval


def ranking_figures(view: View, dataset: str) -> list[Figure]:
    """Return the ranking, and for VOT the plot of accuracy and robustness; none for a single tracker."""
    scores = [score for score in view.leading(dataset) if score.value is not None]
    if len(scores) < 2:
        return []
    return [_ranking_figure(view, dataset, scores), *_accuracy_robustness_figures(view, dataset)]


def _ranking_figure(view: View, dataset: str, scores: list[Score]) -> Figure:
    label, digits = metric_head(scores[0]), unit_digits(scores[0].unit)
    rows = [
        RankedValue(view.tracker(score.tracker).index, score.tracker, score.value, score.low, score.high)
        for score in scores
        if score.value is not None
    ]

    def draw() -> Drawing:
        return ranking_plot(f"{label} ranking · {dataset}", label, rows, digits=digits)

    order = ", ".join(f"{row.label} {row.value:.{digits}f}" for row in rows[:10])
    data = {"kind": "ranking", "rows": [row.record() for row in rows]}
    return Figure(f"{dataset}-ranking-plot", f"{label} ranking, {dataset}", f"From best to worst: {order}.", draw, data)


def _accuracy_robustness_figures(view: View, dataset: str) -> list[Figure]:
    profile = next((score.profile for score in view.scores(dataset) if score.profile in _ROBUSTNESS), None)
    if profile is None:
        return []
    x_label, position = _ROBUSTNESS[profile]
    accuracy = _values(view, dataset, "accuracy", profile)
    robustness = _values(view, dataset, "robustness", profile)
    points = [(label, position(robustness[label]), accuracy[label]) for label in accuracy if label in robustness]
    return [_accuracy_robustness_figure(view, dataset, x_label, points)] if points else []


def _values(view: View, dataset: str, metric: str, profile: str) -> dict[str, float]:
    scores = view.scores(dataset, metric=metric, profile=profile)
    return {score.tracker: score.value for score in scores if score.value is not None}


def _accuracy_robustness_figure(
    view: View, dataset: str, x_label: str, points: list[tuple[str, float, float]]
) -> Figure:
    def draw() -> Drawing:
        marks = [Point(view.tracker(label).index, label, x, y) for label, x, y in points]
        return scatter_plot(f"Accuracy and robustness · {dataset}", x_label, "accuracy", marks)

    values = "; ".join(f"{label}: {x_label} {x:.3f}, accuracy {y:.3f}" for label, x, y in points)
    data = {"kind": "points", "points": [list(point) for point in points]}
    return Figure(f"{dataset}-ar-plot", f"Accuracy and robustness, {dataset}", f"{values}.", draw, data)
