"""Tell which frames are turned while they are decoded: by the EXIF orientation of an image, the matrix of a video.

OpenCV turns both upright, as cameras and phones ask for, so that frames and boxes are those that viewers show. Programs
that ignore the orientation have other coordinates.
"""

from __future__ import annotations

import io
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from evalkit.errors import EvalkitError, listed
from evalkit.io.image_headers import JPEG, PNG, TIFF, is_webp, jpeg_segments, png_chunks, tiff_tags, webp_chunks
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
_EXIF = b"Exif\0\0"
_APPLICATION_SEGMENT, _IMAGE_DATA = 0xE1, 0xDA  # markers of JPEG


def image_orientation(path: Path) -> int:
    """Return the EXIF orientation of a JPEG, PNG, WebP or TIFF file, 1 to 8; 1 if it has none or cannot be read."""
    try:
        with path.open("rb") as stream:
            return next((found for block in _exif_blocks(stream) if 1 < (found := _orientation(block)) <= 8), 1)
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


def _exif_blocks(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Yield the EXIF data of an image file: a TIFF header with its tags."""
    head = stream.read(12)
    if head.startswith(JPEG):
        yield from _jpeg_blocks(stream)
    elif head.startswith(PNG):
        yield from (io.BytesIO(stream.read(length)) for kind, length in png_chunks(stream) if kind == b"eXIf")
    elif is_webp(head):
        blocks = (stream.read(length) for kind, length in webp_chunks(stream) if kind == b"EXIF")
        yield from (io.BytesIO(block.removeprefix(_EXIF)) for block in blocks)
    elif head.startswith(TIFF):
        yield stream


def _jpeg_blocks(stream: BinaryIO) -> Iterator[BinaryIO]:
    for marker, length in jpeg_segments(stream):
        if marker == _IMAGE_DATA:
            return
        if marker == _APPLICATION_SEGMENT and (data := stream.read(max(length, 0))).startswith(_EXIF):
            yield io.BytesIO(data.removeprefix(_EXIF))


def _orientation(block: BinaryIO) -> int:
    """Return the orientation in the first directory of tags; 1 if it is not there."""
    return next((value for tag, value in tiff_tags(block) if tag == _ORIENTATION_TAG), 1)
