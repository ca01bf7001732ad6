"""``evalkit report``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from evalkit.cli import completers, options


@click.command(name="report")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME",
    shell_complete=completers.datasets,
    help="A registered name (`evalkit list datasets`) or path/to/file.py:factory; repeatable.  "
    "[default: the only one with results]",
)
@click.option(
    "--output",
    type=options.FILE,
    required=True,
    metavar="FILE.{html,pdf,md,tex,csv,xlsx,json}",
    help="File to write; its suffix selects the format.",
)
@options.labels
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="P",
    shell_complete=completers.profiles,
    help="Metric profile or path/to/file.py:function; repeatable.  [default: each benchmark's own]",
)
@options.protocol
@options.sequences
@click.option(
    "--costs",
    type=options.FILE,
    multiple=True,
    metavar="FILE",
    help="JSON file of `evalkit profile` with MACs, parameters and latency; repeatable.",
)
@click.option(
    "--published",
    "names",
    type=options.Setting(),
    multiple=True,
    metavar="LABEL=NAME",
    help="Show the published numbers of tracker NAME next to the results with this label; repeatable.",
)
@click.option(
    "--replay", type=options.Commas(), default=[], help="Sequences to show frame by frame; their frames are needed."
)
@click.option(
    "--jobs",
    type=options.Whole(1),
    default=lambda: os.cpu_count() or 1,
    show_default="cores",
    metavar="N",
    help="Number of processes that read and score.",
)
@options.allow_partial
@options.data
@options.results
def report_command(datasets: tuple[str, ...], output: Path, names: tuple[tuple[str, str], ...], **chosen: Any) -> None:
    """Write a comparison report: HTML, PDF, Markdown, LaTeX, CSV, XLSX, JSON.

    Result files and annotations are enough; frames are needed for --replay only, torch is not needed. A tracker
    without results is shown with its published numbers.

    \b
    Examples:
      evalkit report --output report.html
      evalkit report --tracker lighttrack-m --tracker ocean --dataset otb100 --dataset vot2018 --output paper.tex
      evalkit report --dataset otb100 --replay David,Couple --output report.html

    Writes: the file named by --output.
    """
    from evalkit import api

    api.check_report(output)
    compared = api.compare(
        datasets=datasets or None, names=dict(names), **options.or_none(chosen, "trackers", "profiles")
    )
    api.report(compared, output)
    for notice in compared.notices:
        click.echo(notice, err=True)
    click.echo(str(output))
