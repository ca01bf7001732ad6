"""Write the report of the regression gate: as text or JSON, as a JUnit file, and onto the job's summary page."""

from __future__ import annotations

import json
import os
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.regression.findings import RegressionReport
from evalkit.regression.junit import junit_xml
from evalkit.regression.text import markdown_text, terminal_text


def render_regression(
    report: RegressionReport,
    form: str,
    *,
    strict: bool = False,
    junit: Path | None = None,
    markdown_file: Path | None = None,
    width: int | None = None,
) -> str:
    """Return a report as text, and write the files that were asked for.

    Args:
        form: ``table`` or ``json``.
        strict: Inconclusive findings are failures in the JUnit file.
        junit: File for JUnit XML.
        markdown_file: File for Markdown; without it, Markdown is appended to the file that ``$GITHUB_STEP_SUMMARY``
            names, if it is set.
        width: Largest number of characters in a line of the table; None for any number.

    Raises:
        EvalkitError: A file cannot be written.
    """
    if junit is not None:
        write_text(junit, junit_xml(report, strict=strict))
    if markdown_file is not None:
        write_text(markdown_file, markdown_text(report))
    elif os.environ.get("GITHUB_STEP_SUMMARY"):
        _append(Path(os.environ["GITHUB_STEP_SUMMARY"]), markdown_text(report))
    if form == "json":
        content = {"version": 1, "records": report.records()}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return terminal_text(report, width)


def _append(path: Path, text: str) -> None:
    # Other steps of the job write to this page as well.
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise EvalkitError(
            f"cannot append to this file: {error.strerror}", where=path, hint="$GITHUB_STEP_SUMMARY names it"
        ) from error
