"""Accuracy against cost: the leading scores against MACs, parameters and latency, with the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from evalkit.comparison.metric_labels import metric_head
from evalkit.plot.point_labels import Point
from evalkit.reports.document.model import Figure, ReportedTracker, Section
from evalkit.reports.document.view import CostValue, View
from evalkit.reports.figures.plots import scatter_plot
from evalkit.reports.tables.macs_table import macs_tables
from evalkit.types import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle

_INTRODUCTION = (
    "The dashed line is the Pareto front: it joins the trackers that no other one beats in both accuracy and cost. "
    "Marker size grows with the number of parameters; a hollow marker has at least one published coordinate."
)


class _CostAxis(NamedTuple):
    """The horizontal axis of a figure.

    Attributes:
        key: Part of the figure's key.
        label: Label of the axis.
        find: Finds the cost of a tracker.
        scale: Number of units that make one on the axis.
    """

    key: str
    label: str
    find: Callable[[View, ReportedTracker], CostValue | None]
    scale: float


_AXES = (
    _CostAxis("macs", "MACs per frame (M)", View.macs, 1e6),
    _CostAxis("parameters", "parameters (M)", View.parameters, 1e6),
    _CostAxis("latency", "median latency (ms)", View.latency, 1.0),
)


def accuracy_against_cost_section(view: View) -> Section:
    """Return one figure for each dataset and cost, and the table of MACs; a sentence names the figures left out."""
    figures: list[Figure] = []
    missing: dict[str, list[str]] = {}
    for dataset in view.datasets:
        if not (leaders := view.leading(dataset)):
            continue
        for axis in _AXES:
            points = _points(view, dataset, axis)
            if len(points) < 2:
                missing.setdefault(axis.label, []).append(dataset)
            else:
                figures.append(_figure(leaders[0], axis, points))
    introduction = (_INTRODUCTION,) if figures else ()
    tables = macs_tables(view)
    skipped = _skipped(missing) if figures or tables else ()
    return Section("cost", "Accuracy against cost", introduction, tables, tuple(figures), skipped=skipped)


def _skipped(missing: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the sentence that names the figures left out."""
    parts = [f"{label} ({', '.join(datasets)})" for label, datasets in missing.items()]
    return (f"Not drawn, because fewer than two trackers have both numbers: {'; '.join(parts)}.",) if parts else ()


def _points(view: View, dataset: str, axis: _CostAxis) -> list[Point]:
    """Return the trackers with both a score, measured or published, and a cost."""
    scores = {score.tracker: score for score in view.leading(dataset)}
    if not scores:
        return []
    metric = next(iter(scores.values())).metric
    published = {one.label: _published(view, one, dataset, metric) for one in view.trackers}
    points = (_point(view, one, axis, scores.get(one.label), published[one.label]) for one in view.trackers)
    return [point for point in points if point is not None]


def _published(view: View, tracker: ReportedTracker, dataset: str, metric: str) -> float | None:
    number = view.cited(tracker, dataset, metric)
    return None if number is None else number.plain


def _point(
    view: View, tracker: ReportedTracker, axis: _CostAxis, score: Score | None, published: float | None
) -> Point | None:
    cost = axis.find(view, tracker)
    value = published if score is None else score.value
    if cost is None or value is None or cost.value <= 0:
        return None
    low, high = (None, None) if score is None else (score.low, score.high)
    return Point(
        tracker.index, tracker.label, cost.value / axis.scale, value, size=_relative_size(view, tracker),
        cited=cost.cited or score is None, low=low, high=high,
    )  # fmt: skip


def _relative_size(view: View, tracker: ReportedTracker) -> float | None:
    """Return the parameters of a tracker divided by those of the largest one; None if they are unknown."""
    parameters = view.parameters(tracker)
    return None if parameters is None else parameters.value / max(_all_parameters(view))


def _all_parameters(view: View) -> Iterator[float]:
    for one in view.trackers:
        if (parameters := view.parameters(one)) is not None:
            yield parameters.value


def _figure(best: Score, axis: _CostAxis, points: list[Point]) -> Figure:
    """Return the figure of one dataset and cost.

    Args:
        best: A score that names dataset, metric and direction.
        axis: The cost.
        points: The trackers.
    """
    name = metric_head(best)

    def draw(style: FigureStyle) -> Drawing:
        return scatter_plot(
            f"{name} on {best.dataset}", axis.label, name, points, style, log=True, front=True,
            lower_y=not best.higher_is_better,
        )  # fmt: skip

    values = "; ".join(f"{point.label}: {point.x:.4g}, {point.y:.3f}" for point in points)
    data = {"kind": "points", "points": [[point.index, point.label, point.x, point.y] for point in points]}
    title = f"{name} on {best.dataset} against {axis.label}"
    return Figure(f"{best.dataset}-{axis.key}-plot", title, f"{values}.", draw, data)
