"""Track one video of one's own from a box in its first image, and write boxes and a video."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from evalkit.errors import EvalkitError
from evalkit.io.orientation import BOXES, TURNS
from evalkit.io.video import CODECS, VideoWriter
from evalkit.own_video.box_files import FORMATS, TrackedVideo, write_boxes
from evalkit.own_video.drawing import draw
from evalkit.own_video.source import CAMERA_FRAMES, Source, open_source
from evalkit.protocols.live import LiveFrame, LiveTracking
from evalkit.results.label_folders import safe_label
from evalkit.types import Box, Image, Tracker, Trajectory

FPS = 25.0
"""Frames per second of the written video where the source does not state them."""


@dataclass(frozen=True, eq=False)
class TrackReport:
    """Outcome of tracking a video.

    Attributes:
        trajectory: What the tracker answered.
        files: The written files.
        interrupted: True where a person stopped it; everything before is in the files.
    """

    trajectory: Trajectory
    files: tuple[Path, ...]
    interrupted: bool

    @property
    def frames_per_second(self) -> float | None:
        """Frames divided by the seconds inside the tracker, the first frame excepted; None for a single frame."""
        seconds = float(self.trajectory.seconds[1:].sum())
        return (len(self.trajectory) - 1) / seconds if seconds > 0 else None

    @property
    def frames_with_target(self) -> int:
        """Number of frames in which the tracker found the target."""
        return int((~np.isnan(self.trajectory.boxes[:, 0])).sum())


def track_video(
    place: str,
    create: Callable[[], Tracker],
    *,
    label: str,
    choose: Callable[[Image], Box],
    outputs: Sequence[Path] | None = None,
    show: bool = False,
    tell: Callable[[str], None] = print,
    progress: Callable[[int, int | None], None] | None = None,
) -> TrackReport:
    """Track a video file, a folder of images or a camera.

    Args:
        place: See ``evalkit.own_video.source.open_source``.
        create: Builds the tracker.
        label: Name of the tracker, for files and in the picture.
        choose: Returns the target's box in the first image.
        outputs: Files to write; the suffix selects the format. None: a text of boxes and an MP4 in the current folder.
        show: Show the video in a window while it is tracked; Esc or q stops.
        tell: Prints a sentence for the person.
        progress: Called after each frame with the number of frames and the total, None where unknown.

    Raises:
        EvalkitError: The source or an output cannot be used, there are no images, or the box is outside of the image.
        TrackerError: The tracker failed; what was tracked before is in the files.
    """
    source = open_source(place)
    files = _default_outputs(source, label) if outputs is None else list(outputs)
    _check_outputs(files)
    first = next(source.images, None)
    if first is None:
        raise EvalkitError("there are no frames in it", where=place, hint="Is the file complete? Try to play it")
    if source.orientation != 1:
        tell(f"{source.name}: frames are {TURNS[source.orientation]}, as the file asks for; {BOXES}")
    box = choose(first)
    _check_box(box, first)
    limit = len(source.files) if source.files else CAMERA_FRAMES
    tracking = LiveTracking(
        create(), itertools.chain([first], source.images), box, name=label, sequence=source.name, limit=limit,
        frames=source.files,
    )  # fmt: skip
    writers = [VideoWriter(path, source.fps or FPS) for path in files if path.suffix.lower() in CODECS]
    interrupted = False
    try:
        for frame in tracking:
            _show_and_write(frame, label, writers, show=show)
            if progress is not None:
                progress(frame.number + 1, source.count)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        _finish(tracking.trajectory(), source, first, files, writers)
        if show:
            cv2.destroyAllWindows()
    return TrackReport(tracking.trajectory(), tuple(files), interrupted)


def _default_outputs(source: Source, label: str) -> list[Path]:
    stem = f"{safe_label(source.name)}-{safe_label(label)}"
    return [Path(f"{stem}.txt"), Path(f"{stem}.mp4")]


def _check_outputs(files: Sequence[Path]) -> None:
    for path in files:
        if path.suffix.lower() not in (*FORMATS, *CODECS):
            raise EvalkitError(
                "the format of this output is not known", where=path, found=path.suffix or "no suffix",
                expected=f"boxes: {', '.join(FORMATS)}; video: {', '.join(CODECS)}",
            )  # fmt: skip


def _check_box(box: Box, image: Image) -> None:
    height, width = image.shape[:2]
    numbers = (box.x, box.y, box.width, box.height)
    text = ",".join(f"{number:g}" for number in numbers)
    if not all(map(math.isfinite, numbers)) or box.width <= 0 or box.height <= 0:
        raise EvalkitError("the box has no area", where="--box", found=text, expected="X,Y,W,H with W and H above 0")
    if box.x >= width or box.y >= height or box.x + box.width <= 0 or box.y + box.height <= 0:
        raise EvalkitError("the box is outside of the image", where="--box", found=text,
                           expected=f"a part of {width} x {height} pixels")  # fmt: skip


def _show_and_write(frame: LiveFrame, label: str, writers: Sequence[VideoWriter], *, show: bool) -> None:
    if not (writers or show):
        return
    picture = draw(frame, label)
    for writer in writers:
        writer.write(picture)
    if show:
        cv2.imshow(f"evalkit: {label} (Esc stops)", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if cv2.waitKey(1) & 0xFF in (27, ord("q")):
            raise KeyboardInterrupt


def _finish(
    trajectory: Trajectory, source: Source, first: Image, files: Sequence[Path], writers: Sequence[VideoWriter]
) -> None:
    for writer in writers:
        writer.close()
    names = tuple(path.name for path in source.files.paths) if source.files else ()
    video = TrackedVideo(source.name, trajectory, (first.shape[1], first.shape[0]), names)
    for path in files:
        if path.suffix.lower() in FORMATS and len(trajectory):
            write_boxes(path, video)
