"""PDF report: the page printed by a headless browser if there is one, else tables and figures drawn by matplotlib."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.reports.document.formats import document_format

if TYPE_CHECKING:
    from evalkit.reports.document.model import Document

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
"""Names of programs that can print a page, in order of preference."""

_TIMEOUT_SECONDS = 120


@document_format("pdf", summary="the page as PDF", suffix=".pdf")
def write_pdf(document: Document) -> bytes:
    """Return the report as PDF, by the browser that ``find_browser`` finds, else by matplotlib.

    Raises:
        EvalkitError: The browser does not start, or prints nothing.
    """
    browser = find_browser()
    return draw_pdf(document) if browser is None else print_pdf(document, browser)


def find_browser() -> str | None:
    """Return the browser that prints pages: ``$EVALKIT_BROWSER``, else one on the path; None if there is none.

    An empty ``$EVALKIT_BROWSER`` means none.
    """
    chosen = os.environ.get("EVALKIT_BROWSER")
    if chosen is not None:
        return chosen or None
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def print_pdf(document: Document, browser: str) -> bytes:
    """Return the HTML page as a browser prints it.

    Raises:
        EvalkitError: The browser does not start, or prints nothing.
    """
    from evalkit.reports.page.render import render_page

    with temporary_folder() as folder:
        source, target = folder / "report.html", folder / "report.pdf"
        source.write_text(render_page(document), encoding="utf-8")
        command = [browser, *_options(folder), f"--print-to-pdf={target}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=_TIMEOUT_SECONDS)  # noqa: S603 - the user's
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise EvalkitError(
                f"this browser cannot print the report: {type(error).__name__}", where=browser,
                hint="Set EVALKIT_BROWSER to another one, or to nothing to draw without a browser",
            ) from error  # fmt: skip


def _options(folder: Path) -> list[str]:
    options = [
        "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile",
    ]  # fmt: skip
    # Browsers refuse to build their sandbox for the superuser, which most containers run as.
    return [*options, "--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else options


def draw_pdf(document: Document) -> bytes:
    """Return tables and figures on A4 pages, drawn by matplotlib; the same document gives the same bytes."""
    from evalkit.reports.figures.pdf_pages import pdf_pages

    return pdf_pages(document)
