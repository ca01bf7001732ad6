"""Width and height of image files from their headers, without decoding the pixels."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO

# JPEG markers without a length field, and markers of the range of frame headers that describe something else.
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_NOT_A_FRAME_HEADER = {0xC4, 0xC8, 0xCC}


def image_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of a JPEG, PNG or BMP file; None if the header does not contain them.

    Raises:
        OSError: The file cannot be opened.
    """
    with path.open("rb") as stream:
        return _read_size(stream)


def parse_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of the content of a JPEG, PNG or BMP file; None as for ``image_size``."""
    return _read_size(io.BytesIO(data))


def _read_size(stream: BinaryIO) -> tuple[int, int] | None:
    head = stream.read(26)
    try:
        if head.startswith(b"\xff\xd8"):
            return _jpeg_size(stream)
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack(">II", head[16:24])
            return width, height
        if head.startswith(b"BM"):
            width, height = struct.unpack("<ii", head[18:26])
            return width, abs(height)
    except struct.error:
        return None
    return None


def _jpeg_size(stream: BinaryIO) -> tuple[int, int] | None:
    """Read segment by segment up to the frame header, which holds the size."""
    stream.seek(2)
    while True:
        marker, kind = struct.unpack(">BB", stream.read(2))
        while kind == 0xFF:
            (kind,) = struct.unpack(">B", stream.read(1))
        if marker != 0xFF:
            return None
        if kind in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if 0xC0 <= kind <= 0xCF and kind not in _NOT_A_FRAME_HEADER:
            height, width = struct.unpack(">xHH", stream.read(5))
            return width, height
        stream.seek(length - 2, 1)
