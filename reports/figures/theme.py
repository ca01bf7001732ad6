"""Shared matplotlib style, axes and legends, independent of the user's settings and screen."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.plot.axes import SIZE
from evalkit.plot.tracker_styles import GRID, INK, MUTED, TrackerStyle

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

LEFT_MARGIN = 46.0
"""Room for the labels of the vertical axis on a page, in points, where a figure does not need more."""

TITLE_HEIGHT = 26.0
"""Room for the title on a page, in points."""

_FOOT, _RIGHT, _LEGEND_ROW = 38.0, 12.0, 13.0

_HANDLE, _GAP, _CHARACTER = 3.4, 1.4, 0.58
"""Width of a line and of the gap after a column of a legend, and mean width of a character, relative to the size."""


@dataclass(frozen=True)
class FigureStyle:
    """Sizes of a figure in points, and whether it has a title.

    Attributes:
        width: Width of a figure.
        wide: Width of a figure that takes the whole width of a page.
        size: Size of numbers, legends and labels of trackers.
        label_size: Size of the labels of axes.
        title: Size of the title; None for no title, as where a caption takes its place.
        families: Families of fonts, the preferred one first.
    """

    width: float = 380.0
    wide: float = 760.0
    size: float = SIZE
    label_size: float = SIZE + 0.5
    title: float | None = 11.0
    families: tuple[str, ...] = ("DejaVu Sans",)

    @property
    def scale(self) -> float:
        """Factor by which margins and rows differ from those of a page."""
        return self.size / SIZE

    @property
    def plot_scale(self) -> float:
        """Factor by which the height of a plot differs from that on a page."""
        return min(1.0, max(0.7, self.width / PAGE_WIDTH))

    @property
    def title_height(self) -> float:
        """Room for the title."""
        return TITLE_HEIGHT if self.title is not None else 7.0


PAGE_WIDTH = 380.0
"""Width of a figure on a page in points; it scales with its column."""

PAGE = FigureStyle()
"""Figures of the HTML page."""

WIDTHS = {"column": 229.0, "page": 469.0}
"""Widths of a column and of a page of two columns, in points; they fit the classes of all common journals."""


def paper_style(width: float) -> FigureStyle:
    """Return the style of figures for a paper: small print in Times, no title, all of the same width.

    Args:
        width: Width in points.
    """
    return FigureStyle(width, width, size=8.0, label_size=8.0, title=None, families=("STIXGeneral", "DejaVu Sans"))


_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: a tenth of the size, searchable, read aloud, in the page's own font
    "svg.hashsalt": "evalkit",
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a tracker may be called "$x$"
    "path.simplify": False,  # every point of a curve is drawn
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
    "legend.frameon": False,
}


@contextmanager
def theme(style: FigureStyle = PAGE) -> Iterator[None]:
    """Apply the style to everything that is drawn and saved inside; the user's own settings come back afterwards."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        fonts: Any = {"font.family": list(style.families), "font.size": style.label_size}
        lines: Any = {"lines.linewidth": 1.7 if style.title is not None else 1.2}
        matplotlib.rcParams.update({**_SETTINGS, **fonts, **lines})
        # The bundled font only measures text; the page's font draws it, and has characters that the bundled one lacks.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def new_figure(
    title: str,
    style: FigureStyle,
    *,
    height: float = 198.0,
    rows: bool = False,
    wide: bool = False,
    legend: Sequence[str] = (),
    left: float = LEFT_MARGIN,
    above: float = 0.0,
) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes, a title above them and room for a legend below.

    Heights and widths are those of a page, which the style scales.

    Args:
        title: Title, aligned with the left end of the axes.
        style: Sizes.
        height: Height of the axes, in points.
        rows: Whether the height is that of rows of text, which scale with the size of text.
        wide: Whether the figure takes the whole width of a page.
        legend: Labels of the legend that ``add_legend`` adds.
        left: Room for the labels of the vertical axis, in points.
        above: Room between title and axes, in points.
    """
    from matplotlib.figure import Figure

    scale, width = style.scale, style.wide if wide else style.width
    entries = _legend_rows(legend, style, width) if legend else 0
    below = (entries * _LEGEND_ROW + (6 if entries else 0)) * scale
    plot = height * (scale if rows else style.plot_scale)
    foot, head = below + _FOOT * scale, style.title_height + above * scale
    total, left = foot + plot + head, left * scale
    figure = Figure(figsize=(width / 72, total / 72))
    axes = figure.add_axes((left / width, foot / total, (width - left - _RIGHT) / width, plot / total))
    if style.title is not None:
        figure.text(left / width, 1 - 16 / total, title, fontsize=style.title, fontweight="bold", color=INK)
    axes.grid(visible=True)
    axes.tick_params(length=0, labelsize=style.size)
    return figure, axes


def _legend_rows(labels: Sequence[str], style: FigureStyle, width: float) -> int:
    """Return the number of rows of a legend with these labels."""
    return -(-len(labels) // _legend_columns(labels, style, width))


def _legend_columns(labels: Sequence[str], style: FigureStyle, width: float) -> int:
    """Return the largest number of columns that fit; entries fill one column after the other."""
    return next((count for count in range(6, 1, -1) if _legend_width(labels, count, style) <= width - 12), 1)


def _legend_width(labels: Sequence[str], count: int, style: FigureStyle) -> float:
    """Return the width of a legend with a number of columns, in points; infinite if it has fewer entries."""
    if count > len(labels):
        return math.inf
    rows, longer = divmod(len(labels), count)
    lengths, start = [], 0
    for place in range(count):
        end = start + rows + (place < longer)
        lengths.append(max(map(len, labels[start:end])))
        start = end
    character = _CHARACTER if style.title is not None else _CHARACTER - 0.08  # Times is narrower
    return style.size * (sum(character * length + _HANDLE for length in lengths) + _GAP * (count - 1))


def add_legend(
    figure: Figure,
    entries: Sequence[tuple[TrackerStyle, str]],
    style: FigureStyle,
    *,
    marker: bool = False,
    solid: bool = False,
) -> None:
    """Add a legend below the axes; its parts carry the identifiers of the series that they name.

    Args:
        figure: A figure with room for it, see ``new_figure``.
        entries: Style and label of each tracker.
        style: Sizes.
        marker: Whether to show markers instead of lines.
        solid: Whether the lines are drawn without their dashes.
    """
    labels = [label for _, label in entries]
    handles = [_legend_handle(one, marker=marker, solid=solid) for one, _ in entries]
    drawn = figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0.02, 0.0), fontsize=style.size,
        ncols=_legend_columns(labels, style, figure.get_figwidth() * 72), handlelength=2.6, labelspacing=0.42,
        columnspacing=1.4, borderaxespad=0.2,
    )  # fmt: skip
    for place, (one, _) in enumerate(entries):
        parts: list[Artist | None] = [drawn.legend_handles[place], drawn.get_texts()[place]]
        for part in filter(None, parts):
            part.set_gid(f"{one.name}--{place}")


def _legend_handle(style: TrackerStyle, *, marker: bool, solid: bool) -> Line2D:
    from matplotlib.lines import Line2D

    if marker:
        return Line2D([], [], color=style.color, linestyle="", marker=style.marker, markersize=6)
    return Line2D([], [], color=style.color, dashes=(not solid and style.dashes) or (None, None))
