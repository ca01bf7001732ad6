"""Overlap over time, one line per tracker, key frames marked and linked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from evalkit.reports._figures.canvas import WIDTH, add_legend, legend_rows, sheet
from evalkit.reports._figures.style import INK, MUTED, Style, shortened


def overlap_strip(
    title: str,
    overlaps: Mapping[int, Sequence[float | None]],
    labels: Mapping[int, str],
    links: Sequence[tuple[int, str]],
) -> Figure:
    """Frames count from 1; a gap where there is no overlap to speak of.

    Args:
        links: Numbers of key frames and where a click on their mark leads.
    """
    entries = [(Style(index), shortened(labels[index])) for index in overlaps]
    figure, axes = sheet(title, height=200, legend=legend_rows([text for _, text in entries]), width=2 * WIDTH, head=40)
    for number, target in links:
        axes.plot([number, number], [0, 1.0], color=MUTED, linewidth=0.6, dashes=(2, 2), zorder=1)
        axes.annotate(str(number), (number, 1.03), fontsize=7.5, color=INK, ha="center", va="bottom", url=target,
                      annotation_clip=False)  # fmt: skip
    for index, values in overlaps.items():
        style = Style(index)
        heights = [math.nan if value is None else value for value in values]
        axes.plot(range(1, len(values) + 1), heights, color=style.color, linewidth=1.2, gid=f"{style.name}--o")
    axes.set_xlim(1, max((len(values) for values in overlaps.values()), default=2))
    axes.set_ylim(0, 1.0)
    axes.set_xlabel("frame")
    axes.set_ylabel("overlap")
    add_legend(figure, entries, solid=True)
    return figure
