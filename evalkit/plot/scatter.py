"""Scatter plots: one point per tracker, such as accuracy against cost or accuracy against robustness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.plot.axes import SIZE, set_logarithmic
from evalkit.plot.point_labels import Point, draw_labels, marker_radius
from evalkit.plot.tracker_styles import MUTED, TrackerStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_scatter(
    axes: Axes,
    points: Sequence[Point],
    x_label: str,
    y_label: str,
    *,
    log: bool = False,
    front: bool = False,
    lower_y: bool = False,
    size: float = SIZE,
) -> None:
    """Draw points with the trackers' labels next to them.

    Args:
        axes: Axes to draw on, in their final size.
        points: At least one.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis.
        log: Whether the horizontal axis is logarithmic.
        front: Whether to draw the Pareto front, see ``pareto``.
        lower_y: Whether lower ordinates are better.
        size: Size of text, in points.
    """
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    _set_limits(axes, points, log=log, size=size)
    best = pareto([(point.x, point.y) for point in points], lower_y=lower_y) if front else []
    if front:
        axes.plot(*zip(*best, strict=True), color=MUTED, linewidth=1.1, dashes=(4, 3), zorder=2, gid="front")
    for number, point in enumerate(points):
        _draw_point(axes, point, number)
    draw_labels(axes, points, size=size, line=best)


def pareto(points: Sequence[tuple[float, float]], *, lower_y: bool = False) -> list[tuple[float, float]]:
    """Return the Pareto front: points that no other point beats or equals in both coordinates, in order of ``x``.

    Lower ``x`` is better.

    Args:
        points: Pairs of x and y.
        lower_y: Whether lower ``y`` is better, too.

    >>> pareto([(1.0, 0.3), (2.0, 0.2), (3.0, 0.4)])
    [(1.0, 0.3), (3.0, 0.4)]
    """
    sign = -1.0 if lower_y else 1.0
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if not front or sign * y > sign * front[-1][1]:
            front.append((x, y))
    return front


def _set_limits(axes: Axes, points: Sequence[Point], *, log: bool, size: float) -> None:
    xs, ys = [point.x for point in points], [point.y for point in points]
    ys += [value for point in points for value in (point.low, point.high) if value is not None]
    if log:
        low, high = math.log10(min(xs)), math.log10(max(xs))
        room = max(0.12 * (high - low), 0.15)
        set_logarithmic(axes, 10 ** (low - room), 10 ** (high + room), size=size)
    else:
        room = 0.1 * (max(xs) - min(xs)) or 0.1 * abs(max(xs)) or 1.0
        axes.set_xlim(min(xs) - room, max(xs) + room)
    room = 0.12 * (max(ys) - min(ys)) or 0.05
    axes.set_ylim(min(ys) - room, max(ys) + room)


def _draw_point(axes: Axes, point: Point, number: int) -> None:
    style = TrackerStyle(point.index)
    if point.low is not None and point.high is not None:
        axes.plot([point.x, point.x], [point.low, point.high], color=style.color, linewidth=1.2,
                  gid=f"{style.name}--i{number}", zorder=2)  # fmt: skip
    marker, size, alpha = _marker(point, style)
    axes.plot(
        [point.x], [point.y], linestyle="", marker=marker, markersize=size,
        markerfacecolor="none" if point.cited else style.color, markeredgecolor=style.color, markeredgewidth=1.5,
        alpha=alpha, gid=f"{style.name}--p{number}", zorder=3,
    )  # fmt: skip


def _marker(point: Point, style: TrackerStyle) -> tuple[str, float, float]:
    """Return the shape, size and opacity; markers whose size tells something are discs that show what they cover."""
    if point.size is None:
        return style.marker, 8.0, 1.0
    return "o", 2.0 * marker_radius(point), 1.0 if point.cited else 0.75
