"""``evalkit replay``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import options
from evalkit.cli.command import command


@command(name="replay")
@options.dataset
@click.option("--sequence", required=True, metavar="NAME", help="Sequence to show; its frames are needed.")
@click.option(
    "--output",
    type=options.FILE,
    required=True,
    metavar="FILE.{mp4,gif}",
    help="File to write; its suffix selects the format.",
)
@options.labels
@options.protocol
@click.option(
    "--fps",
    type=options.Number(0.1, 1000),
    metavar="F",
    help="Frames per second.  [default: the rate of the video, else 25]",
)
@click.option(
    "--width", type=options.Whole(64), metavar="PIXELS", help="Maximal width of the picture.  [default: 960, GIF 480]"
)
@options.data
@options.results
def replay_command(
    dataset: str | None,
    sequence: str,
    output: Path,
    trackers: tuple[str, ...],
    exclude: tuple[str, ...],
    protocol: str | None,
    fps: float | None,
    width: int | None,
    data: Path | None,
    results: Path,
) -> None:
    """Write a video or an animated GIF of a sequence with its groundtruth and every tracker's box.

    \b
    Examples:
      evalkit replay --sequence occlusion --output occlusion.gif
      evalkit replay --dataset otb100 --sequence David --tracker lighttrack-m --tracker mosse --output david.mp4

    Writes: the file named by --output.
    """
    from evalkit.cli.progress import working

    with working("loading"):
        from evalkit import api

        api.replay(
            trackers or None, dataset, sequence, output, data=data, results=results, exclude=exclude,
            protocol=protocol, fps=fps, width=width,
        )  # fmt: skip
    click.echo(str(output))
