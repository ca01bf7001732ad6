"""``evalkit track``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from evalkit.cli import options
from evalkit.cli.command import command


class BoxType(click.ParamType[tuple[float, ...]]):
    """Four numbers separated by commas."""

    name = "X,Y,W,H"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != 4:
            self.fail(f"{value!r} is not x,y,width,height in pixels, e.g. 120,80,64,48", param, ctx)
        return numbers


@command(name="track")
@click.argument("video", metavar="VIDEO|FOLDER|CAMERA")
@options.tracker
@click.option(
    "--box",
    type=BoxType(),
    help="The target in the first image, in pixels from the top left.  [default: drawn in a window or a browser]",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    type=options.FILE,
    metavar="FILE",
    help="Boxes as .txt, .csv, .json (COCO-video) or .xml (CVAT), or a video as .mp4 or .avi; repeatable.  "
    "[default: VIDEO-NAME.txt and .mp4]",
)
@click.option("--show", is_flag=True, help="Show the video in a window while it is tracked; Esc stops.")
@click.option("--browser", is_flag=True, help="Draw the box in a browser also where there is a screen.")
@options.weights
@options.runtime
@options.network
@options.settings
@click.option("--name", metavar="LABEL", help="Label instead of the tracker's name.")
def track_command(video: str, tracker: str, outputs: tuple[Path, ...], **chosen: Any) -> int:
    """Track a video of your own: a file, a folder of images, or a camera.

    The target is given with --box, or drawn on the first image. Ctrl-C stops and keeps what was tracked.

    \b
    Examples:
      evalkit track clip.mp4 --tracker nanotrack-v2 --box 120,80,64,48
      evalkit track clip.mp4 --tracker nanotrack-v2 --output boxes.xml --output clip-with-box.mp4
      evalkit track 0 --tracker nanotrack-v2 --show

    Writes: VIDEO-NAME.txt with one line x,y,width,height per frame, and VIDEO-NAME.mp4; or the files of --output.
    """
    from evalkit.engine.threads import thread_environment

    # NumPy reads these once, when it is imported.
    os.environ.update(thread_environment(chosen["threads"]))
    from evalkit.cli.progress import show_frames, working

    chosen["settings"] = dict(chosen["settings"])
    with working(f"loading {tracker}") as display:
        from evalkit import api

        report = api.track(
            video, tracker, outputs=outputs or None, progress=show_frames(display, video), tell=display.line, **chosen
        )
    for path in report.files:
        if path.exists():
            click.echo(str(path))
    fps = f", {report.frames_per_second:.1f} frames per second" if report.frames_per_second else ""
    found = f"{report.frames_with_target} of {len(report.trajectory)} frames with the target{fps}"
    click.echo(f"{'stopped: ' if report.interrupted else ''}{found}", err=True)
    return 130 if report.interrupted else 0
