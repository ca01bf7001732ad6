"""Points of scatter plots, and the placement of their labels so that none covers another one or is cut off."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from evalkit.plot.axes import SIZE
from evalkit.plot.tracker_styles import INK, MUTED, TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CHARACTER = 0.59
"""Width of a character of a label, relative to the size of the text."""

_GAPS = (2.0, 14.0, 30.0)
"""Distances between a marker and its label that are tried, in points."""

_FAR = 16.0
"""Height of a label above or below its point from which a thin line connects them, in points."""

_STEP = 4.0
"""Distance of the squares that stand for a line, in points."""

_BESIDE_AXES = 10.0
"""Room to the right of the axes that labels may reach into, in points."""


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


class _Rectangle(NamedTuple):
    """A part of the figure, in points from its lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def shared_area(self, other: _Rectangle) -> float:
        """Return the area of the intersection."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)


class _Place(NamedTuple):
    """Offset of a label from its point, in points, and which end of the label is there."""

    dx: float
    dy: float
    anchor: str

    def box(self, centre: tuple[float, float], length: float, height: float) -> _Rectangle:
        """Return the part of the figure that the label covers."""
        x, y = centre[0] + self.dx, centre[1] + self.dy
        left = x if self.anchor == "left" else x - length
        return _Rectangle(left, y - height / 2, left + length, y + height / 2)

    @property
    def far(self) -> bool:
        """True if a reader would not see which point the label belongs to."""
        return abs(self.dy) > _FAR or abs(self.dx) > _GAPS[1] + 4


def marker_radius(point: Point) -> float:
    """Return the radius of the marker of a point, in points."""
    return 5.0 if point.size is None else 2.5 + 8.5 * math.sqrt(point.size)


def draw_labels(
    axes: Axes, points: Sequence[Point], *, size: float = SIZE, line: Sequence[tuple[float, float]] = ()
) -> None:
    """Draw each label next to its point, where it covers no other label, no marker and, if possible, no interval.

    Args:
        axes: Axes in their final size and with their final limits.
        points: The points, already drawn.
        size: Size of the labels, in points.
        line: Corners of a line that labels should not cover either.
    """
    scale = 72 / axes.figure.dpi
    frame = _Rectangle(*(scale * value for value in axes.bbox.extents))
    centres = [_centre(axes, point.x, point.y) for point in points]
    taken = [_around(centre, marker_radius(point)) for centre, point in zip(centres, points, strict=True)]
    taken += [interval for point in points if (interval := _interval(axes, point)) is not None]
    taken += _along_line([_centre(axes, x, y) for x, y in line])
    for number, (centre, point) in enumerate(zip(centres, points, strict=True)):
        text = shortened(point.label, 24)
        length, height = _CHARACTER * size * len(text), size + 1.0
        place = _best_place(centre, marker_radius(point), (length, height), frame, taken)
        taken.append(place.box(centre, length, height))
        _draw_label(axes, point, text, place, number, size)


def _draw_label(axes: Axes, point: Point, text: str, place: _Place, number: int, size: float) -> None:
    name = TrackerStyle(point.index).name
    line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 0.0, "shrinkB": 0.0} if place.far else None
    label = axes.annotate(
        text, (point.x, point.y), xytext=(place.dx, place.dy), textcoords="offset points", fontsize=size, color=INK,
        va="center", ha=place.anchor, gid=f"{name}--n{number}", annotation_clip=False, arrowprops=line,
    )  # fmt: skip
    if label.arrow_patch is not None:
        label.arrow_patch.set_gid(f"{name}--l{number}")


def _centre(axes: Axes, x: float, y: float) -> tuple[float, float]:
    scale = 72 / axes.figure.dpi
    left, bottom = axes.transData.transform((x, y))
    return float(left * scale), float(bottom * scale)


def _around(centre: tuple[float, float], radius: float) -> _Rectangle:
    x, y = centre
    return _Rectangle(x - radius, y - radius, x + radius, y + radius)


def _interval(axes: Axes, point: Point) -> _Rectangle | None:
    """Return the part of the figure that the confidence interval of a point covers; None if it has none."""
    if point.low is None or point.high is None:
        return None
    x, bottom = _centre(axes, point.x, point.low)
    _, top = _centre(axes, point.x, point.high)
    return _Rectangle(x - 1.0, bottom, x + 1.0, top)


def _along_line(corners: Sequence[tuple[float, float]]) -> list[_Rectangle]:
    """Return small squares along a line, one every few points."""
    squares: list[_Rectangle] = []
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        steps = max(1, round(math.hypot(x1 - x0, y1 - y0) / _STEP))
        squares += [
            _around((x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps), 1.0) for step in range(steps + 1)
        ]
    return squares


def _best_place(
    centre: tuple[float, float],
    radius: float,
    extent: tuple[float, float],
    frame: _Rectangle,
    taken: Sequence[_Rectangle],
) -> _Place:
    """Return the first place where a label covers nothing, or else the one where it covers least.

    Args:
        centre: The point.
        radius: Radius of its marker.
        extent: Width and height of the label.
        frame: The axes, which no label may leave.
        taken: What must not be covered.
    """

    def covered(place: _Place) -> float:
        box = place.box(centre, *extent)
        inside = _Rectangle(frame.left, frame.bottom, frame.right + _BESIDE_AXES, frame.top)
        outside = extent[0] * extent[1] - box.shared_area(inside)
        return 10.0 * max(outside, 0.0) + sum(box.shared_area(other) for other in taken)

    best, least = _Place(radius + _GAPS[0], 6.0, "left"), math.inf
    for place in _places(radius, frame.top - frame.bottom):
        area = covered(place)
        if area < least - 1e-9:
            best, least = place, area
        if least <= 1e-9:
            break
    return best


def _places(radius: float, reach: float) -> Iterator[_Place]:
    """Yield places of a label, the preferred ones first: close to the point, then further and further from it."""
    for gap in _GAPS:
        for step in range(1, round(reach / 12) + 1):
            for dy in (6.0 * step, -6.0 * step):
                yield _Place(radius + gap, dy, "left")
                yield _Place(-radius - gap, dy, "right")
