"""``evalkit profile``."""

from __future__ import annotations

from typing import Any

import click

from evalkit.cli import completers, options


@click.command(name="profile")
@click.option(
    "--tracker",
    "trackers",
    multiple=True,
    required=True,
    metavar="NAME",
    shell_complete=completers.trackers,
    help="A registered name (`evalkit list trackers`), path/to/file.py:Class, or a network: network:file.py:factory, "
    "network:model.onnx; repeatable.",
)
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
@options.text_format("table", "json", "csv")
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
    from evalkit import api
    from evalkit.cli.output import stdout_to_stderr

    with stdout_to_stderr():
        costs = api.costs(trackers, settings=dict(settings), **chosen)
    click.echo(api.render("profile" if text_format == "table" else text_format, costs=costs))
