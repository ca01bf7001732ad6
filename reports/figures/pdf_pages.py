"""A report as PDF pages in A4 size: tables as aligned text, figures as they are."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from evalkit.io.text_table import aligned_lines
from evalkit.plot.tracker_styles import INK
from evalkit.reports.document.model import Document, Table
from evalkit.reports.figures.theme import PAGE, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_A4 = (8.27, 11.69)
"""Width and height in inches."""

_LINES = 62
"""Lines of text on a page."""

_CHARACTERS = 132
"""Characters in a line."""

_CELL_WIDTH = 40
"""Characters of a table's cell, beyond which it is cut off."""

_TOP, _LEFT, _STEP = 0.94, 0.07, 0.0142


class _Line(NamedTuple):
    """A line of text on a page."""

    text: str
    bold: bool = False


def pdf_pages(document: Document) -> bytes:
    """Draw all tables and figures as a PDF that contains no date, so that the same document gives the same bytes."""
    from matplotlib.backends.backend_pdf import PdfPages

    stream = io.BytesIO()
    metadata = {"CreationDate": None, "Producer": None, "Title": document.title}
    with theme(), PdfPages(stream, metadata=metadata) as pages:
        for page in _text_pages(list(_lines(document))):
            pages.savefig(page)
        for figure in document.figures():
            pages.savefig(figure.draw(PAGE))
    return stream.getvalue()


def _lines(document: Document) -> Iterator[_Line]:
    yield from map(_Line, (document.title, document.subtitle, "", *document.notices, ""))
    for table in document.tables():
        yield _Line(table.title, bold=True)
        yield from map(_Line, (*_table_lines(table), *table.notes, ""))


def _table_lines(table: Table) -> list[str]:
    heads = [column.title for column in table.columns]
    right = {place for place, column in enumerate(table.columns) if column.numeric}
    return aligned_lines(
        [heads, *([cell.full for cell in row] for row in table.rows)], right=right, max_width=_CELL_WIDTH
    )


def _text_pages(lines: Sequence[_Line]) -> Iterator[Figure]:
    from matplotlib.figure import Figure

    wrapped = [_Line(part, line.bold) for line in lines for part in _wrapped(line.text)]
    for start in range(0, len(wrapped), _LINES):
        page = Figure(figsize=_A4)
        for place, line in enumerate(wrapped[start : start + _LINES]):
            page.text(
                _LEFT, _TOP - place * _STEP, line.text, family="DejaVu Sans Mono", fontsize=6.2, color=INK,
                fontweight="bold" if line.bold else "normal",
            )  # fmt: skip
        yield page


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _CHARACTERS, drop_whitespace=False) or [""]
