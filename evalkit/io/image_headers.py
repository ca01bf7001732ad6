"""Read the parts of image files that say how images are stored: segments, chunks and tags, without the pixels.

Sources: ITU-T T.81 (JPEG), the TIFF 6.0 and PNG 3 specifications, and RFC 9649 (WebP).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

JPEG, PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
TIFF = (b"II*\0", b"MM\0*")
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_SHORT = 3  # type of a tag's value

# JPEG markers without a length field.
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


def is_webp(head: bytes) -> bool:
    """Return whether the first twelve bytes of a file are those of a WebP file."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def jpeg_segments(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment of a JPEG file and the length of its content, which is what is read next.

    Raises:
        struct.error: The file ends within a segment.
    """
    place = 2
    while True:
        stream.seek(place)
        start, marker = struct.unpack(">BB", stream.read(2))
        while marker == 0xFF:
            (marker,) = struct.unpack(">B", stream.read(1))
        if start != 0xFF:
            return
        if marker in _WITHOUT_LENGTH:
            place = stream.tell()
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        place = stream.tell() + length - 2
        yield marker, length - 2


def png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the type of each chunk of a PNG file and the length of its content, which is what is read next.

    Raises:
        struct.error: The file ends within the head of a chunk.
    """
    place = len(PNG)
    while True:
        stream.seek(place)
        length, kind = struct.unpack(">I4s", stream.read(8))
        yield kind, length
        place += 12 + length


def webp_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the type of each chunk of a WebP file and the length of its content, which is what is read next.

    Raises:
        struct.error: The file ends within the head of a chunk.
    """
    place = 12
    while True:
        stream.seek(place)
        kind, length = struct.unpack("<4sI", stream.read(8))
        yield kind, length
        place += 8 + length + length % 2


def tiff_tags(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield number and value of each tag in the first directory of TIFF or EXIF data; values are whole numbers.

    Raises:
        struct.error: The data end before the last tag.
    """
    stream.seek(0)
    order = _BYTE_ORDERS.get(stream.read(2))
    if order is None:
        return
    stream.seek(4)
    stream.seek(*struct.unpack(f"{order}I", stream.read(4)))
    (count,) = struct.unpack(f"{order}H", stream.read(2))
    for _ in range(count):
        tag, kind, _, value = struct.unpack(f"{order}HHI4s", stream.read(12))
        yield tag, struct.unpack_from(f"{order}H" if kind == _SHORT else f"{order}I", value)[0]
