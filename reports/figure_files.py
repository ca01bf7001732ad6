"""Figures of a report as separate files for a paper: PDF, SVG, PNG or PGF, in the width of a column or a page."""

from __future__ import annotations

import io
import math
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.reports.document.escaping import latex
from evalkit.reports.figures.theme import WIDTHS, FigureStyle, paper_style, theme

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Drawing

    from evalkit.comparison import Comparison
    from evalkit.reports.document.model import Figure

FORMATS = ("pdf", "svg", "png", "pgf")
"""Formats of figure files."""

_DOTS_PER_INCH = 300
_NARROWEST, _WIDEST = 150, 1500
_METADATA: Mapping[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
"""By format, metadata without dates and versions, so that the same results give the same bytes."""


@registry.report("figures", summary="every figure as PDF, SVG, PNG or PGF file for a paper")
def write_figures(
    comparison: Comparison, formats: Sequence[str] = ("pdf",), width: str | float = "column"
) -> dict[str, bytes]:
    """Return the content of every figure file, by its name.

    Args:
        comparison: What the figures are about.
        formats: Some of ``FORMATS``.
        width: A name in ``WIDTHS``, or a number of points.

    Raises:
        EvalkitError: LaTeX, which PGF needs, is not installed or cannot set a text; there is no such format or width.
    """
    from evalkit.reports.document.build import build_report

    for name in formats:
        if name not in FORMATS:
            raise EvalkitError("unsupported figure format", found=name, expected=", ".join(FORMATS))
    style = paper_style(width_in_points(width))
    figures = build_report(comparison).figures()
    names = [_file_name(figure.key) for figure in figures]
    return {
        f"{name}.{suffix}": _file(figure, suffix, style)
        for name, figure in zip(names, figures, strict=True)
        for suffix in formats
    }


def width_in_points(width: str | float) -> float:
    """Return the width of a figure in points.

    Args:
        width: ``column``, ``page``, or a number of points, also as text.

    Raises:
        EvalkitError: It is none of these, or too small or large to draw in.
    """
    try:
        points = WIDTHS[width] if isinstance(width, str) and width in WIDTHS else float(width)
    except ValueError:
        points = math.nan
    if not _NARROWEST <= points <= _WIDEST:
        raise EvalkitError(
            "invalid width of figures", where="--figure-width", found=width,
            expected=f"{', '.join(WIDTHS)}, or points between {_NARROWEST} and {_WIDEST}",
        )  # fmt: skip
    return points


def _file_name(key: str) -> str:
    """Return a name that every file system accepts; keys contain names of datasets."""
    return re.sub(r"[^\w.-]+", "-", key).strip("-.") or "figure"


def _file(figure: Figure, suffix: str, style: FigureStyle) -> bytes:
    stream = io.BytesIO()
    with theme(style):
        drawing = figure.draw(style)
        if suffix == "pgf":
            return _pgf(drawing)
        drawing.savefig(stream, format=suffix, metadata=_METADATA[suffix], dpi=_DOTS_PER_INCH)
    return stream.getvalue()


def _pgf(drawing: Drawing) -> bytes:
    """Return drawing commands for LaTeX, which sets the text in the font of the document."""
    import matplotlib as mpl

    settings: Any = {"pgf.texsystem": _tex_system(), "pgf.rcfonts": False, "axes.unicode_minus": False}
    stream = io.BytesIO()
    with mpl.rc_context(settings):
        _escape_texts(drawing)
        try:
            drawing.savefig(stream, format="pgf")
        except Exception as error:
            raise EvalkitError(
                f"LaTeX cannot set the text of a figure: {type(error).__name__}", where="--figure-format pgf",
                hint="Use pdf instead; names of trackers may contain characters that LaTeX does not know",
            ) from error  # fmt: skip
    return stream.getvalue()


def _tex_system() -> str:
    """Return a LaTeX program that measures text.

    Raises:
        EvalkitError: None is installed.
    """
    found = next((name for name in ("pdflatex", "xelatex", "lualatex") if shutil.which(name)), None)
    if found is None:
        raise EvalkitError(
            "PGF figures need LaTeX, which measures their text", where="--figure-format pgf",
            hint="Install it (Debian: texlive-latex-recommended, texlive-pictures), or use pdf",
        )  # fmt: skip
    return found


def _escape_texts(drawing: Drawing) -> None:
    """Escape all texts of a figure for LaTeX."""
    from matplotlib.text import Text

    for axis in (axis for axes in drawing.axes for axis in (axes.xaxis, axes.yaxis)):
        _escape_labels(axis)
    for text in drawing.findobj(Text):
        if isinstance(text, Text):
            text.set_text(latex(text.get_text()))


def _escape_labels(axis: Axis) -> None:
    """Escape the labels of an axis whose labels are texts; numbers need no escape."""
    from matplotlib.ticker import FuncFormatter

    formatter = axis.get_major_formatter()
    if isinstance(formatter, FuncFormatter):
        axis.set_major_formatter(FuncFormatter(lambda value, place: latex(formatter(value, place))))
