"""Open a video file, a folder of images, or a camera, and read its images in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from evalkit.errors import EvalkitError, listed
from evalkit.io.frames import IMAGE_SUFFIXES, ahead, read_image
from evalkit.io.orientation import image_orientation
from evalkit.io.video import VIDEO_SUFFIXES, read_stream, video_orientation
from evalkit.names import natural_key
from evalkit.types import Image

CAMERA_FRAMES = 1_000_000
"""Frames after which a camera's recording ends: nine hours at 30 frames per second."""


@dataclass(frozen=True, eq=False)
class Source:
    """Images in order, read once.

    Attributes:
        name: Name for output files.
        images: The images.
        fps: Frames per second of the video; None where unknown.
        count: Number of frames; None for a camera, an estimate for a video file.
        files: The image files of a folder; None for others.
        orientation: EXIF orientation that its files ask for, which the images are turned by; 1 is upright.
    """

    name: str
    images: Iterator[Image]
    fps: float | None
    count: int | None
    files: ImageFolder | None = None
    orientation: int = 1


class ImageFolder:
    """Frames (``evalkit.types.Frames``) that are the image files of a folder, in natural order of their names."""

    def __init__(self, folder: Path) -> None:
        names = (path.name for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
        self.paths = [folder / name for name in sorted(names, key=natural_key) if name[0] != "."]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int, /) -> Image:
        return read_image(self.paths[index])

    def path(self, index: int) -> Path:
        """Return the file of a frame; index 0 is the first frame."""
        return self.paths[index]


def open_source(place: str) -> Source:
    """Open a source.

    Args:
        place: A video file; a folder of images; the number of a camera, e.g. ``0``; or the address of a stream, e.g.
            ``rtsp://...``.

    Raises:
        EvalkitError: There is no such file, folder or camera, or it holds no images.
    """
    if place.isdecimal():
        return _open_stream(int(place), f"camera{place}", f"camera {place}")
    if "://" in place:
        return _open_stream(place, "stream", place)
    path = Path(place)
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise EvalkitError(
            "there is no such video or folder", where=place,
            hint="Give a video file, a folder of images, the number of a camera, e.g. 0, or rtsp://...",
        )  # fmt: skip
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise EvalkitError("this is one image, not a video", where=place, hint="Give the folder of the images")
    return _open_file(path)


def _open_folder(folder: Path) -> Source:
    frames = ImageFolder(folder)
    if not frames.paths and (folder / "img").is_dir():
        frames = ImageFolder(folder / "img")
    if not frames.paths:
        videos = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
        raise EvalkitError(
            "this folder holds no images", where=folder, found=listed(videos) if videos else None,
            expected=f"files ending in {', '.join(IMAGE_SUFFIXES)}",
            hint=f"Give the video itself: {folder / videos[0]}" if videos else None,
        )  # fmt: skip
    images = ahead(frames, range(len(frames)))
    return Source(folder.resolve().name, images, None, len(frames), frames, image_orientation(frames.paths[0]))


def _open_file(path: Path) -> Source:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise EvalkitError("this video cannot be opened", where=path, hint="Convert it: ffmpeg -i FILE out.mp4")
    fps, count = float(capture.get(cv2.CAP_PROP_FPS)), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    orientation = video_orientation(capture)
    return Source(
        path.stem, read_stream(capture), fps if fps > 0 else None, max(count, 0) or None, orientation=orientation
    )


def _open_stream(address: int | str, name: str, where: str) -> Source:
    capture = cv2.VideoCapture(address)
    if not capture.isOpened():
        raise EvalkitError(
            "this camera or stream cannot be opened", where=where,
            hint="Is it connected, and not in use by another program? The first camera is 0",
        )  # fmt: skip
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return Source(name, read_stream(capture), fps if fps > 0 else None, None)
