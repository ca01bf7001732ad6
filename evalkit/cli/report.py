"""``evalkit report``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import click

from evalkit.cli import options
from evalkit.cli.command import command
from evalkit.cli.notes import print_notes
from evalkit.cli.notes import verbose as verbose_option


@command(name="report")
@options.datasets
@click.option(
    "--output",
    type=options.FILE,
    metavar="FILE.{html,pdf,md,tex,csv,xlsx,json}",
    help="File to write; its suffix selects the format.",
)
@click.option(
    "--figures",
    type=options.FOLDER,
    metavar="DIR",
    help="Folder to write every figure to, one file each, for a paper.",
)
@click.option(
    "--figure-format",
    "figure_formats",
    type=click.Choice(("pdf", "svg", "png", "pgf")),
    multiple=True,
    default=("pdf",),
    show_default="pdf",
    help="With --figures: format of the files; repeatable. pgf needs LaTeX.",
)
@click.option(
    "--figure-width",
    default="column",
    show_default=True,
    metavar="W",
    help="With --figures: column (229 pt), page (469 pt), or a number of points.",
)
@options.names(
    "--metrics",
    help="Write one table of these metrics, grouped by benchmark, instead of a whole report; repeatable; "
    "also macs, parameters, fps, latency_p50. Trackers are in the order of --tracker, or best first.",
)
@click.option("--percent", is_flag=True, help="With --metrics: show fractions as percentages.")
@options.no_intervals
@options.labels
@options.profiles
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
    help="Show the published numbers of tracker NAME, and its costs, next to the results with this label; repeatable.",
)
@options.names("--replay", help="Sequences to show frame by frame; repeatable; their frames are needed.")
@click.option(
    "--page-size",
    type=options.Number(min=0.1),
    metavar="MB",
    help="With --output FILE.html: size of the page, at most; frames that do not fit are left out.  [default: 5]",
)
@click.option(
    "--search",
    "searches",
    type=options.FOLDER,
    multiple=True,
    metavar="DIR",
    help="Folder of a finished `evalkit search` to show; repeatable. Where there are no results, the report shows "
    "searches alone.",
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
@verbose_option
def report_command(
    datasets: tuple[str, ...],
    output: Path | None,
    figures: Path | None,
    figure_formats: tuple[str, ...],
    figure_width: str,
    metrics: list[str] | None,
    percent: bool,
    no_intervals: bool,
    page_size: float | None,
    names: tuple[tuple[str, str], ...],
    replay: list[str] | None,
    verbose: bool,
    searches: tuple[Path, ...],
    **chosen: Any,
) -> None:
    """Write a comparison report (HTML, PDF, Markdown, LaTeX, CSV, XLSX, JSON), its figures for a paper, or both.

    Result files and annotations are enough; frames are needed for --replay only, torch is not needed. A tracker
    without results is shown with its published numbers.

    \b
    Examples:
      evalkit report --output report.html
      evalkit report --tracker lighttrack-m --tracker ocean --dataset otb100 --dataset vot2018 --output paper.tex
      evalkit report --dataset otb100 --replay David,Couple --output report.html
      evalkit report --dataset otb100 --dataset lasot --metrics auc,precision --percent --output table.tex
      evalkit report --dataset lasot --figures figures/ --figure-format pdf --figure-format pgf

    Writes: the file named by --output, and one file per figure in the folder named by --figures.
    """
    from evalkit.engine.threads import thread_environment

    os.environ.update(thread_environment(1))  # NumPy's products are small here: more threads would only wait for them
    from evalkit.cli.progress import working

    _check_options(output, figures, metrics, table_options=percent or no_intervals)
    with working("loading"):
        from evalkit import api
        from evalkit.comparison import Comparison

        if output is not None:
            api.check_report(output)
        if searches and not datasets and not chosen["trackers"] and _is_empty(chosen["results"]):
            compared = Comparison(())
        else:
            compared = api.compare(
                datasets=datasets or None,
                names=dict(names),
                replay=replay or (),
                **options.or_none(chosen, "trackers", "profiles"),
            )
        compared = api.add_searches(compared, searches)
        if output is not None:
            order: Literal["given", "best"] = "given" if chosen["trackers"] else "best"
            api.report(
                compared, output, metrics=metrics, percent=percent, intervals=not no_intervals, order=order,
                page_megabytes=page_size,
            )  # fmt: skip
        written = [output] if output is not None else []
        if figures is not None:
            written += api.report_figures(compared, figures, formats=figure_formats, width=figure_width)
    print_notes(compared.notices, every=verbose, prefix="", err=True)
    for path in written:
        click.echo(str(path))


def _is_empty(folder: Path) -> bool:
    return not folder.is_dir() or not any(folder.iterdir())


def _check_options(
    output: Path | None, figures: Path | None, metrics: list[str] | None, *, table_options: bool
) -> None:
    if output is None and figures is None:
        raise click.UsageError("Give --output FILE, --figures DIR, or both.")
    if metrics is None and table_options:
        raise click.UsageError("--percent and --no-intervals choose the content of a table: give --metrics A,B, too.")
