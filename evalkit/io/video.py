"""Frames of a video file, decoded in order, and writing of a video file."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import cv2

from evalkit.errors import EvalkitError
from evalkit.types import Image

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"})

_ORIENTATIONS = {90: 6, 180: 3, 270: 8}


def video_orientation(capture: cv2.VideoCapture) -> int:
    """Return the EXIF orientation that an opened video asks for; its frames are decoded turned by it."""
    return _ORIENTATIONS.get(int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360, 1)


class VideoFile:
    """Frames (``evalkit.types.Frames``) of a video file that OpenCV decodes.

    The file is decoded in order, one decode per frame; asking for an earlier frame starts again from the beginning.
    Seeking is not used because containers may seek to a neighbouring frame without an error. The number of frames is
    counted by decoding, because the number that containers state is often wrong.

    Threads may share an object and wait for each other. Pickling keeps the path only.

    Args:
        path: The video file; it is opened when a frame, the length or ``fps`` is first asked for.

    Raises:
        EvalkitError: The file cannot be opened, or a frame cannot be decoded.
        IndexError: A negative index was asked for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._capture: cv2.VideoCapture | None = None
        self._next = 0

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    @cached_property
    def fps(self) -> float | None:
        """Frames per second as the container states them; None if it does not."""
        capture = self._open()
        value = float(capture.get(cv2.CAP_PROP_FPS))
        capture.release()
        return value if value > 0 else None

    @cached_property
    def orientation(self) -> int:
        """EXIF orientation that is the rotation which the file asks for; 1 is upright."""
        capture = self._open()
        found = video_orientation(capture)
        capture.release()
        return found

    @cached_property
    def _count(self) -> int:
        capture = self._open()
        count = 0
        while capture.grab():
            count += 1
        capture.release()
        return count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int, /) -> Image:
        if index < 0:
            raise IndexError(f"frame {index}")
        with self._lock:
            if self._capture is None or index < self._next:
                self._capture = self._open()
                self._next = 0
            while self._next < index and self._capture.grab():
                self._next += 1
            found, image = self._capture.read()
            self._next += 1
        if not found:
            raise EvalkitError(f"frame {index + 1} cannot be decoded", where=self.path)
        rgb: Image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
        return rgb

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise EvalkitError("this video cannot be opened", where=self.path)
        return capture


def read_stream(capture: cv2.VideoCapture) -> Iterator[Image]:
    """Yield the frames of an opened file, camera or stream in order, and close it at the end."""
    try:
        while True:
            found, image = capture.read()
            if not found:
                return
            rgb: Image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
            yield rgb
    finally:
        capture.release()


CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".mkv": "MJPG"}
"""Codec by file name suffix: those that OpenCV's own build can write."""


class VideoWriter:
    """Writes RGB images to a video file, whose size is that of the first image, made even.

    The file has its name when the writer is closed; what was written before an interruption is kept.

    Args:
        path: The file; its suffix, one of ``CODECS``, selects the codec.
        fps: Frames per second.

    Raises:
        EvalkitError: The suffix is not known, or OpenCV cannot write this format here.
    """

    def __init__(self, path: Path, fps: float) -> None:
        if path.suffix.lower() not in CODECS:
            raise EvalkitError(
                "unknown format of a video", where=path, found=path.suffix or "no suffix", expected=", ".join(CODECS)
            )
        self.path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._temporary = path.with_name(f".{path.stem}.part{path.suffix}")

    def write(self, image: Image) -> None:
        """Append an image; one of another size than the first is scaled."""
        writer = self._writer or self._open(image)
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        height, width = bgr.shape[:2]
        if (width, height) != self._size:
            even = (width + width % 2, height + height % 2)
            if even == self._size:  # repeat the last row or column
                bgr = cv2.copyMakeBorder(bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            else:
                bgr = cv2.resize(bgr, self._size)
        writer.write(bgr)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            with contextlib.suppress(FileNotFoundError):
                self._temporary.replace(self.path)

    def _open(self, image: Image) -> cv2.VideoWriter:
        height, width = image.shape[:2]
        self._size = (width + width % 2, height + height % 2)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        self._writer = cv2.VideoWriter(str(self._temporary), codec, self._fps, self._size)
        if not self._writer.isOpened():
            raise EvalkitError(
                f"this OpenCV cannot write {self.path.suffix}", where=self.path, expected=", ".join(CODECS),
                hint="Choose another suffix, and check that the folder can be written to",
            )  # fmt: skip
        return self._writer
