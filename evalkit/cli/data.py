"""``evalkit data``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import completers, options

LAYOUTS = ("otb", "vot", "vot-multistart", "vot-longterm", "got10k", "trackingnet", "lasot", "lasot-ext")


@click.group(name="data")
def command() -> None:
    """Check a benchmark's files, or render one."""


@command.command(name="check")
@click.argument("dataset", shell_complete=completers.datasets)
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


@command.command(name="render")
@click.option("--layout", required=True, metavar="L", help=f"One of {', '.join(LAYOUTS)}.")
@click.option("--output", required=True, type=options.FOLDER, metavar="DIR", help="A new or empty folder.")
@click.option(
    "--seed", type=options.Whole(0), default=0, show_default=True, metavar="S", help="Another seed, other scenes."
)
@click.option("--sequences", type=options.Commas(), metavar="A,B", help="Names of scenes.  [default: all twelve]")
def render(layout: str, output: Path, seed: int, sequences: list[str] | None) -> None:
    """Write the rendered benchmark as files, in another benchmark's own layout.

    \b
    Examples:
      evalkit data render --layout otb --output /tmp/OTB
      evalkit data render --layout got10k --output /tmp/GOT-10k --sequences scale,blur

    Writes: the folder that --data is to name afterwards.
    """
    from evalkit import api

    names = api.render_data(layout, output, seed=seed, sequences=sequences)
    click.echo(f"wrote {len(names)} sequence{'s' if len(names) != 1 else ''} to {output}")


def _line(record: dict[str, str | None]) -> str:
    numbers = [f"{label} {record[label]}" for label in ("found", "expected") if record[label] is not None]
    details = f" ({', '.join(numbers)})" if numbers else ""
    place = record["sequence"] if record["kind"] == "missing" and record["what"] == "the sequence is not here" else None
    return f"{record['kind']:<11}  {place or record['where']}: {record['what']}{details}"
