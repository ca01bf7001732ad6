"""Width and height of image files from their first bytes, without decoding them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_NO_LENGTH = {0x01, *range(0xD0, 0xD9)}
_NO_FRAME = {0xC4, 0xC8, 0xCC}


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a JPEG, PNG or BMP file; None where the header tells nothing.

    Raises:
        OSError: The file cannot be opened.
    """
    with path.open("rb") as stream:
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
    """Walk from segment to segment up to the one that describes the frame."""
    stream.seek(2)
    while True:
        mark, kind = struct.unpack(">BB", stream.read(2))
        while kind == 0xFF:
            (kind,) = struct.unpack(">B", stream.read(1))
        if mark != 0xFF:
            return None
        if kind in _NO_LENGTH:
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if 0xC0 <= kind <= 0xCF and kind not in _NO_FRAME:
            height, width = struct.unpack(">xHH", stream.read(5))
            return width, height
        stream.seek(length - 2, 1)
