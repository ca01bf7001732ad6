"""``evalkit merge``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import options
from evalkit.cli.command import command


@command(name="merge")
@click.argument("folders", nargs=-1, required=True, type=options.FOLDER, metavar="DIR...")
@options.results
def merge_command(folders: tuple[Path, ...], results: Path) -> None:
    """Join the results of shards; each DIR is a folder that was given to --results.

    The shards must be parts of one run; a sequence that two of them contain must have the same boxes in both.

    \b
    Examples:
      evalkit run --tracker mosse --shard 1/2 --results part1
      evalkit run --tracker mosse --shard 2/2 --results part2
      evalkit merge part1 part2 --results results

    Writes: <results>/<BENCHMARK>/<label>/, identical to an unsharded run; nothing is written if the shards conflict.
    """
    from evalkit.cli.progress import working

    with working("joining the results"):
        from evalkit import api

        joined = api.merge(folders, results)
    for merged in joined:
        count = "1 folder" if merged.shards == 1 else f"{merged.shards} folders"
        click.echo(f"{merged.folder}: {merged.files} files of {count}")
