"""Tell which frames are turned while they are decoded: by the EXIF orientation of an image, the matrix of a video.

OpenCV turns both upright, as cameras and phones ask for, so that frames and boxes are those that viewers show. Programs
that ignore the orientation have other coordinates.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from evalkit.errors import EvalkitError, listed
from evalkit.types import Frames, Sequence

TURNS = {
    2: "mirrored", 3: "turned by 180 degrees", 4: "flipped", 5: "turned by 90 degrees and flipped",
    6: "turned by 90 degrees clockwise", 7: "turned by 270 degrees and flipped",
    8: "turned by 90 degrees counterclockwise",
}  # fmt: skip
"""What is done to an image, by its EXIF orientation; 1 is upright."""

BOXES = "boxes refer to the turned frames, which viewers show"
"""What the coordinates of boxes refer to where frames are turned."""

SWAPPED = frozenset({5, 6, 7, 8})
"""Orientations for which width and height of the turned image are height and width of the stored one."""

_ORIENTATION_TAG = 0x0112
_LARGEST_HEAD = 2**17  # bytes in which the EXIF segment of an image is


def image_orientation(path: Path) -> int:
    """Return the EXIF orientation of a JPEG, PNG, WebP or TIFF file, 1 to 8; 1 if it has none or cannot be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_LARGEST_HEAD)
        return next((found for block in _exif_blocks(head) if 1 < (found := _orientation(block)) <= 8), 1)
    except (OSError, struct.error):
        return 1


def frames_orientation(frames: Frames | None) -> int:
    """Return the EXIF orientation of the first frame, also of a video; 1 if it is upright or unknown."""
    of_video = getattr(frames, "orientation", None)
    if isinstance(of_video, int):
        return of_video
    try:
        path = frames.path(0)  # type: ignore[union-attr]
    except (AttributeError, IndexError, EvalkitError):
        return 1  # no files, or they are damaged, which others report
    return image_orientation(path)


def turned_notice(sequences: Iterable[Sequence]) -> str | None:
    """Return the sentence that says which sequences have turned frames; None if none has."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for sequence in sequences:
        if (orientation := frames_orientation(sequence.frames)) != 1:
            found[orientation].append(sequence.name)
    parts = [f"{listed(names, most=4)} ({TURNS[orientation]})" for orientation, names in sorted(found.items())]
    return f"frames are turned as their files ask for: {', '.join(parts)}; {BOXES}" if parts else None


def _exif_blocks(head: bytes) -> Iterator[bytes]:
    """Yield the EXIF data in the beginning of an image file: a TIFF header with its tags."""
    if head.startswith(b"\xff\xd8"):
        yield from _jpeg_blocks(head)
    elif head.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from (data for kind, data in _png_chunks(head) if kind == b"eXIf")
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        yield from (data.removeprefix(b"Exif\0\0") for kind, data in _webp_chunks(head) if kind == b"EXIF")
    elif head[:4] in (b"II*\0", b"MM\0*"):
        yield head


def _jpeg_blocks(head: bytes) -> Iterator[bytes]:
    place = 2
    while place + 4 <= len(head):
        marker, kind, length = struct.unpack_from(">BBH", head, place)
        if marker != 0xFF or kind == 0xDA:  # image data begin
            return
        data = head[place + 4 : place + 2 + length]
        if kind == 0xE1 and data.startswith(b"Exif\0\0"):
            yield data[6:]
        place += 2 + length


def _png_chunks(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, place)
        yield kind, head[place + 8 : place + 8 + length]
        place += 12 + length


def _webp_chunks(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(head):
        kind, length = struct.unpack_from("<4sI", head, place)
        yield kind, head[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _orientation(block: bytes) -> int:
    """Return the orientation in the first directory of tags; 1 if it is not there."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    (place,) = struct.unpack_from(f"{order}I", block, 4)
    (count,) = struct.unpack_from(f"{order}H", block, place)
    for number in range(count):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", block, place + 2 + 12 * number)
        if tag == _ORIENTATION_TAG:
            return int(value)
    return 1
