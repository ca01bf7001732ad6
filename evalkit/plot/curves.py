"""Curves of success, precision, expected overlap and streaming accuracy: one line per tracker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evalkit.comparison.metric_labels import unit_digits
from evalkit.plot.axes import SIZE, set_logarithmic
from evalkit.plot.tracker_styles import BAND, TrackerStyle, shortened
from evalkit.types import Score, finite_or_none

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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


def curve_line(score: Score, index: int) -> Line:
    """Return the curve of a score as a line.

    EAO's curve is returned without the sequence of no frames, which some toolkits count from.

    Args:
        score: A score with a curve and a value.
        index: Index of the tracker.
    """
    curve = zip(*(score.curve or ((), ())), strict=True)
    points = [(finite_or_none(x), finite_or_none(y)) for x, y in curve if score.metric != "eao" or x > 0]
    value = f"{score.value:.{unit_digits(score.unit)}f}"
    return Line(score.tracker, index, value, [x for x, _ in points], [y for _, y in points])


def draw_curves(
    axes: Axes,
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    interval: tuple[float, float] | None = None,
    marks: bool = False,
    size: float = SIZE,
) -> None:
    """Draw lines through exactly the given points; a missing value interrupts its line.

    Args:
        axes: Axes to draw on.
        lines: Best tracker first; it is drawn above the others.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis, which reaches at least from 0 to 1.
        interval: Abscissae between which the score averages the curve; shaded.
        marks: Whether every point has a marker and the horizontal axis is logarithmic.
        size: Size of text, in points.
    """
    if interval is not None:
        axes.axvspan(*interval, color=BAND, linewidth=0)
    for rank, line in enumerate(reversed(lines)):
        _draw_line(axes, line, rank, marks=marks)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    _set_limits(axes, lines, interval, marks=marks, size=size)


def legend_label(label: str, value: str, most: int = 28) -> str:
    """Return a tracker's label, shortened to fit a legend, with its value."""
    return f"{shortened(label, most)} [{value}]"


def _draw_line(axes: Axes, line: Line, rank: int, *, marks: bool) -> None:
    style = TrackerStyle(line.index)
    axes.plot(
        _numbers(line.x), _numbers(line.y), color=style.color, dashes=style.dashes or (None, None),
        marker=style.marker if marks else "", markersize=5, gid=f"{style.name}--c{rank}", zorder=3 + rank,
    )  # fmt: skip


def _set_limits(
    axes: Axes, lines: Sequence[Line], interval: tuple[float, float] | None, *, marks: bool, size: float
) -> None:
    left, right = _ends([x for line in lines for x in line.x], least=())
    bottom, top = _ends([y for line in lines for y in line.y], least=(0.0, 1.0))
    if marks:
        set_logarithmic(axes, 0.9 * left, 1.1 * right, size=size)
    else:
        axes.set_xlim(left, right if interval is None else min(right, 2.0 * interval[1]))
    axes.set_ylim(bottom, top)


def _ends(values: Sequence[float | None], *, least: tuple[float, ...]) -> tuple[float, float]:
    """Return the lowest and highest of some values, including those in ``least``; 0 and 1 for no values."""
    present = [*least, *(value for value in values if value is not None)] or [0.0, 1.0]
    return min(present), max(present)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
