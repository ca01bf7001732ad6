"""``evalkit report``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from evalkit.cli import completers, options


@click.command(name="report")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", shell_complete=completers.datasets,
              help="A registered name (`evalkit list datasets`); repeatable.  "
                   "[default: the only one with results]")  # fmt: skip
@click.option("--output", type=options.FILE, required=True, metavar="FILE.{html,pdf,md,tex,csv,xlsx,json}",
              help="The suffix says what kind of report it is.")  # fmt: skip
@click.option("--tracker", "trackers", multiple=True, metavar="LABEL", shell_complete=completers.labels,
              help="Label of the results, or the name of a tracker with published numbers only; repeatable.  "
                   "[default: all that have results]")  # fmt: skip
@click.option("--profile", "profiles", multiple=True, metavar="P", shell_complete=completers.profiles,
              help="Metric profile; repeatable.  [default: each benchmark's own]")  # fmt: skip
@click.option("--costs", type=options.FILE, multiple=True, metavar="FILE",
              help="JSON of `evalkit profile`: MACs, parameters, latency; repeatable.")  # fmt: skip
@click.option("--published", type=options.Setting(), multiple=True, metavar="LABEL=NAME",
              help="Whose published numbers stand beside a label that is no tracker's name; repeatable.")  # fmt: skip
@click.option("--replay", type=options.Commas(), default=[], help="Sequences to show frame by frame; needs frames.")
@click.option("--jobs", type=options.Whole(1), default=lambda: os.cpu_count() or 1, show_default="cores", metavar="N",
              help="Processes to read and score with.")  # fmt: skip
@click.option(
    "--allow-partial", is_flag=True, help="Leave out sequences without a readable result; every score says n of N."
)
@click.option(
    "--protocol", metavar="P", shell_complete=completers.protocols,
    help="Protocol of the results.  [default: each benchmark's own]",
)  # fmt: skip
@options.labels
@options.data
@options.results
def command(
    datasets: tuple[str, ...],
    output: Path,
    trackers: tuple[str, ...],
    profiles: tuple[str, ...],
    costs: tuple[Path, ...],
    published: tuple[tuple[str, str], ...],
    replay: list[str],
    jobs: int,
    allow_partial: bool,
    protocol: str | None,
    sequences: tuple[list[str], ...],
    exclude: tuple[str, ...],
    data: Path | None,
    results: Path,
) -> None:
    """Write a comparison report: HTML, PDF, Markdown, LaTeX, CSV, XLSX.

    Result files and annotations are enough; neither frames (but for --replay) nor torch are needed.

    \b
    Examples:
      evalkit report --output report.html
      evalkit report --tracker lighttrack-m --tracker ocean --dataset otb100 --dataset vot2018 --output paper.tex
      evalkit report --dataset otb100 --replay David,Couple --output report.html

    Writes: the one file named by --output.
    """
    from evalkit import api

    api.check_report(output)
    gathered = api.compare(
        trackers or None,
        datasets or None,
        data=data,
        results=results,
        exclude=exclude,
        profiles=profiles or None,
        protocol=protocol,
        sequences=[name for part in sequences for name in part] or None,
        costs=costs,
        allow_partial=allow_partial,
        replay=replay,
        names=dict(published),
        jobs=jobs,
    )
    api.report(gathered, output)
    for notice in gathered.notices:
        click.echo(notice, err=True)
    click.echo(str(output))
