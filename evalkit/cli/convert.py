"""``evalkit convert``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import completers, options
from evalkit.cli.command import command
from evalkit.cli.notes import print_notes
from evalkit.cli.notes import verbose as verbose_option


@command(name="convert")
@options.required_dataset
@click.option(
    "--tracker", required=True, metavar="LABEL", shell_complete=completers.labels, help="Label of the results."
)
@options.layout("--to", help="Layout to write.")
@click.option(
    "--output", required=True, type=options.FOLDER, metavar="DIR", help="Folder that receives the tracker's folder."
)
@options.protocol
@options.data
@options.results
@verbose_option
def convert_command(
    dataset: str,
    tracker: str,
    to: str,
    output: Path,
    protocol: str | None,
    data: Path | None,
    results: Path,
    verbose: bool,
) -> None:
    """Write stored results in another toolkit's layout.

    The files are read back and compared before they are put into DIR. What the layout has no place for, such as the
    times of single frames, is reported. Frames are not needed.

    \b
    Examples:
      evalkit convert --dataset otb100 --tracker lighttrack-m --to otb-mat --output for_matlab
      evalkit convert --dataset lasot --tracker lighttrack-m --to pytracking --output tracking_results

    Writes: DIR/<LABEL>/, or DIR/<LABEL>_tracking_result/ in the layout lasot-matlab
    """
    from evalkit.cli.progress import working

    with working("loading"):
        from evalkit import api

        converted = api.convert(dataset, tracker, to, output, data=data, results=results, protocol=protocol)
    print_notes(converted.notes, every=verbose)
    total = len(converted.sequences) + len(converted.missing)
    click.echo(f"{output}: {len(converted.sequences)} of {total} sequences, {converted.files} files")
