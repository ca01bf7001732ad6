"""Frames of a video file, decoded in order."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path

import cv2

from evalkit.errors import EvalkitError
from evalkit.types import Image

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"})


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
