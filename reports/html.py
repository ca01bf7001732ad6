"""HTML report: one self-contained page with tables that sort and filter, figures, replay and run records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports.document.formats import document_format

if TYPE_CHECKING:
    from evalkit.reports.document.model import Document


@document_format("html", summary="one self-contained page with figures", suffix=".html")
def write_html(document: Document) -> str:
    """Return the page; it fetches nothing, so it can be opened offline and sent as one file."""
    from evalkit.reports.page.render import render_page

    return render_page(document)
