"""Decode frames: one file, or many in a thread ahead of the tracker."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from evalkit.errors import EvalkitError
from evalkit.io.image_size import parse_size
from evalkit.io.limits import limit
from evalkit.types import Frames, Image

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
MAX_PIXELS = 2**26
"""Largest number of pixels of a frame, 67 million; a frame of 8K video has 33 million."""
_LIMIT_VARIABLE = "EVALKIT_MAX_PIXELS"


def read_image(path: Path) -> Image:
    """Decode an image file to RGB, 8 bits; a grey image gets three equal channels.

    Raises:
        EvalkitError: The file is missing, empty, truncated or not an image.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise EvalkitError("the frame is missing", where=path, hint="Is the download complete?") from None
    except OSError as error:
        raise EvalkitError(
            f"the frame cannot be read: {error.strerror}", where=path, hint="Check the permissions of the file"
        ) from None
    if _is_truncated(data):
        raise EvalkitError(
            "the frame is damaged or truncated", where=path, found=f"{len(data)} bytes",
            hint="Download it again",
        )  # fmt: skip
    _check_size(data, path)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise EvalkitError(
            "this file is not an image that can be decoded", where=path,
            hint="Download it again; `evalkit data check NAME --deep` lists all such files",
        )  # fmt: skip
    rgb: Image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
    return rgb


def _check_size(data: bytes, path: Path) -> None:
    """Refuse an image that would need a lot of memory, before it is allocated."""
    size = parse_size(data)
    largest = limit(_LIMIT_VARIABLE, MAX_PIXELS)
    if size is not None and size[0] * size[1] > largest:
        raise EvalkitError(
            "the frame has more pixels than a frame can have", where=path, found=f"{size[0]} x {size[1]}",
            expected=f"at most {largest} pixels", hint=f"If it is right, set {_LIMIT_VARIABLE} to a larger number",
        )  # fmt: skip


def _is_truncated(data: bytes) -> bool:
    # The decoder silently fills the missing part of a JPEG with grey, so look for the end marker.
    return len(data) == 0 or (data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-4096:])


def ahead(frames: Frames, order: Sequence[int], *, depth: int = 4) -> Iterator[Image]:
    """Yield frames in the given order, decoding up to ``depth`` of them in a thread meanwhile.

    Memory is bounded by ``depth`` + 1 frames. An error reaches the caller at the frame it belongs to.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        pending: deque[Future[Image]] = deque()
        upcoming = iter(order)
        try:
            for index in upcoming:
                pending.append(pool.submit(frames.__getitem__, index))
                if len(pending) > depth:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
