"""``evalkit data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli import completers, options
from evalkit.cli.command import Group
from evalkit.rendering import layout_names

if TYPE_CHECKING:
    from evalkit.types import Dataset


@click.group(name="data", cls=Group)
def data_command() -> None:
    """Check a benchmark's files, or render a synthetic one."""


@data_command.command(name="check")
@click.argument("dataset", shell_complete=completers.datasets)
@click.option("--deep", is_flag=True, help="Also decode every frame; takes minutes to hours.")
@options.sequences
@options.data
@options.text_format
def check(dataset: str, deep: bool, sequences: list[str] | None, data: Path | None, text_format: str) -> int:
    """List everything of DATASET that is missing, unreadable, or of the wrong size or number.

    The exit code is 1 if there are findings.

    \b
    Examples:
      evalkit data check otb100 --data /data/OTB100
      evalkit data check lasot --data /data --deep --sequences airplane-1,airplane-9
    """
    from evalkit.cli.progress import Display

    count = 0
    rows = []
    with Display("loading") as display:
        from evalkit import api

        opened, findings = api.check_data(dataset, data=data, deep=deep, sequences=sequences)
        for finding in findings:
            count += 1
            if text_format == "json":
                rows.append(finding.record())
            else:
                with display.hidden():
                    click.echo(finding.line())
    if text_format == "json":
        click.echo(api.render("json", rows=rows))
    else:
        _print_summary(opened, sequences, count)
    return 1 if count else 0


def _print_summary(dataset: Dataset, sequences: list[str] | None, findings: int) -> None:
    """Print what was checked, and how many findings there are."""
    from evalkit.data_check import chosen_names, has_frames
    from evalkit.io.orientation import turned_notice

    if dataset.sequences and not has_frames(dataset):
        click.echo(f"{dataset.name}: no sequence has frames here, only annotations: enough to score, not to track")
    chosen = chosen_names(dataset, sequences)
    if turned := turned_notice(one for one in dataset.sequences if one.name in chosen):
        click.echo(f"note: {turned}")
    part = "" if sequences is None else f", {len(chosen)} of them checked"
    verdict = f"{findings} finding{'s' if findings != 1 else ''}"
    click.echo(f"{dataset.name}: {len(dataset.sequences)} of {len(dataset.expected)} sequences{part}, {verdict}")


@data_command.command(name="render")
@click.option(
    "--layout",
    required=True,
    metavar="L",
    help=f"Benchmark whose layout is written: {', '.join(layout_names.NAMES)}, or a dataset such as uav123 or tnl2k.",
)
@click.option("--output", required=True, type=options.FOLDER, metavar="DIR", help="Folder to write, new or empty.")
@click.option("--seed", type=options.Whole(0), default=0, show_default=True, metavar="S", help="Seed of the scenes.")
@options.sequences
def render(layout: str, output: Path, seed: int, sequences: list[str] | None) -> None:
    """Write the rendered benchmark as files in another benchmark's layout.

    \b
    Examples:
      evalkit data render --layout otb --output /tmp/OTB
      evalkit data render --layout got10k --output /tmp/GOT-10k --sequences scale,blur
      evalkit data render --layout uav123 --output /tmp/UAV123

    Writes: a folder that can be given to --data.
    """
    from evalkit import api

    names = api.render_data(layout, output, seed=seed, sequences=sequences)
    click.echo(f"wrote {len(names)} sequence{'s' if len(names) != 1 else ''} to {output}")
