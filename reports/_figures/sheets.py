"""A report as sheets of A4: tables set in columns, figures as they are."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from evalkit.reports._comparison.document import Document, Table
from evalkit.reports._figures.canvas import settings
from evalkit.reports._figures.style import INK, MUTED

_A4 = (8.27, 11.69)
_LINES = 62
_TOP, _LEFT, _STEP = 0.94, 0.07, 0.0142


def sheets(document: Document) -> bytes:
    """PDF without a date in it."""
    stream = io.BytesIO()
    with (
        settings(),
        PdfPages(stream, metadata={"CreationDate": None, "Producer": None, "Title": document.title}) as pages,
    ):
        for page in _text_pages(document):
            pages.savefig(page)
        for figure in document.figures():
            pages.savefig(figure.draw())
    return stream.getvalue()


def _text_pages(document: Document) -> Iterator[Figure]:
    lines = [document.title, document.subtitle, "", *document.notices, ""]
    for table in document.tables():
        lines += [f"§{table.title}", *_aligned(table), *table.notes, ""]
    wrapped = [part for line in lines for part in (textwrap.wrap(line, 132, drop_whitespace=False) or [""])]
    for start in range(0, len(wrapped), _LINES):
        page = Figure(figsize=_A4)
        for place, line in enumerate(wrapped[start : start + _LINES]):
            head = line.startswith("§")
            page.text(
                _LEFT, _TOP - place * _STEP, line.removeprefix("§"), family="DejaVu Sans Mono", fontsize=6.2,
                color=INK if head or line.strip() else MUTED, fontweight="bold" if head else "normal",
            )  # fmt: skip
        yield page


def _aligned(table: Table) -> list[str]:
    rows = [[column.title for column in table.columns], *([cell.full for cell in row] for row in table.rows)]
    widths = [min(40, max(len(row[place]) for row in rows)) for place in range(len(table.columns))]
    return [
        "  ".join(
            text[:width].rjust(width) if column.numeric else text[:width].ljust(width)
            for text, width, column in zip(row, widths, table.columns, strict=True)
        )
        for row in rows
    ]
