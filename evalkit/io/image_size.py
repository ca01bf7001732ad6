"""Width and height of image files from their headers, without decoding the pixels."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO

from evalkit.io.image_headers import JPEG, PNG, TIFF, is_webp, jpeg_segments, tiff_tags

_NOT_A_FRAME_HEADER = {0xC4, 0xC8, 0xCC}  # JPEG markers in the range of frame headers that describe something else
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_WEBP_SIDE = 0x3FFF


def image_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of a JPEG, PNG, BMP, GIF, TIFF or WebP file; None if the header does not contain them.

    Raises:
        OSError: The file cannot be opened.
    """
    with path.open("rb") as stream:
        return _read_size(stream)


def parse_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of the content of an image file; formats and None as for ``image_size``."""
    return _read_size(io.BytesIO(data))


def _read_size(stream: BinaryIO) -> tuple[int, int] | None:
    head = stream.read(26)
    try:
        if head.startswith(JPEG):
            return _jpeg_size(stream)
        if head.startswith(PNG):
            width, height = struct.unpack(">II", head[16:24])
            return width, height
        if head.startswith(b"BM"):
            width, height = struct.unpack("<ii", head[18:26])
            return width, abs(height)
        if head.startswith(b"GIF8"):
            width, height = struct.unpack("<HH", head[6:10])
            return width, height
        if head.startswith(TIFF):
            return _tiff_size(stream)
        if is_webp(head):
            return _webp_size(head + stream.read(4))
    except (struct.error, OverflowError):
        return None
    return None


def _tiff_size(stream: BinaryIO) -> tuple[int, int] | None:
    tags = dict(tiff_tags(stream))
    return (tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT]) if tags.keys() >= {_TIFF_WIDTH, _TIFF_HEIGHT} else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & _WEBP_SIDE), 1 + (bits >> 14 & _WEBP_SIDE)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & _WEBP_SIDE, height & _WEBP_SIDE
    return None


def _jpeg_size(stream: BinaryIO) -> tuple[int, int] | None:
    """Read segment by segment up to the frame header, which holds the size."""
    for marker, _ in jpeg_segments(stream):
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_A_FRAME_HEADER:
            height, width = struct.unpack(">xHH", stream.read(5))
            return width, height
    return None
