"""``evalkit score``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import completers, options


@click.command(name="score")
@options.dataset
@click.option("--tracker", "trackers", multiple=True, metavar="LABEL", shell_complete=completers.labels,
              help="Label of the results; repeatable.  [default: all that have results]")  # fmt: skip
@click.option("--profile", "profiles", multiple=True, metavar="P", shell_complete=completers.profiles,
              help="Metric profile; repeatable; 'all' for all that apply.  [default: the official one]")  # fmt: skip
@click.option(
    "--protocol", metavar="P", shell_complete=completers.protocols, help="Another protocol than the benchmark's own."
)
@click.option("--attributes", is_flag=True, help="Also by attribute or tag.")
@click.option(
    "--allow-partial", is_flag=True, help="Leave out sequences without a readable result; every score says n of N."
)
@click.option("--fps", type=options.Number(0.1, 1000), multiple=True, metavar="F",
              help="As if the video did not wait: one-pass answers at F frames a second; repeatable.")  # fmt: skip
@click.option("--latency", type=options.Number(0), metavar="SECONDS",
              help="With --fps: what a frame takes on another device.  [default: the stored times]")  # fmt: skip
@options.labels
@options.data
@options.results
@options.form("table", "json", "csv", "markdown", "latex")
def command(
    dataset: str | None,
    trackers: tuple[str, ...],
    profiles: tuple[str, ...],
    protocol: str | None,
    sequences: tuple[list[str], ...],
    exclude: tuple[str, ...],
    attributes: bool,
    allow_partial: bool,
    fps: tuple[float, ...],
    latency: float | None,
    data: Path | None,
    results: Path,
    form: str,
) -> None:
    """Score stored results, evalkit's own or any other toolkit's; frames are not needed.

    \b
    Examples:
      evalkit score
      evalkit score --dataset otb100 --data /data/OTB100 --profile all
      evalkit score --dataset vot2018 --data VOT2018.json --tracker LightTrack --format json
      evalkit score --dataset synthetic --fps 30 --fps 60 --latency 0.02
    """
    from evalkit import api

    found = api.scores(
        dataset, data=data, results=results, trackers=trackers or None, profiles=profiles or None, protocol=protocol,
        sequences=[name for part in sequences for name in part] or None, exclude=exclude,
        attributes=attributes, allow_partial=allow_partial, fps=fps or None, latency=latency,
    )  # fmt: skip
    # Machines asked for scores, and read rows of one kind.
    costs = () if form in ("json", "csv") else found.costs
    click.echo(api.render(form, scores=found.scores, costs=costs, notices=found.notices))
