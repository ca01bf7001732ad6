"""The plots of a report: a figure with a title and a legend, and one of the drawings of ``evalkit.plot`` in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit.plot.attributes import Values, draw_attributes, draw_radar
from evalkit.plot.curves import Line, draw_curves, legend_label
from evalkit.plot.overlap_over_time import draw_overlaps
from evalkit.plot.point_labels import Point
from evalkit.plot.ranking import RankedValue, draw_ranking, row_labels
from evalkit.plot.scatter import draw_scatter
from evalkit.plot.tracker_styles import TrackerStyle, shortened
from evalkit.reports.figures.theme import PAGE, FigureStyle, add_legend, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 8
"""Number of entries of a legend up to which long labels are hardly shortened."""


def curve_plot(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    style: FigureStyle = PAGE,
    *,
    interval: tuple[float, float] | None = None,
    marks: bool = False,
) -> Figure:
    """Draw curves with a legend that names their values; see ``draw_curves``."""
    labels = [legend_label(line.tracker, line.value, _longest(len(lines))) for line in lines]
    figure, axes = new_figure(title, style, legend=labels)
    draw_curves(axes, lines, x_label, y_label, interval=interval, marks=marks, size=style.size)
    add_legend(figure, [(TrackerStyle(line.index), label) for line, label in zip(lines, labels, strict=True)], style)
    return figure


def ranking_plot(
    title: str,
    x_label: str,
    rows: Sequence[RankedValue],
    style: FigureStyle = PAGE,
    *,
    log: bool = False,
    digits: int = 3,
) -> Figure:
    """Draw a ranking; see ``draw_ranking``."""
    left = min(160.0, 14 + 5.6 * max(map(len, row_labels(rows))))
    figure, axes = new_figure(title, style, height=8.0 + 19 * len(rows), rows=True, left=left)
    draw_ranking(axes, rows, x_label, log=log, digits=digits, size=style.size)
    return figure


def scatter_plot(
    title: str,
    x_label: str,
    y_label: str,
    points: Sequence[Point],
    style: FigureStyle = PAGE,
    *,
    log: bool = False,
    front: bool = False,
    lower_y: bool = False,
) -> Figure:
    """Draw points; see ``draw_scatter``."""
    figure, axes = new_figure(title, style, height=216.0)
    draw_scatter(axes, points, x_label, y_label, log=log, front=front, lower_y=lower_y, size=style.size)
    return figure


def attribute_plot(
    title: str,
    x_label: str,
    names: Sequence[str],
    values: Values,
    labels: Mapping[int, str],
    style: FigureStyle = PAGE,
) -> Figure:
    """Draw values by attribute as marks in rows; see ``draw_attributes``.

    Args:
        labels: By index of the tracker, its label.
    """
    entries = _legend_entries(labels)
    names = [shortened(name, 22) for name in names]
    left = 16 + 6.0 * max(map(len, names))
    legend = [label for _, label in entries]
    figure, axes = new_figure(title, style, height=12.0 + 17 * len(names), rows=True, left=left, legend=legend)
    draw_attributes(axes, names, values, x_label)
    add_legend(figure, entries, style, marker=True)
    return figure


def radar_plot(
    title: str, names: Sequence[str], values: Values, labels: Mapping[int, str], style: FigureStyle = PAGE
) -> Figure:
    """Draw values by attribute as a radar; see ``draw_radar``.

    Args:
        labels: By index of the tracker, its label.
    """
    entries = _legend_entries(labels)
    figure, axes = new_figure(title, style, height=266.0, legend=[label for _, label in entries])
    draw_radar(_polar_axes(figure, axes), names, values, size=style.size)
    add_legend(figure, entries, style)
    return figure


def overlap_plot(
    title: str,
    overlaps: Mapping[int | None, Sequence[float | None]],
    labels: Mapping[int | None, str],
    links: Sequence[tuple[int, str]],
    style: FigureStyle = PAGE,
    *,
    y_label: str = "overlap",
) -> Figure:
    """Draw overlap over time; see ``draw_overlaps``.

    Args:
        labels: By index of the tracker, its label.
    """
    entries = [(TrackerStyle(index), shortened(labels[index], _longest(len(overlaps)))) for index in overlaps]
    legend = [label for _, label in entries]
    figure, axes = new_figure(title, style, height=122.0, legend=legend, wide=True, above=14.0)
    draw_overlaps(axes, overlaps, links, y_label, size=style.size)
    add_legend(figure, entries, style, solid=True)
    return figure


def _legend_entries(labels: Mapping[int, str]) -> list[tuple[TrackerStyle, str]]:
    return [(TrackerStyle(index), shortened(label, _longest(len(labels)))) for index, label in labels.items()]


def _longest(entries: int) -> int:
    """Return the number of characters of a label that a legend with this number of entries has room for."""
    return 28 if entries <= _FEW else 19


def _polar_axes(figure: Figure, axes: Axes) -> Axes:
    """Replace the axes of a figure by polar ones."""
    place = axes.get_position()
    axes.remove()
    height = float(figure.get_size_inches()[1]) * 72
    polar: Axes = figure.add_axes((0.15, place.y0 - 12 / height, 0.7, place.height - 14 / height), projection="polar")
    return polar
