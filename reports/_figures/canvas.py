"""Sheets of one look: where axes stand, how grids and legends are drawn, with nothing left to chance or to screens."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from evalkit.reports._figures.style import GRID, INK, MUTED, Style, shortened

WIDTH = 380.0
"""Of a figure, in points; on a page it scales with its column."""

_HEAD, _FOOT, _LEFT, _RIGHT, _ROW = 26.0, 38.0, 46.0, 12.0, 15.0
_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: a tenth of the size, searchable, read aloud, in the page's own font
    "svg.hashsalt": "evalkit",
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a tracker may be called "$x$"
    "path.simplify": False,  # every point of a curve is drawn
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.7,
    "legend.frameon": False,
}


@contextmanager
def settings() -> Iterator[None]:
    """Settings to draw and save under; the caller's own are untouched."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        # The bundled font only measures; the page's font draws, and has what the bundled one lacks (Chinese, ...).
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def sheet(
    title: str,
    *,
    height: float = 262.0,
    legend: int = 0,
    width: float = WIDTH,
    left: float = _LEFT,
    head: float = _HEAD,
) -> tuple[Figure, Axes]:
    """A figure with one pair of axes, a title at the left, and room for ``legend`` rows below.

    Args:
        height: Of everything but the legend, in points.
        left: Room for the labels of the vertical axis, in points.
        head: Room for the title, in points.
    """
    total = height + legend * _ROW + (6 if legend else 0)
    figure = Figure(figsize=(width / 72, total / 72))
    foot = total - height + _FOOT
    axes = figure.add_axes(
        (left / width, foot / total, (width - left - _RIGHT) / width, (height - head - _FOOT) / total)
    )
    figure.text(left / width, 1 - 16 / total, title, fontsize=11, fontweight="bold", color=INK)
    axes.grid(visible=True)
    axes.tick_params(length=0, labelsize=9)
    return figure, axes


def logarithmic(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic from low to high, labelled in plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 60 * low else (1.0,), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}" if value < 1e6 else f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def legend_columns(labels: Sequence[str]) -> int:
    return 1 if any(len(label) > 30 for label in labels) or len(labels) < 3 else 2


def legend_rows(labels: Sequence[str]) -> int:
    """Rows that ``add_legend`` needs for these labels."""
    columns = legend_columns(labels)
    return -(-len(labels) // columns)


def add_legend(
    figure: Figure, entries: Sequence[tuple[Style, str]], *, marker: bool = False, solid: bool = False
) -> None:
    """Labels under the axes, each with its line or marker; classed like the series it stands for.

    Args:
        solid: The lines are drawn without their dashes.
    """
    labels = [label for _, label in entries]
    handles = [_handle(style, marker=marker, solid=solid) for style, _ in entries]
    drawn = figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0.02, 0.0), ncols=legend_columns(labels), fontsize=9,
        handlelength=2.6, labelspacing=0.42, columnspacing=1.4, borderaxespad=0.2,
    )  # fmt: skip
    for number, ((style, _), handle, text) in enumerate(
        zip(entries, drawn.legend_handles, drawn.get_texts(), strict=True)
    ):
        if handle is not None:
            handle.set_gid(f"{style.name}--{number}")
        text.set_gid(f"{style.name}--{number}")


def _handle(style: Style, *, marker: bool, solid: bool) -> Line2D:
    if marker:
        return Line2D([], [], color=style.color, linestyle="", marker=style.marker, markersize=6)
    return Line2D([], [], color=style.color, dashes=(not solid and style.dashes) or (None, None))


def legend_label(label: str, value: str) -> str:
    return f"{shortened(label)} [{value}]"
