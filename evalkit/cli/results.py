"""``evalkit results``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import completers, options
from evalkit.cli.command import Group
from evalkit.cli.notes import print_notes
from evalkit.cli.notes import verbose as verbose_option


@click.group(name="results", cls=Group)
def results_command() -> None:
    """List raw results that authors published, and fetch them."""


@results_command.command(name="list")
@options.datasets
@options.text_format
def list_(datasets: tuple[str, ...], text_format: str) -> None:
    """List published raw results: tracker, dataset, number and size of the files, source and licence as stated there.

    \b
    Examples:
      evalkit results list
      evalkit results list --dataset uav123 --format json
    """
    from evalkit import api

    rows = api.list_results(datasets or None)
    click.echo(api.render("json", rows=rows) if text_format == "json" else _table(rows))


@results_command.command(name="fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completers.published_results)
@click.option("--name", "label", metavar="LABEL", help="Label of the results, for one NAME.  [default: the tracker]")
@options.data
@options.results
@verbose_option
def fetch(names: tuple[str, ...], label: str | None, data: Path | None, results: Path, verbose: bool) -> None:
    """Download published raw results, verify every file, and import them into the results folder.

    The files remain in the cache, so that an interrupted download continues with those that are missing. The dataset's
    annotations are needed, its frames are not.

    \b
    Examples:
      evalkit results fetch uav123/arcf uav123/autotrack --data UAV123
      evalkit results fetch nfs30/dimp50 && evalkit score --dataset nfs30

    Writes: <results>/<BENCHMARK>/<LABEL>/, <cache>/results/ ($EVALKIT_CACHE names another cache).
    """
    from evalkit.cli.progress import show_files, working

    if label is not None and len(names) > 1:
        raise click.UsageError("--name is the label of one NAME; several were given.")
    for name in names:
        with working(f"{name}: connecting") as display:
            from evalkit import api

            imported = api.fetch_results(
                name, data=data, results=results, label=label, progress=show_files(display, name)
            )
        print_notes(imported.notes, every=verbose)
        total = len(imported.sequences) + len(imported.missing)
        click.echo(f"{name}: {imported.folder}: {len(imported.sequences)} of {total} sequences")


def _table(rows: list[dict[str, object]]) -> str:
    lines = []
    for row in rows:
        size = f"{row['files']:,} files, {int(str(row['bytes'])) / 1e6:.1f} MB"
        lines.append(
            f"{row['name']}\n  {size}, layout {row['layout']}\n  {row['page']} {row['path']}\n  {row['licence']}"
        )
        lines += [f"  {row['note']}"] if row["note"] else []
    return "\n".join(lines)
