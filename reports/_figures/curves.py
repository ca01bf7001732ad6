"""Success, precision and expected average overlap: one line per tracker, its score in the legend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from evalkit.reports._figures.canvas import add_legend, legend_label, legend_rows, logarithmic, sheet
from evalkit.reports._figures.style import BAND, Style


def curve_plot(
    title: str,
    x_label: str,
    y_label: str,
    series: Sequence[Mapping[str, Any]],
    *,
    interval: tuple[float, float] | None = None,
    marks: bool = False,
) -> Figure:
    """Lines through exactly the given points.

    Args:
        series: Best first; each with ``tracker``, ``index``, ``value`` (text for the legend), ``x`` and ``y``; None
            where there is no value.
        marks: Whether every point is marked, and the horizontal axis logarithmic.
        interval: Abscissae between which the score averages the curve; shaded.
    """
    labels = [legend_label(one["tracker"], one["value"]) for one in series]
    figure, axes = sheet(title, legend=legend_rows(labels))
    if interval is not None:
        axes.axvspan(*interval, color=BAND, linewidth=0)
    for rank, one in enumerate(reversed(series)):
        style = Style(one["index"])
        axes.plot(
            _numbers(one["x"]), _numbers(one["y"]), color=style.color, dashes=style.dashes or (None, None),
            marker=style.marker if marks else "", markersize=5, gid=f"{style.name}--c{rank}", zorder=3 + rank,
        )  # fmt: skip
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    xs = [x for one in series for x in one["x"] if x is not None]
    right = max(xs, default=1.0)
    if marks:
        logarithmic(axes, 0.9 * min(xs), 1.1 * right)
    else:
        axes.set_xlim(min(xs, default=0.0), right if interval is None else min(right, 2.0 * interval[1]))
    axes.set_ylim(0.0, 1.0)
    add_legend(figure, [(Style(one["index"]), label) for one, label in zip(series, labels, strict=True)])
    return figure


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
