"""Values by attribute: one row per attribute, or one spoke of a radar."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from evalkit.plot.axes import SIZE, set_row_labels
from evalkit.plot.tracker_styles import INK, MUTED, TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values: TypeAlias = Mapping[int, Sequence[float | None]]
"""Values of each tracker in the order of the attributes, by index of the tracker; None where there is none."""

_LONG_NAME = 12
"""Number of characters of a name above which the label of a spoke takes several lines."""


def draw_attributes(axes: Axes, names: Sequence[str], values: Values, x_label: str) -> None:
    """Draw one row per attribute with one marker per tracker; a thin line joins the extremes.

    Args:
        axes: Axes to draw on.
        names: Attributes.
        values: By index of the tracker, its values in the order of ``names``.
        x_label: Label of the horizontal axis.
    """
    for place in range(len(names)):
        _draw_range(axes, place, [row[place] for row in values.values()])
    for index, row in values.items():
        style = TrackerStyle(index)
        axes.plot(_numbers(row), range(len(names)), linestyle="", marker=style.marker, color=style.color, markersize=6,
                  gid=f"{style.name}--a")  # fmt: skip
    set_row_labels(axes, names)
    axes.set_xlabel(x_label)


def _draw_range(axes: Axes, place: int, values: Sequence[float | None]) -> None:
    present = [value for value in values if value is not None]
    if present:
        axes.plot([min(present), max(present)], [place, place], color=MUTED, linewidth=0.7, zorder=1)


def draw_radar(axes: Axes, names: Sequence[str], values: Values, *, size: float = SIZE) -> None:
    """Draw one spoke per attribute and one closed line per tracker; the rim is just above the best value.

    Args:
        axes: Polar axes to draw on.
        names: Attributes, at least three.
        values: By index of the tracker, its values in the order of ``names``.
        size: Size of text, in points.
    """
    axes.set_theta_offset(np.pi / 2)  # type: ignore[attr-defined]
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.tick_params(axis="y", labelsize=size - 1.0)
    axes.spines["polar"].set_visible(False)
    angles = np.linspace(0.0, 2.0 * np.pi, len(names), endpoint=False)
    axes.set_xticks(angles, [_in_lines(name) for name in names], fontsize=size, color=INK)
    for angle, label in zip(angles, axes.get_xticklabels(), strict=True):
        label.set_horizontalalignment(_alignment(float(angle)))
    axes.set_rlabel_position(180.0 / len(names))  # type: ignore[attr-defined]
    axes.set_ylim(0.0, max(value for row in values.values() for value in row if value is not None) * 1.05)
    for index, row in values.items():
        style, radii = TrackerStyle(index), _numbers(row)
        axes.plot(np.append(angles, angles[0]), np.append(radii, radii[0]), color=style.color, linewidth=1.4,
                  dashes=style.dashes or (None, None), gid=f"{style.name}--r")  # fmt: skip


def _alignment(angle: float) -> Literal["left", "center", "right"]:
    """Return the alignment of the label of a spoke that keeps it outside the circle.

    Args:
        angle: Angle of the spoke in radians, clockwise from above.
    """
    side = math.sin(angle)
    if abs(side) < 0.3:
        return "center"
    return "left" if side > 0 else "right"


def _in_lines(name: str) -> str:
    """Return a long name in several lines, broken after underscores, spaces and hyphens.

    >>> _in_lines("SV"), _in_lines("camera_motion")
    ('SV', 'camera_\\nmotion')
    """
    if len(name) <= _LONG_NAME:
        return name
    lines = [""]
    for word in re.findall(r"[^_ -]+[_ -]*|[_ -]+", name):
        if lines[-1] and len(lines[-1] + word.rstrip()) > _LONG_NAME:
            lines.append("")
        lines[-1] += word
    return "\n".join(shortened(line.rstrip(), _LONG_NAME) for line in lines)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
