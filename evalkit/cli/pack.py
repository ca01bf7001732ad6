"""``evalkit pack``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import completers, options
from evalkit.cli.command import command
from evalkit.cli.notes import print_notes
from evalkit.cli.notes import verbose as verbose_option


@command(name="pack")
@options.required_dataset
@click.option("--tracker", metavar="LABEL", shell_complete=completers.labels, help="Label of the results.")
@click.option("--output", type=options.FILE, metavar="FILE.zip", help="Archive to write.")
@click.option(
    "--check", "existing", type=options.FILE, metavar="FILE.zip", help="Check this archive instead of writing one."
)
@options.protocol
@options.data
@options.results
@verbose_option
def pack_command(
    dataset: str,
    tracker: str | None,
    output: Path | None,
    existing: Path | None,
    protocol: str | None,
    data: Path | None,
    results: Path,
    verbose: bool,
) -> int:
    """Write and check a submission archive for an evaluation server.

    Names, counts, lengths, separators, values and times are checked before anything is written. Lengths can be checked
    only where the frames are on disk.

    \b
    Examples:
      evalkit pack --dataset got10k-test --tracker lighttrack-m --output lighttrack-m.zip
      evalkit pack --dataset trackingnet-test --check submission.zip
    """
    from evalkit.cli.progress import working

    if existing is not None:
        with working("loading"):
            from evalkit import api

            problems = api.check_archive(existing, dataset, data=data, protocol=protocol)
        for problem in problems:
            click.echo(problem)
        click.echo(f"{existing}: {len(problems) or 'no'} problem{'s' if len(problems) != 1 else ''}")
        return 1 if problems else 0
    if tracker is None or output is None:
        raise click.UsageError("Give --tracker and --output, or --check.")
    with working("loading"):
        from evalkit import api

        packed = api.pack(dataset, tracker, output, data=data, results=results, protocol=protocol)
    print_notes(packed.notes, every=verbose)
    click.echo(f"{packed.path}: {packed.files} files")
    return 0
