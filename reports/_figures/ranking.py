"""Values side by side on one scale: rankings with intervals, attributes, milliseconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from evalkit.reports._figures.canvas import add_legend, legend_rows, logarithmic, sheet
from evalkit.reports._figures.style import INK, MUTED, Style, shortened

Row = tuple[int, str, float, float | None, float | None]
"""Place of the tracker, label, value, low, high."""


def ranking_plot(title: str, x_label: str, rows: Sequence[Row], *, log: bool = False, digits: int = 3) -> Figure:
    """One line per tracker, best at the top, with its interval and its value in figures."""
    left = min(160.0, 14 + 5.6 * max(len(shortened(label, 26)) for _, label, *_ in rows))
    figure, axes = sheet(title, height=72 + 19 * len(rows), left=left)
    axes.grid(visible=False, axis="y")
    ends = [value for row in rows for value in row[2:] if value is not None]
    for place, (index, _, value, low, high) in enumerate(rows):
        style = Style(index)
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=style.color, linewidth=2.4, alpha=0.55, solid_capstyle="butt",
                      gid=f"{style.name}--i{place}")  # fmt: skip
        axes.plot([value], [place], linestyle="", marker=style.marker, color=style.color, markersize=7,
                  gid=f"{style.name}--p{place}")  # fmt: skip
        axes.annotate(
            f"{value:.3g}" if log else f"{value:.{digits}f}", (1, place), xycoords=("axes fraction", "data"),
            xytext=(-2, 0), textcoords="offset points", color=INK, ha="right", va="center", fontsize=9,
            gid=f"{style.name}--v{place}",
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [shortened(label, 26) for _, label, *_ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(x_label)
    span = max(ends) - min(ends) or abs(max(ends)) or 1.0
    if not log:
        axes.set_xlim(min(ends) - 0.06 * span, max(ends) + 0.24 * span)
    else:
        logarithmic(axes, min(ends) * 0.8, max(ends) * (max(ends) / min(ends)) ** 0.25 * 1.3)
    return figure


def attribute_bars(title: str, x_label: str, names: Sequence[str], values: Mapping[int, Sequence[float | None]],
                   labels: Mapping[int, str]) -> Figure:  # fmt: skip
    """One row per attribute, one mark per tracker in it; a thin line joins the extremes."""
    entries = [(Style(index), shortened(label)) for index, label in labels.items()]
    left = min(150.0, 16 + 6.0 * max(len(name) for name in names))
    figure, axes = sheet(
        title, height=76 + 17 * len(names), left=left, legend=legend_rows([text for _, text in entries])
    )
    axes.grid(visible=False, axis="y")
    for place in range(len(names)):
        present = [value for row in values.values() if (value := row[place]) is not None]
        if present:
            axes.plot([min(present), max(present)], [place, place], color=MUTED, linewidth=0.7, zorder=1)
    for index, row in values.items():
        style = Style(index)
        axes.plot([math.nan if value is None else value for value in row], range(len(names)), linestyle="",
                  marker=style.marker, color=style.color, markersize=6, gid=f"{style.name}--a")  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(x_label)
    add_legend(figure, entries, marker=True)
    return figure


def radar_plot(title: str, names: Sequence[str], values: Mapping[int, Sequence[float | None]],
               labels: Mapping[int, str]) -> Figure:  # fmt: skip
    """One spoke per attribute, one closed line per tracker; the rim is the best value of all."""
    entries = [(Style(index), shortened(label)) for index, label in labels.items()]
    figure, axes = sheet(title, height=330, legend=legend_rows([text for _, text in entries]))
    place = axes.get_position()
    axes.remove()
    height = float(figure.get_size_inches()[1]) * 72
    polar = figure.add_axes((0.15, place.y0 - 12 / height, 0.7, place.height - 14 / height), projection="polar")
    angles = np.linspace(0.0, 2.0 * np.pi, len(names), endpoint=False)
    polar.set_theta_offset(np.pi / 2)  # type: ignore[attr-defined]
    polar.set_theta_direction(-1)  # type: ignore[attr-defined]
    polar.set_xticks(angles, names, fontsize=9, color=INK)
    best = max(value for row in values.values() for value in row if value is not None)
    polar.set_ylim(0.0, best * 1.05)
    polar.tick_params(axis="y", labelsize=7.5)
    polar.spines["polar"].set_visible(False)
    for index, row in values.items():
        style = Style(index)
        radii = np.array([math.nan if value is None else value for value in row])
        polar.plot(np.append(angles, angles[0]), np.append(radii, radii[0]), color=style.color, linewidth=1.4,
                   dashes=style.dashes or (None, None), gid=f"{style.name}--r")  # fmt: skip
    add_legend(figure, entries)
    return figure
