"""Axes that several plots share: a logarithmic one in plain numbers, and one row for each label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 9.0
"""Size of text in plots, in points, where the caller does not choose another one."""


def set_logarithmic(axes: Axes, low: float, high: float, *, size: float = SIZE) -> None:
    """Make the horizontal axis logarithmic from low to high, labelled in plain numbers.

    A label that would be cut off at the right end of the axis is left out.

    Args:
        axes: The axes.
        low, high: Ends of the axis.
        size: Size of its labels, in points.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(low, high)
    width = axes.get_window_extent().width * 72 / axes.figure.dpi

    def label(value: float, _: int | None = None) -> str:
        text = f"{value:,g}" if value < 1e6 else f"{value:g}"
        room = width * math.log(high / value) / math.log(high / low) if value > 0 else 0.0
        return text if 0.3 * size * len(text) <= room + _ROOM else ""

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 60 * low else (1.0,), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(label))
    axes.xaxis.set_minor_locator(NullLocator())


_ROOM = 10.0
"""Room to the right of the axes that a label may reach into, in points."""


def set_row_labels(axes: Axes, labels: Sequence[str]) -> None:
    """Label one row of the vertical axis each, the first at the top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def plain_text(text: str) -> str:
    """Return a label that a legend shows as it is: a dollar sign starts no formula, an underscore hides nothing."""
    escaped = text.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def text_size(ax: Axes) -> float:
    """Return a size of text, in points, that is a little smaller than that of the labels of the axes."""
    return 0.9 * float(ax.xaxis.label.get_fontsize())
