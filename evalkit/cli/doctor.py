"""``evalkit doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli import options
from evalkit.cli.command import command

if TYPE_CHECKING:
    from evalkit.doctor import DoctorFinding

_MARKS = {"ok": "ok", "absent": "--", "problem": "!!"}


@command(name="doctor")
@options.data
@options.results
@options.text_format
def doctor_command(data: Path | None, results: Path, text_format: str) -> int:
    """Check this installation and print how to fix it.

    `--` marks what is optional, `!!` what has to be fixed; then the exit code is 1.

    \b
    Examples:
      evalkit doctor
      evalkit doctor --data /data/tracking --format json
    """
    from evalkit.cli.progress import working

    with working("loading"):
        from evalkit import api

        findings = api.examine(data, results)
    if text_format == "json":
        click.echo(api.render("json", rows=[finding.record() for finding in findings]))
    else:
        for line in _lines(findings):
            click.echo(line)
    return 1 if any(finding.status == "problem" for finding in findings) else 0


def _lines(findings: list[DoctorFinding]) -> Iterator[str]:
    """Yield a line for each finding and one for its remedy; adjacent findings with the same remedy share both."""
    width = max(len(finding.subject) for finding in findings)
    for (status, text, cure), group in groupby(findings, key=lambda one: (one.status, one.text, one.cure)):
        subjects = [finding.subject for finding in group]
        if len(subjects) == 1:
            yield f"{_MARKS[status]}  {subjects[0]:<{width}}  {text}"
        else:
            yield f"{_MARKS[status]}  {f'{len(subjects)} others':<{width}}  {text}: {', '.join(subjects)}"
        if cure:
            yield f"    {'':<{width}}  -> {cure}"
