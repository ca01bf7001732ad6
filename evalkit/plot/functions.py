"""The public functions that draw rankings, attributes and points; ``evalkit.plot`` describes their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from evalkit.arguments import Names
from evalkit.comparison import Comparison
from evalkit.comparison.attribute_scores import AttributeScores, attribute_scores
from evalkit.comparison.cost_choice import chosen_cost
from evalkit.comparison.metric_labels import metric_head, unit_digits
from evalkit.errors import MissingResults
from evalkit.plot.accuracy_robustness import accuracy_robustness_points
from evalkit.plot.attributes import draw_attributes, draw_radar
from evalkit.plot.axes import plain_text, text_size
from evalkit.plot.point_labels import Point
from evalkit.plot.ranking import RankedValue, draw_ranking
from evalkit.plot.scatter import draw_scatter
from evalkit.plot.source import Selection, Shown, Source, select
from evalkit.plot.tracker_styles import TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def ranking(
    ax: Axes,
    source: Source,
    *,
    metric: str | None = None,
    dataset: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
) -> Axes:
    """Draw the ranking: one row per tracker with its value and confidence interval, the best one at the top.

    Args:
        ax, source, dataset, trackers, names: See ``evalkit.plot``.
        metric: Name of the metric; the leading one of the dataset by default.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    scores = chosen.leading(metric)
    rows = [
        RankedValue(chosen.indices[one.tracker], chosen.name(one.tracker), one.value or 0.0, one.low, one.high)
        for one in scores
    ]
    draw_ranking(ax, rows, metric_head(scores[0]), digits=unit_digits(scores[0].unit), size=text_size(ax))
    return ax


def attributes(
    ax: Axes,
    source: Source,
    *,
    metric: str | None = None,
    dataset: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw a metric by attribute: one row per attribute with the number of its sequences, one marker per tracker.

    Scores need attributes: those of ``evalkit.compare``, or of ``evalkit.api.scores(..., attributes=True)``.

    Args:
        ax, source, dataset, trackers, names, legend: See ``evalkit.plot``.
        metric: Name of the metric; the leading one of the dataset by default.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    found = _attributes(chosen, metric)
    rows = [f"{name} ({count})" for name, count in zip(found.names, found.counts, strict=True)]
    draw_attributes(ax, rows, _by_index(chosen, found), metric_head(found.best))
    _attribute_legend(ax, chosen, found, legend, marker=True)
    return ax


def radar(
    ax: Axes,
    source: Source,
    *,
    metric: str | None = None,
    dataset: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw a metric by attribute as a radar; ``ax`` has to be polar: ``plt.subplot(projection="polar")``.

    See ``attributes`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    found = _attributes(chosen, metric)
    draw_radar(ax, found.names, _by_index(chosen, found), size=text_size(ax))
    _attribute_legend(ax, chosen, found, legend, marker=False)
    return ax


def accuracy_robustness(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
) -> Axes:
    """Draw VOT's accuracy against robustness; in the supervised protocol against reliability for 30 frames."""
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    found = accuracy_robustness_points(chosen.overall())
    if found is None:
        raise MissingResults("no tracker has accuracy and robustness", where=chosen.dataset)
    x_label, points = found
    marks = [Point(chosen.indices[label], chosen.name(label), x, y) for label, x, y in points]
    draw_scatter(ax, marks, x_label, "accuracy", size=text_size(ax))
    return ax


_COSTS = {"macs": ("MACs per frame (M)", 1e6), "parameters": ("parameters (M)", 1e6),
          "latency_p50": ("median latency (ms)", 1.0)}  # fmt: skip
"""By quantity, the label of the axis and the number of units that make one on it."""


def accuracy_against_cost(
    ax: Axes,
    source: Comparison,
    quantity: Literal["macs", "parameters", "latency_p50"] = "macs",
    *,
    metric: str | None = None,
    dataset: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
) -> Axes:
    """Draw a score against a measured or counted cost, with the Pareto front as a dashed line.

    Args:
        ax, dataset, trackers, names: See ``evalkit.plot``.
        source: A comparison, which knows the costs.
        quantity: The cost.
        metric: Name of the metric; the leading one of the dataset by default.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    scores, (x_label, unit) = chosen.leading(metric), _COSTS[quantity]
    costs = {one.tracker: chosen_cost(source.costs, one.tracker, quantity) for one in scores}
    points = [
        Point(chosen.indices[one.tracker], chosen.name(one.tracker), cost.value / unit, one.value or 0.0,
              low=one.low, high=one.high)
        for one in scores
        if (cost := costs[one.tracker]) is not None and cost.value
    ]  # fmt: skip
    if not points:
        raise MissingResults(f"no tracker has {x_label}", where=chosen.dataset, hint="Give compare(..., costs=[FILE])")
    first = scores[0]
    draw_scatter(ax, points, x_label, metric_head(first), log=True, front=True, lower_y=not first.higher_is_better,
                 size=text_size(ax))  # fmt: skip
    return ax


def _attributes(chosen: Selection, metric: str | None) -> AttributeScores:
    found = attribute_scores(chosen.scores, chosen.leading(metric))
    if not found.names:
        raise MissingResults("there are no scores by attribute", where=chosen.dataset)
    return found


def _by_index(chosen: Selection, found: AttributeScores) -> dict[int, list[float | None]]:
    return {chosen.indices[label]: row for label, row in found.values.items()}


def _attribute_legend(ax: Axes, chosen: Selection, found: AttributeScores, legend: bool, *, marker: bool) -> None:
    """Name the marks or lines of the trackers, and add the legend if it is wanted."""
    drawn = {artist.get_gid(): artist for artist in ax.lines}
    handles = []
    for label in found.labels:
        handle = drawn[f"{TrackerStyle(chosen.indices[label]).name}--{'a' if marker else 'r'}"]
        handle.set_label(plain_text(shortened(chosen.name(label))))
        handles.append(handle)
    if legend:
        ax.legend(handles=handles, fontsize=text_size(ax), frameon=False)
