"""``evalkit profile``."""

from __future__ import annotations

from pathlib import Path

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
    help="`evalkit list trackers`.",
)
@click.option("--weights", type=options.FILE_OR_FOLDER, metavar="FILE", help="Checkpoint, or a folder of them.")
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    default=("torch",),
    show_default=True,
    metavar="R",
    shell_complete=completers.runtimes,
    help="`evalkit list runtimes`; `all` for every one that is installed.",
)
@options.network
@click.option(
    "--rules",
    type=click.Choice(["quick", "mobile"]),
    default="quick",
    show_default=True,
    help="mobile: single stream, at least 1,024 queries and 60 s, as MLPerf measures.",
)
@click.option("--set", "settings", multiple=True, type=options.Setting(), help="A setting of the tracker.")
@options.form("table", "json", "csv")
def command(
    trackers: tuple[str, ...],
    weights: Path | None,
    runtimes: tuple[str, ...],
    precision: str,
    device: str,
    threads: int,
    rules: str,
    settings: tuple[tuple[str, str], ...],
    form: str,
) -> None:
    """MACs, parameters and latency of a tracker.

    Counts hold anywhere. Wall times hold for this machine while nobody else uses it, and are marked invalid
    otherwise; CPU times over the bundled reference workload hold on a busy machine too.

    \b
    Examples:
      evalkit profile --tracker mosse
      evalkit profile --tracker lighttrack-m --weights LightTrackM.pth --runtime torch --runtime onnxruntime
      evalkit profile --tracker lighttrack-m --runtime all --format json
      evalkit profile --tracker lighttrack-m --device pixel.toml --runtime ncnn
    """
    from evalkit import api
    from evalkit.cli.output import kept_for_the_answer

    with kept_for_the_answer():
        costs = api.costs(
            trackers, weights=weights, runtimes=runtimes, precision=precision, device=device, threads=threads,
            rules=rules, settings=dict(settings),
        )  # fmt: skip
    click.echo(api.render("profile" if form == "table" else form, costs=costs))
