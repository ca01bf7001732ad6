"""Width and height of image files from their headers, without decoding the pixels."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO

# JPEG markers without a length field, and markers of the range of frame headers that describe something else.
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_NOT_A_FRAME_HEADER = {0xC4, 0xC8, 0xCC}
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SHORT = 256, 257, 3
_WEBP_SIDE = 0x3FFF


def image_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of a JPEG, PNG, BMP, TIFF or WebP file; None if the header does not contain them.

    Raises:
        OSError: The file cannot be opened.
    """
    with path.open("rb") as stream:
        return _read_size(stream)


def parse_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of the content of a JPEG, PNG, BMP, TIFF or WebP file; None as for ``image_size``."""
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
        if head.startswith(b"GIF8"):
            width, height = struct.unpack("<HH", head[6:10])
            return width, height
        if head.startswith((b"II*\0", b"MM\0*")):
            return _tiff_size(stream, "<" if head.startswith(b"II") else ">")
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp_size(head + stream.read(4))
    except (struct.error, OverflowError):
        return None
    return None


def _tiff_size(stream: BinaryIO, order: str) -> tuple[int, int] | None:
    """Read the entries of the first image's directory."""
    stream.seek(4)
    stream.seek(struct.unpack(f"{order}I", stream.read(4))[0])
    found: dict[int, int] = {}
    for _ in range(struct.unpack(f"{order}H", stream.read(2))[0]):
        tag, kind, _, value = struct.unpack(f"{order}HHI4s", stream.read(12))
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT):
            found[tag] = struct.unpack_from(f"{order}H" if kind == _TIFF_SHORT else f"{order}I", value)[0]
    return (found[_TIFF_WIDTH], found[_TIFF_HEIGHT]) if len(found) == 2 else None


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
