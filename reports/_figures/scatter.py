"""One point per tracker: accuracy against cost, accuracy against robustness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evalkit.reports._figures.canvas import logarithmic, sheet
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
        low, high = math.log10(min(xs)), math.log10(max(xs))
        room = max(0.12 * (high - low), 0.15)
        logarithmic(axes, 10 ** (low - room), 10 ** (high + room))
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
    """Names beside the points, each where it covers no other name and no mark."""
    scale = 72 / axes.figure.dpi
    places = [tuple(axes.transData.transform((point.x, point.y)) * scale) for point in points]
    right = axes.bbox.x1 * scale
    taken = [_around(x, y, _reach(point)) for (x, y), point in zip(places, points, strict=True)]
    for number, ((x, y), point) in enumerate(zip(places, points, strict=True)):
        text = shortened(point.label, 24)
        dx, dy, anchor = _spot(x, y, _reach(point), 5.3 * len(text), right, taken)
        taken.append(_box(x + dx, y + dy, 5.3 * len(text), anchor))
        axes.annotate(
            text, (point.x, point.y), xytext=(dx, dy), textcoords="offset points", fontsize=9, color=INK, va="center",
            ha=anchor, gid=f"{Style(point.index).name}--n{number}", annotation_clip=False,
        )  # fmt: skip


_Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


def _spot(
    x: float, y: float, reach: float, length: float, right: float, taken: Sequence[_Rectangle]
) -> tuple[float, float, str]:
    """Where a name goes: beside the mark where there is room, else a little higher or lower."""
    sides: list[tuple[float, str]] = [(reach + 2, "left"), (-reach - 2, "right")]
    if x + reach + length > right:
        sides = sides[1:]
    for dy in (6.0, -6.0, 12.0, -12.0, 18.0, -18.0, 25.0, -25.0, 32.0, -32.0):
        for dx, anchor in sides:
            box = _box(x + dx, y + dy, length, anchor)
            if not any(_overlap(box, other) for other in taken):
                return dx, dy, anchor
    return sides[0][0], 6.0, sides[0][1]


def _reach(point: Point) -> float:
    return 5.0 if point.size is None else 2.5 + 8.5 * math.sqrt(point.size)


def _around(x: float, y: float, reach: float) -> _Rectangle:
    return x - reach, y - reach, x + reach, y + reach


def _box(x: float, y: float, length: float, anchor: str) -> _Rectangle:
    left = x if anchor == "left" else x - length
    return left, y - 5.0, left + length, y + 5.0


def _overlap(a: _Rectangle, b: _Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
