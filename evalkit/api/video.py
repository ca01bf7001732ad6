"""Track a video of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from evalkit.arguments import Place, path
from evalkit.engine.default_label import default_label
from evalkit.engine.threads import pin_threads
from evalkit.factories import create_tracker
from evalkit.own_video.choose_box import choose_box
from evalkit.own_video.tracking import TrackReport, track_video
from evalkit.types import Box, Image, Tracker


def track(
    video: Place | int,
    tracker: str,
    *,
    box: Sequence[float] | None = None,
    outputs: Sequence[Place] | None = None,
    weights: Place | None = None,
    runtime: str = "torch",
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    settings: Mapping[str, str] | None = None,
    name: str | None = None,
    show: bool = False,
    browser: bool = False,
    tell: Callable[[str], None] = print,
    progress: Callable[[int, int | None], None] | None = None,
) -> TrackReport:
    """Track a video file, a folder of images or a camera from a box in its first image.

    Args:
        video: A video file, a folder of images, the number of a camera, or the address of a stream.
        tracker: Registered name or ``path/to/file.py:Class``.
        box: x, y, width and height of the target in the first image, 0-based pixels; without it, it is drawn in a
            window, or in a browser where there is no screen.
        outputs: Files to write: boxes as ``.txt``, ``.csv``, ``.json`` (COCO-video) or ``.xml`` (CVAT), and videos as
            ``.mp4``, ``.avi``, ...; by default a text and an MP4 in the current folder.
        weights: Checkpoint, or a folder of checkpoints.
        runtime: Runtime of the network.
        precision: ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``.
        device: ``cpu``, ``cuda:0``, ...
        threads: Threads of the runtime.
        settings: Hyperparameters that override the published ones.
        name: Label instead of the tracker's name.
        show: Show the video while it is tracked.
        browser: Draw the box in a browser also where there is a screen.
        tell: Prints a sentence for the person: how to draw the box, and that frames are turned.
        progress: Called after each frame with the number of frames and the total, None where unknown.

    Returns:
        The boxes, the written files, and whether a person stopped it.

    Raises:
        EvalkitError: Something that was asked for does not exist, or the tracker failed; what was tracked is kept.
    """

    def build() -> Tracker:
        built = create_tracker(
            tracker, benchmark="folder", weights=path(weights), runtime=runtime, precision=precision, device=device,
            threads=threads, settings=dict(settings or {}), seed=0,
        )  # fmt: skip
        pin_threads(threads)
        return built

    def given(_: Image) -> Box:
        x, y, width, height = map(float, box or ())
        return Box(x, y, width, height)

    return track_video(
        str(video), build, label=name or default_label(tracker, runtime, precision),
        choose=given if box is not None else partial(choose_box, browser=browser, tell=tell),
        outputs=None if outputs is None else [Path(one) for one in outputs], show=show, tell=tell, progress=progress,
    )  # fmt: skip
