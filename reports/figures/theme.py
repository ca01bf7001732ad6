"""Shared matplotlib style, axes and legends, independent of the user's settings and screen."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from evalkit.reports.figures.tracker_styles import GRID, INK, MUTED, TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

WIDTH = 380.0
"""Width of a figure in points; on a page it scales with its column."""

LEFT_MARGIN = 46.0
"""Room for the labels of the vertical axis, in points, where a figure does not need more."""

TITLE_HEIGHT = 26.0
"""Room for the title, in points, where a figure does not need more."""

_FOOT, _RIGHT, _LEGEND_ROW = 38.0, 12.0, 15.0
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
def theme() -> Iterator[None]:
    """Apply the style to everything that is drawn and saved inside; the user's own settings come back afterwards."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        # The bundled font only measures text; the page's font draws it, and has characters that the bundled one lacks.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def new_figure(
    title: str,
    *,
    height: float = 262.0,
    legend: int = 0,
    width: float = WIDTH,
    left: float = LEFT_MARGIN,
    head: float = TITLE_HEIGHT,
) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes, a title above them and room for a legend below.

    Args:
        title: Title, aligned with the left end of the axes.
        height: Height of everything but the legend, in points.
        legend: Number of rows of the legend.
        width: Width, in points.
        left: Room for the labels of the vertical axis, in points.
        head: Room for the title, in points.
    """
    from matplotlib.figure import Figure

    total = height + legend * _LEGEND_ROW + (6 if legend else 0)
    figure = Figure(figsize=(width / 72, total / 72))
    foot = total - height + _FOOT
    axes = figure.add_axes(
        (left / width, foot / total, (width - left - _RIGHT) / width, (height - head - _FOOT) / total)
    )
    figure.text(left / width, 1 - 16 / total, title, fontsize=11, fontweight="bold", color=INK)
    axes.grid(visible=True)
    axes.tick_params(length=0, labelsize=9)
    return figure, axes


def set_logarithmic(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic from low to high, labelled in plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 60 * low else (1.0,), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}" if value < 1e6 else f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def set_row_labels(axes: Axes, labels: Sequence[str]) -> None:
    """Label one row of the vertical axis each, the first at the top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def legend_rows(labels: Sequence[str]) -> int:
    """Return the number of rows that ``add_legend`` needs for these labels."""
    return -(-len(labels) // _legend_columns(labels))


def _legend_columns(labels: Sequence[str]) -> int:
    return 1 if any(len(label) > 30 for label in labels) or len(labels) < 3 else 2


def add_legend(
    figure: Figure, entries: Sequence[tuple[TrackerStyle, str]], *, marker: bool = False, solid: bool = False
) -> None:
    """Add a legend below the axes; its parts carry the identifiers of the series that they name.

    Args:
        figure: A figure with room for it, see ``new_figure``.
        entries: Style and label of each tracker.
        marker: Whether to show markers instead of lines.
        solid: Whether the lines are drawn without their dashes.
    """
    labels = [label for _, label in entries]
    handles = [_legend_handle(style, marker=marker, solid=solid) for style, _ in entries]
    drawn = figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0.02, 0.0), ncols=_legend_columns(labels), fontsize=9,
        handlelength=2.6, labelspacing=0.42, columnspacing=1.4, borderaxespad=0.2,
    )  # fmt: skip
    for place, (style, _) in enumerate(entries):
        parts: list[Artist | None] = [drawn.legend_handles[place], drawn.get_texts()[place]]
        for part in filter(None, parts):
            part.set_gid(f"{style.name}--{place}")


def _legend_handle(style: TrackerStyle, *, marker: bool, solid: bool) -> Line2D:
    from matplotlib.lines import Line2D

    if marker:
        return Line2D([], [], color=style.color, linestyle="", marker=style.marker, markersize=6)
    return Line2D([], [], color=style.color, dashes=(not solid and style.dashes) or (None, None))


def legend_label(label: str, value: str) -> str:
    """Return a tracker's label, shortened to fit a legend, with its value."""
    return f"{shortened(label)} [{value}]"
