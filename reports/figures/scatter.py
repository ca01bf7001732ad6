"""Scatter plots: one point per tracker, such as accuracy against cost or accuracy against robustness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from evalkit.reports.figures.theme import new_figure, set_logarithmic
from evalkit.reports.figures.tracker_styles import INK, MUTED, TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Point:
    """The values of one tracker.

    Attributes:
        index: Index of the tracker in the report; None for a tracker that is not in it.
        label: Label of the tracker.
        x: Abscissa.
        y: Ordinate.
        size: Relative area of the marker, in (0, 1]; None for the usual size.
        cited: Whether a coordinate is a published number; drawn hollow.
        low, high: Ends of the confidence interval of ``y``; None if there is none.
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
    """Draw points with the trackers' labels next to them.

    Args:
        title: Title of the figure.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis.
        points: At least one.
        log: Whether the horizontal axis is logarithmic.
        front: Whether to draw the Pareto front, see ``pareto``.
        lower_y: Whether lower ordinates are better.
    """
    figure, axes = new_figure(title, height=280)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    _set_limits(axes, points, log=log)
    if front:
        best = pareto([(point.x, point.y) for point in points], lower_y=lower_y)
        axes.plot(*zip(*best, strict=True), color=MUTED, linewidth=1.1, dashes=(4, 3), zorder=2, gid="front")
    for number, point in enumerate(points):
        _draw_point(axes, point, number)
    _draw_labels(axes, points)
    return figure


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


def _set_limits(axes: Axes, points: Sequence[Point], *, log: bool) -> None:
    xs, ys = [point.x for point in points], [point.y for point in points]
    ys += [value for point in points for value in (point.low, point.high) if value is not None]
    if log:
        low, high = math.log10(min(xs)), math.log10(max(xs))
        room = max(0.12 * (high - low), 0.15)
        set_logarithmic(axes, 10 ** (low - room), 10 ** (high + room))
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
    return "o", 5.0 + 17.0 * math.sqrt(point.size), 1.0 if point.cited else 0.75


_CHARACTER = 5.3
"""Width of a character of a label, in points."""

_OFFSETS = (6.0, -6.0, 12.0, -12.0, 18.0, -18.0, 25.0, -25.0, 32.0, -32.0)
"""Heights of a label above its point that are tried, in points."""

_Rectangle: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""

_Place: TypeAlias = tuple[float, float, str]
"""Offset of a label from its point, in points, and which end of the label is there: ``left`` or ``right``."""


def _draw_labels(axes: Axes, points: Sequence[Point]) -> None:
    """Draw each label next to its point, where it covers no other label and no marker."""
    scale = 72 / axes.figure.dpi
    centres = [tuple(axes.transData.transform((point.x, point.y)) * scale) for point in points]
    right = axes.bbox.x1 * scale
    taken = [_around(centre, _radius(point)) for centre, point in zip(centres, points, strict=True)]
    for number, (centre, point) in enumerate(zip(centres, points, strict=True)):
        text = shortened(point.label, 24)
        dx, dy, anchor = place = _free_place(centre, _radius(point), _CHARACTER * len(text), right, taken)
        taken.append(_label_box(centre, place, _CHARACTER * len(text)))
        axes.annotate(
            text, (point.x, point.y), xytext=(dx, dy), textcoords="offset points", fontsize=9, color=INK, va="center",
            ha=anchor, gid=f"{TrackerStyle(point.index).name}--n{number}", annotation_clip=False,
        )  # fmt: skip


def _free_place(
    centre: tuple[float, float], radius: float, length: float, right: float, taken: Sequence[_Rectangle]
) -> _Place:
    """Return the first place where a label covers nothing; the first of all if there is none.

    Args:
        centre: The point.
        radius: Radius of its marker.
        length: Length of the label.
        right: Right end of the axes.
        taken: What must not be covered.
    """
    places = list(_places(radius, leftwards=centre[0] + radius + length > right))
    boxes = ((place, _label_box(centre, place, length)) for place in places)
    free = (place for place, box in boxes if not any(_overlap(box, other) for other in taken))
    return next(free, places[0])


def _places(radius: float, *, leftwards: bool) -> Iterator[_Place]:
    """Yield places of a label, the preferred ones first; only those to the left of the point if ``leftwards``."""
    for dy in _OFFSETS:
        if not leftwards:
            yield radius + 2, dy, "left"
        yield -radius - 2, dy, "right"


def _radius(point: Point) -> float:
    return 5.0 if point.size is None else 2.5 + 8.5 * math.sqrt(point.size)


def _around(centre: tuple[float, float], radius: float) -> _Rectangle:
    x, y = centre
    return x - radius, y - radius, x + radius, y + radius


def _label_box(centre: tuple[float, float], place: _Place, length: float) -> _Rectangle:
    x, y = centre[0] + place[0], centre[1] + place[1]
    left = x if place[2] == "left" else x - length
    return left, y - 5.0, left + length, y + 5.0


def _overlap(a: _Rectangle, b: _Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
