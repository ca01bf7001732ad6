"""Values by attribute: one row per attribute, or one spoke of a radar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.reports.figures.theme import add_legend, legend_rows, new_figure, set_row_labels
from evalkit.reports.figures.tracker_styles import INK, MUTED, TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Values = Mapping[int, Sequence[float | None]]
"""Values of each tracker in the order of the attributes, by index of the tracker; None where there is none."""


def attribute_plot(
    title: str, x_label: str, names: Sequence[str], values: _Values, labels: Mapping[int, str]
) -> Figure:
    """Draw one row per attribute with one marker per tracker; a thin line joins the extremes.

    Args:
        title: Title of the figure.
        x_label: Label of the horizontal axis.
        names: Attributes.
        values: By index of the tracker, its values in the order of ``names``.
        labels: By index of the tracker, its label.
    """
    entries = _legend_entries(labels)
    left = min(150.0, 16 + 6.0 * max(map(len, names)))
    legend = legend_rows([label for _, label in entries])
    figure, axes = new_figure(title, height=76 + 17 * len(names), left=left, legend=legend)
    for place in range(len(names)):
        _draw_range(axes, place, [row[place] for row in values.values()])
    for index, row in values.items():
        style = TrackerStyle(index)
        axes.plot(_numbers(row), range(len(names)), linestyle="", marker=style.marker, color=style.color, markersize=6,
                  gid=f"{style.name}--a")  # fmt: skip
    set_row_labels(axes, names)
    axes.set_xlabel(x_label)
    add_legend(figure, entries, marker=True)
    return figure


def _draw_range(axes: Axes, place: int, values: Sequence[float | None]) -> None:
    present = [value for value in values if value is not None]
    if present:
        axes.plot([min(present), max(present)], [place, place], color=MUTED, linewidth=0.7, zorder=1)


def radar_plot(title: str, names: Sequence[str], values: _Values, labels: Mapping[int, str]) -> Figure:
    """Draw one spoke per attribute and one closed line per tracker; the rim is just above the best value.

    Args:
        title: Title of the figure.
        names: Attributes, at least three.
        values: By index of the tracker, its values in the order of ``names``.
        labels: By index of the tracker, its label.
    """
    entries = _legend_entries(labels)
    figure, axes = new_figure(title, height=330, legend=legend_rows([label for _, label in entries]))
    polar = _polar_axes(figure, axes)
    angles = np.linspace(0.0, 2.0 * np.pi, len(names), endpoint=False)
    polar.set_xticks(angles, names, fontsize=9, color=INK)
    best = max(value for row in values.values() for value in row if value is not None)
    polar.set_ylim(0.0, best * 1.05)
    for index, row in values.items():
        style, radii = TrackerStyle(index), _numbers(row)
        polar.plot(np.append(angles, angles[0]), np.append(radii, radii[0]), color=style.color, linewidth=1.4,
                   dashes=style.dashes or (None, None), gid=f"{style.name}--r")  # fmt: skip
    add_legend(figure, entries)
    return figure


def _polar_axes(figure: Figure, axes: Axes) -> Axes:
    """Replace the axes of a figure by polar ones that start at the top and turn clockwise."""
    place = axes.get_position()
    axes.remove()
    height = float(figure.get_size_inches()[1]) * 72
    polar: Axes = figure.add_axes((0.15, place.y0 - 12 / height, 0.7, place.height - 14 / height), projection="polar")
    polar.set_theta_offset(np.pi / 2)  # type: ignore[attr-defined]
    polar.set_theta_direction(-1)  # type: ignore[attr-defined]
    polar.tick_params(axis="y", labelsize=7.5)
    polar.spines["polar"].set_visible(False)
    return polar


def _legend_entries(labels: Mapping[int, str]) -> list[tuple[TrackerStyle, str]]:
    return [(TrackerStyle(index), shortened(label)) for index, label in labels.items()]


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
