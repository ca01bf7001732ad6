"""Bringing the outcome where it is read: the terminal, a file for the server, the job's summary page."""

from __future__ import annotations

import os
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.regression.divergence import Divergence
from evalkit.regression.junit import junit as junit_xml
from evalkit.regression.outcome import Report
from evalkit.regression.writers import as_json, divergence_records, divergence_table, markdown, table


def render_regression(
    report: Report, form: str, *, strict: bool = False, junit: Path | None = None, markdown_file: Path | None = None
) -> str:
    """The outcome as text, and written to the files asked for.

    Args:
        form: ``table`` or ``json``.
        strict: Inconclusive findings are failures in the JUnit file.
        junit: Receives JUnit XML.
        markdown_file: Receives Markdown; without it, what ``$GITHUB_STEP_SUMMARY`` names is added to.

    Raises:
        EvalkitError: A file cannot be written.
    """
    if junit is not None:
        write_text(junit, junit_xml(report, strict=strict))
    if markdown_file is not None:
        write_text(markdown_file, markdown(report))
    elif os.environ.get("GITHUB_STEP_SUMMARY"):
        _append(Path(os.environ["GITHUB_STEP_SUMMARY"]), markdown(report))
    return as_json(report.records()) if form == "json" else table(report)


def render_divergence(found: Divergence, form: str) -> str:
    """Two runs side by side as text, ``table`` or ``json``."""
    return as_json(divergence_records(found)) if form == "json" else divergence_table(found)


def _append(path: Path, text: str) -> None:
    # Other steps of the job write to this page as well.
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise EvalkitError(
            f"cannot add to this file: {error.strerror}", where=path, hint="It is what $GITHUB_STEP_SUMMARY names"
        ) from error
