"""One point per tracker: accuracy against cost, accuracy against robustness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evalkit.reports._figures.canvas import sheet
from evalkit.reports._figures.style import INK, MUTED, Style, shortened


@dataclass(frozen=True)
class Point:
    """Where a tracker stands.

    Attributes:
        index: Place of the tracker in the report.
        size: Relative area of the marker, in (0, 1]; None for the usual one.
        cited: Whether a coordinate is a published number; drawn hollow.
        low, high: Confidence interval of ``y``.
    """

    index: int | None
    label: str
    x: float
    y: float
    size: float | None = None
    cited: bool = False
    low: float | None = None
    high: float | None = None


def scatter_plot(
    title: str,
    x_label: str,
    y_label: str,
    points: Sequence[Point],
    *,
    log: bool = False,
    front: bool = False,
    lower_y: bool = False,
) -> Figure:
    """Points with their names beside them.

    Args:
        log: Whether the horizontal axis is logarithmic.
        front: Whether to join the points that no other one beats in both ways; less ``x`` is better.
        lower_y: Whether less ``y`` is better.
    """
    figure, axes = sheet(title, height=280)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    _limits(axes, points, log=log)
    if front:
        best = pareto([(point.x, point.y) for point in points], lower_y=lower_y)
        axes.plot(*zip(*best, strict=True), color=MUTED, linewidth=1.1, dashes=(4, 3), zorder=2, gid="front")
    for number, point in enumerate(points):
        _mark(axes, point, number)
    _name(axes, points)
    return figure


def pareto(points: Sequence[tuple[float, float]], *, lower_y: bool = False) -> list[tuple[float, float]]:
    """The points that no other point beats or equals in both coordinates, by rising ``x``; less ``x`` is better.

    >>> pareto([(1.0, 0.3), (2.0, 0.2), (3.0, 0.4)])
    [(1.0, 0.3), (3.0, 0.4)]
    """
    sign = -1.0 if lower_y else 1.0
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if not front or sign * y > sign * front[-1][1]:
            front.append((x, y))
    return front


def _limits(axes: Axes, points: Sequence[Point], *, log: bool) -> None:
    xs, ys = [point.x for point in points], [point.y for point in points]
    ys += [value for point in points for value in (point.low, point.high) if value is not None]
    if log:
        axes.set_xscale("log")
        low, high = math.log10(min(xs)), math.log10(max(xs))
        room = max(0.12 * (high - low), 0.15)
        axes.set_xlim(10 ** (low - room), 10 ** (high + room))
    else:
        room = 0.1 * (max(xs) - min(xs)) or 0.1 * abs(max(xs)) or 1.0
        axes.set_xlim(min(xs) - room, max(xs) + room)
    room = 0.12 * (max(ys) - min(ys)) or 0.05
    axes.set_ylim(min(ys) - room, max(ys) + room)


def _mark(axes: Axes, point: Point, number: int) -> None:
    style = Style(point.index)
    size = 8.0 if point.size is None else 5.0 + 17.0 * math.sqrt(point.size)
    if point.low is not None and point.high is not None:
        axes.plot([point.x, point.x], [point.low, point.high], color=style.color, linewidth=1.2,
                  gid=f"{style.name}--i{number}", zorder=2)  # fmt: skip
    axes.plot(
        [point.x], [point.y], linestyle="", marker="o" if point.size is not None else style.marker, markersize=size,
        markerfacecolor="none" if point.cited else style.color, markeredgecolor=style.color, markeredgewidth=1.5,
        alpha=1.0 if point.size is None or point.cited else 0.75, gid=f"{style.name}--p{number}", zorder=3,
    )  # fmt: skip


def _name(axes: Axes, points: Sequence[Point]) -> None:
    """Names beside the points; where two would overlap the lower one moves down."""
    width = axes.bbox.width * 72 / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    taken: list[tuple[float, float, float]] = []
    placed = [(axes.transData.transform((point.x, point.y)) * 72 / axes.figure.dpi, point) for point in points]
    left = axes.bbox.x0 * 72 / axes.figure.dpi
    for number, ((x, y), point) in enumerate(sorted(placed, key=lambda item: -item[0][1])):
        text = shortened(point.label, 24)
        length = 5.4 * len(text)
        reach = 7.0 if point.size is None else 5.0 + 8.5 * math.sqrt(point.size)
        to_left = x - left + reach + length > width
        start = x - reach - length if to_left else x + reach
        level = y
        while any(abs(level - other) < 10 and start < end and start + length > begin for begin, end, other in taken):
            level -= 2
        taken.append((start, start + length, level))
        axes.annotate(
            text, (point.x, point.y), xytext=(-reach if to_left else reach, level - y), textcoords="offset points",
            fontsize=9, color=INK, va="center", ha="right" if to_left else "left",
            gid=f"{Style(point.index).name}--n{number}", annotation_clip=False,
        )  # fmt: skip
