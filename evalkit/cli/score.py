"""``evalkit score``."""

from __future__ import annotations

from typing import Any

import click

from evalkit.cli import options
from evalkit.cli.command import command


@command(name="score")
@options.datasets
@options.labels
@options.profiles_or_all
@options.protocol
@options.sequences
@click.option("--attributes", is_flag=True, help="Also print scores by attribute or tag.")
@click.option(
    "--per-sequence", is_flag=True, help="Print one row per sequence instead; metrics without such values have none."
)
@click.option("--curves", is_flag=True, help="Print the points of the curves instead: x is the threshold.")
@options.no_intervals
@options.allow_partial
@click.option(
    "--fps",
    type=options.Number(0.1, 1000),
    multiple=True,
    metavar="F",
    help="Simulate a live stream of F frames per second from one-pass results; repeatable.",
)
@click.option(
    "--latency",
    type=options.Number(0),
    metavar="SECONDS",
    help="With --fps: seconds per frame on the device in question.  [default: the stored times]",
)
@options.data
@options.results
@options.number_format
def score_command(
    datasets: tuple[str, ...],
    text_format: str,
    fps: tuple[float, ...],
    per_sequence: bool,
    curves: bool,
    no_intervals: bool,
    **chosen: Any,
) -> None:
    """Score stored results, evalkit's own or any other toolkit's; frames are not needed.

    \b
    Examples:
      evalkit score
      evalkit score --dataset otb100 --data /data/OTB100 --profile all
      evalkit score --dataset otb100 --dataset lasot --data /data --no-intervals
      evalkit score --dataset vot2018 --data VOT2018.json --tracker LightTrack --format json
      evalkit score --dataset synthetic --fps 30 --fps 60 --latency 0.02
      evalkit score --dataset lasot --per-sequence --format csv
    """
    from evalkit.cli.progress import working
    from evalkit.cli.tables import print_numbers

    if per_sequence and curves:
        raise click.UsageError("Give --per-sequence or --curves, not both.")
    with working("loading"):
        from evalkit import api, dataframes

        found = api.scores(
            datasets or None, fps=fps or None, intervals=not no_intervals,
            **options.or_none(chosen, "trackers", "profiles"),
        )  # fmt: skip
    if per_sequence or curves:
        rows = dataframes.sequence_records(found.scores) if per_sequence else dataframes.curve_records(found.scores)
        print_numbers(text_format, rows=rows)
        return
    # Programs that read JSON or CSV expect rows of one kind.
    costs = () if text_format in ("json", "csv") else found.costs
    print_numbers(text_format, scores=found.scores, costs=costs, notices=found.notices)
