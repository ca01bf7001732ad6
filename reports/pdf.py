"""The report on paper: printed by a headless browser where there is one, else drawn by matplotlib."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError
from evalkit.reports._comparison.document import Document
from evalkit.types import Cost, Score

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_SECONDS = 120


@registry.report("pdf", summary="the page on paper", suffix=".pdf")
def as_pdf(
    comparison: Comparison | None = None,
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
) -> bytes:
    """By ``$EVALKIT_BROWSER`` (a program, or empty for none), else by a browser on the path, else by matplotlib."""
    from evalkit.reports._comparison.compose import compose
    from evalkit.reports._comparison.plain import compose_scores

    document = compose_scores(scores, costs, notices) if comparison is None else compose(comparison)
    browser = find_browser()
    return drawn(document) if browser is None else printed(document, browser)


def find_browser() -> str | None:
    """The program that prints pages, or None."""
    chosen = os.environ.get("EVALKIT_BROWSER")
    if chosen is not None:
        return chosen or None
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def printed(document: Document, browser: str) -> bytes:
    """The HTML page as that browser prints it.

    Raises:
        EvalkitError: The browser does not start, or prints nothing.
    """
    from evalkit.reports._html.page import page

    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        source, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_text(page(document), encoding="utf-8")
        command = [browser, *_options(folder), f"--print-to-pdf={target}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603 - the user's browser
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise EvalkitError(
                f"this browser cannot print the report: {type(error).__name__}", where=browser,
                hint="Set EVALKIT_BROWSER to another one, or to nothing to draw without a browser",
            ) from error  # fmt: skip


def _options(folder: str) -> list[str]:
    options = [
        "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile",
    ]  # fmt: skip
    # Browsers refuse to build their sandbox for the superuser, who is who runs in most containers.
    return [*options, "--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else options


def drawn(document: Document) -> bytes:
    """Tables and figures on sheets of A4, the same bytes every time."""
    from evalkit.reports._figures.sheets import sheets

    return sheets(document)
