"""Curves of success, precision, expected overlap and streaming accuracy: one line per tracker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evalkit.reports.figures.theme import add_legend, legend_label, legend_rows, new_figure, set_logarithmic
from evalkit.reports.figures.tracker_styles import BAND, TrackerStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """The curve of one tracker.

    Attributes:
        tracker: Label of the tracker.
        index: Index of the tracker in the report.
        value: Text that the legend shows after the label.
        x: Abscissae.
        y: Ordinates; None where there is no value.
    """

    tracker: str
    index: int
    value: str
    x: Sequence[float | None]
    y: Sequence[float | None]

    def record(self) -> dict[str, Any]:
        """Return the attributes as JSON values."""
        return asdict(self)


def curve_plot(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    *,
    interval: tuple[float, float] | None = None,
    marks: bool = False,
) -> Figure:
    """Draw lines through exactly the given points; a missing value interrupts its line.

    Args:
        title: Title of the figure.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis, which reaches at least from 0 to 1.
        lines: Best tracker first.
        interval: Abscissae between which the score averages the curve; shaded.
        marks: Whether every point has a marker and the horizontal axis is logarithmic.
    """
    labels = [legend_label(line.tracker, line.value) for line in lines]
    figure, axes = new_figure(title, legend=legend_rows(labels))
    if interval is not None:
        axes.axvspan(*interval, color=BAND, linewidth=0)
    for rank, line in enumerate(reversed(lines)):
        _draw_line(axes, line, rank, marks=marks)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    _set_limits(axes, lines, interval, marks=marks)
    add_legend(figure, [(TrackerStyle(line.index), label) for line, label in zip(lines, labels, strict=True)])
    return figure


def _draw_line(axes: Axes, line: Line, rank: int, *, marks: bool) -> None:
    style = TrackerStyle(line.index)
    axes.plot(
        _numbers(line.x), _numbers(line.y), color=style.color, dashes=style.dashes or (None, None),
        marker=style.marker if marks else "", markersize=5, gid=f"{style.name}--c{rank}", zorder=3 + rank,
    )  # fmt: skip


def _set_limits(axes: Axes, lines: Sequence[Line], interval: tuple[float, float] | None, *, marks: bool) -> None:
    left, right = _ends([x for line in lines for x in line.x], least=())
    bottom, top = _ends([y for line in lines for y in line.y], least=(0.0, 1.0))
    if marks:
        set_logarithmic(axes, 0.9 * left, 1.1 * right)
    else:
        axes.set_xlim(left, right if interval is None else min(right, 2.0 * interval[1]))
    axes.set_ylim(bottom, top)


def _ends(values: Sequence[float | None], *, least: tuple[float, ...]) -> tuple[float, float]:
    """Return the lowest and highest of some values, including those in ``least``; 0 and 1 for no values."""
    present = [*least, *(value for value in values if value is not None)] or [0.0, 1.0]
    return min(present), max(present)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
