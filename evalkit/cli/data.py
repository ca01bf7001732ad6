"""``evalkit data``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import options


@click.group(name="data")
def command() -> None:
    """Check a benchmark's files, or render one."""


@command.command(name="check")
@click.argument("dataset")
@click.option("--deep", is_flag=True, help="Decode every frame; minutes to hours.")
@options.data
@options.form("table", "json")
def check(dataset: str, deep: bool, data: Path | None, form: str) -> int:
    """Name everything of DATASET that is missing, unreadable, mis-sized or mis-counted.

    The exit code is 1 if there is anything.

    \b
    Examples:
      evalkit data check otb100 --data /data/OTB100
      evalkit data check lasot --data /data --deep --format json
    """
    from evalkit import api

    opened, findings = api.check_data(dataset, data=data, deep=deep)
    count = 0
    rows = []
    for finding in findings:
        count += 1
        if form == "json":
            rows.append(finding.record())
        else:
            click.echo(_line(finding.record()))
    if form == "json":
        click.echo(api.render("json", rows=rows))
    else:
        verdict = f"{count} findings" if count != 1 else "1 finding"
        click.echo(f"{opened.name}: {len(opened.sequences)} of {len(opened.expected)} sequences, {verdict}")
    return 1 if count else 0


def _line(record: dict[str, str | None]) -> str:
    numbers = [f"{label} {record[label]}" for label in ("found", "expected") if record[label] is not None]
    details = f" ({', '.join(numbers)})" if numbers else ""
    place = record["sequence"] if record["kind"] == "missing" and record["what"] == "the sequence is not here" else None
    return f"{record['kind']:<11}  {place or record['where']}: {record['what']}{details}"
