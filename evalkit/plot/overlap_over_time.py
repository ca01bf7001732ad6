"""Overlap over time: one line per tracker, with key frames marked and linked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit.plot.axes import SIZE
from evalkit.plot.tracker_styles import INK, MUTED, TrackerStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_overlaps(
    axes: Axes,
    overlaps: Mapping[int | None, Sequence[float | None]],
    links: Sequence[tuple[int, str]],
    y_label: str,
    *,
    size: float = SIZE,
) -> None:
    """Draw the overlap on every frame; frames are counted from 1.

    Args:
        axes: Axes to draw on.
        overlaps: By index of the tracker, its overlap on each frame; None leaves a gap. The index None stands for a
            line that belongs to no single tracker.
        links: Numbers of key frames, each with the target that a click on its mark leads to.
        y_label: Label of the vertical axis.
        size: Size of text, in points.
    """
    for number, target in links:
        _mark_key_frame(axes, number, target, size - 1.0)
    for index, values in overlaps.items():
        style = TrackerStyle(index)
        heights = [math.nan if value is None else value for value in values]
        axes.plot(range(1, len(values) + 1), heights, color=style.color, linewidth=1.2, gid=f"{style.name}--o")
    axes.set_xlim(1, max(map(len, overlaps.values()), default=2))
    axes.set_ylim(0, 1.0)
    axes.set_xlabel("frame")
    axes.set_ylabel(y_label)


def _mark_key_frame(axes: Axes, number: int, target: str, size: float) -> None:
    axes.plot([number, number], [0, 1.0], color=MUTED, linewidth=0.6, dashes=(2, 2), zorder=1)
    axes.annotate(str(number), (number, 1.03), fontsize=size, color=INK, ha="center", va="bottom", url=target,
                  annotation_clip=False)  # fmt: skip
