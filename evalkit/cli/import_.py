"""``evalkit import``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import options
from evalkit.cli.command import command
from evalkit.cli.notes import print_notes
from evalkit.cli.notes import verbose as verbose_option


@command(name="import")
@click.argument("source", type=click.Path(path_type=Path), metavar="DIR")
@options.layout("--layout", help="Result layout of DIR, or the toolkit that wrote it: got10k or pysot.")
@options.required_dataset
@click.option("--name", "label", metavar="LABEL", help="Label of the results.  [default: the folder's name]")
@options.protocol
@options.data
@options.results
@verbose_option
def import_command(
    source: Path,
    layout: str,
    dataset: str,
    label: str | None,
    protocol: str | None,
    data: Path | None,
    results: Path,
    verbose: bool,
) -> None:
    """Import another toolkit's raw results into the results folder.

    DIR is one tracker's folder, or a zip or tar archive of it. Boxes are stored as they are; anomalies are reported.
    Frames are not needed. A layout of your own is named path/to/file.py:Class.

    \b
    Examples:
      evalkit import tracking_results/dimp/dimp50 --layout pytracking --dataset lasot --name dimp50
      evalkit import results_OPE --layout otb-mat --dataset otb100 --name CSK
      evalkit import LightTrack.zip --layout pysot --dataset vot2018

    Writes: <results>/<BENCHMARK>/<LABEL>/
    """
    from evalkit.cli.progress import working

    with working("loading"):
        from evalkit import api

        imported = api.import_results(
            source, layout, dataset, data=data, results=results, label=label, protocol=protocol
        )
    print_notes(imported.notes, every=verbose)
    total = len(imported.sequences) + len(imported.missing)
    click.echo(f"{imported.folder}: {len(imported.sequences)} of {total} sequences")
