"""The public plotting functions; ``evalkit.plot`` describes the arguments that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from evalkit.arguments import Names
from evalkit.comparison import Comparison
from evalkit.comparison.attribute_scores import AttributeScores, attribute_scores
from evalkit.comparison.cost_choice import chosen_cost
from evalkit.comparison.metric_labels import curve_labels, metric_head, unit_digits
from evalkit.errors import MissingResults
from evalkit.plot.accuracy_robustness import accuracy_robustness_points
from evalkit.plot.attributes import draw_attributes, draw_radar
from evalkit.plot.curves import Line, curve_line, draw_curves, legend_label
from evalkit.plot.point_labels import Point
from evalkit.plot.ranking import RankedValue, draw_ranking
from evalkit.plot.scatter import draw_scatter
from evalkit.plot.source import Selection, Source, select
from evalkit.plot.tracker_styles import TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Shown = Mapping[str, str]
"""By label of a tracker, the name to show instead."""

_SUCCESS = ("auc", "ao")


def success(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the success plot: the fraction of frames whose overlap exceeds each threshold.

    Args:
        ax, source, dataset, trackers, names, legend: See ``evalkit.plot``.
        profile: Metric profile, e.g. ``otb-matlab`` or ``got10k``; the first one by default.
    """
    return _curves(ax, select(source, dataset=dataset, trackers=trackers, shown=names), _SUCCESS, profile, legend)


def precision(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the precision plot: the fraction of frames whose centre error is within each threshold in pixels.

    See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    return _curves(ax, chosen, ("precision",), profile, legend)


def normalized_precision(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the normalized precision plot, whose centre error is relative to the size of the groundtruth box.

    See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    return _curves(ax, chosen, ("norm_precision",), profile, legend)


def eao(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw VOT's expected average overlap by sequence length; the lengths that EAO averages over are shaded.

    The interval is that of the dataset, so it is shaded for a comparison only. See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    found = source.dataset(chosen.dataset) if isinstance(source, Comparison) else None
    interval = None if found is None else found.vot.eao_interval
    return _curves(ax, chosen, ("eao",), profile, legend, interval=interval)


def precision_recall(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw long-term precision against recall.

    See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    return _curves(ax, chosen, ("f_score",), profile, legend)


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
    draw_ranking(ax, rows, metric_head(scores[0]), digits=unit_digits(scores[0].unit), size=_size(ax))
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
    draw_radar(ax, found.names, _by_index(chosen, found), size=_size(ax))
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
    draw_scatter(ax, marks, x_label, "accuracy", size=_size(ax))
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
                 size=_size(ax))  # fmt: skip
    return ax


def auc_by_frame_rate(
    ax: Axes,
    source: Comparison,
    *,
    dataset: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw streaming accuracy by frame rate, as far as the stored times determine it."""
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    rates = {score.tracker: source.auc_by_frame_rate.get((chosen.dataset, score.tracker)) for score in chosen.leading()}
    lines = [
        Line(chosen.name(label), chosen.indices[label], f"to {row[-1][0]:g} fps", *map(list, zip(*row, strict=True)))
        for label, row in rates.items()
        if row
    ]
    if not lines:
        raise MissingResults("no tracker has stored times", where=chosen.dataset)
    draw_curves(ax, lines, "frames per second", "AUC", marks=True, size=_size(ax))
    _curve_legend(ax, lines, legend)
    return ax


def _curves(
    ax: Axes,
    chosen: Selection,
    metrics: Sequence[str],
    profile: str | None,
    legend: bool,
    *,
    interval: tuple[float, float] | None = None,
) -> Axes:
    scores = chosen.curves(metrics, profile)
    labels = curve_labels(scores[0])
    lines = [
        replace(curve_line(score, chosen.indices[score.tracker]), tracker=chosen.name(score.tracker))
        for score in scores
    ]
    x_label, y_label = ("", "") if labels is None else labels[1:]
    draw_curves(ax, lines, x_label, y_label, interval=interval, size=_size(ax))
    _curve_legend(ax, lines, legend)
    return ax


def _curve_legend(ax: Axes, lines: Sequence[Line], legend: bool) -> None:
    """Name the lines, the best first, and add the legend if it is wanted."""
    drawn = {artist.get_gid(): artist for artist in ax.lines}
    handles = [drawn[f"{TrackerStyle(line.index).name}--c{len(lines) - 1 - place}"] for place, line in enumerate(lines)]
    for handle, line in zip(handles, lines, strict=True):
        handle.set_label(_plain(legend_label(line.tracker, line.value)))
    if legend:
        ax.legend(handles=handles, fontsize=_size(ax), frameon=False, handlelength=2.6)


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
        handle.set_label(_plain(shortened(chosen.name(label))))
        handles.append(handle)
    if legend:
        ax.legend(handles=handles, fontsize=_size(ax), frameon=False)


def _plain(text: str) -> str:
    """Return a label that a legend shows as it is: a dollar sign starts no formula, an underscore hides nothing."""
    escaped = text.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def _size(ax: Axes) -> float:
    """Return a size of text, in points, that is a little smaller than that of the labels of the axes."""
    return 0.9 * float(ax.xaxis.label.get_fontsize())
