"""``evalkit doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import options

_MARKS = {"ok": "ok", "absent": "--", "problem": "!!"}


@click.command(name="doctor")
@options.data
@options.results
@options.form("table", "json")
def command(data: Path | None, results: Path, form: str) -> int:
    """Check this installation and say how to mend it.

    `--` marks what evalkit works without; `!!` what has to be mended, and then the exit code is 1.

    \b
    Examples:
      evalkit doctor
      evalkit doctor --data /data/tracking --format json
    """
    from evalkit import api

    findings = api.examine(data, results)
    if form == "json":
        click.echo(api.render("json", rows=[finding.record() for finding in findings]))
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            click.echo(f"{_MARKS[finding.status]}  {finding.subject:<{width}}  {finding.text}")
            if finding.cure:
                click.echo(f"    {'':<{width}}  -> {finding.cure}")
    return 1 if any(finding.status == "problem" for finding in findings) else 0
