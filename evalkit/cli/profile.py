"""``evalkit profile``."""

from __future__ import annotations

from typing import Any

import click

from evalkit.cli import completers, options
from evalkit.cli.command import command


@command(name="profile")
@options.trackers
@options.weights
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    default=("torch",),
    show_default=True,
    metavar="R",
    shell_complete=completers.runtimes,
    help="Runtime of the network (`evalkit list runtimes`); repeatable; `all` for every installed one.",
)
@options.network
@click.option(
    "--rules",
    type=click.Choice(["quick", "mobile"]),
    default="quick",
    show_default=True,
    help="mobile: single stream, at least 1,024 queries and 60 s, as MLPerf Mobile measures.",
)
@options.settings
@options.number_format
def profile_command(
    trackers: tuple[str, ...], settings: tuple[tuple[str, str], ...], text_format: str, **chosen: Any
) -> None:
    """Count the MACs and parameters of a tracker and measure its latency.

    MACs and parameters do not depend on the machine. Wall-clock times are valid only while nothing else runs on it,
    and are marked invalid otherwise; CPU times relative to the bundled reference workload are valid on a busy machine.

    \b
    Examples:
      evalkit profile --tracker mosse
      evalkit profile --tracker lighttrack-m --weights LightTrackM.pth --runtime torch --runtime onnxruntime
      evalkit profile --tracker lighttrack-m --runtime all --format json
      evalkit profile --tracker network:net.py:factory --runtime all
      evalkit profile --tracker lighttrack-m --device pixel.toml --runtime ncnn
    """
    from evalkit.cli.progress import working
    from evalkit.cli.tables import print_numbers

    with working("loading", at_once=True):
        from evalkit import api

        costs = api.costs(trackers, settings=dict(settings), **chosen)
    print_numbers("profile" if text_format == "table" else text_format, costs=costs)
