"""Boxes as a few characters: whether two runs answered the same, and from which frame on they did not.

A baseline holds no boxes. It holds a hash of them, and *marks*: 12 bits of the running hash after a frame, for every
frame where there is room and for every k-th otherwise. Once two runs have parted, their running hashes differ for good,
so the first mark that differs says where.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evalkit.types import Box, Boxes, Mask, Polygon, Region, Trajectory

ROOM = 24_000
"""Characters of marks in a whole baseline: with it, one of a hundred sequences stays below 50 kB."""


@dataclass(frozen=True)
class Digest:
    """Of one sequence's answers, over all its repetitions or anchors in a row.

    Attributes:
        frames: Number of answers.
        boxes: 16 hexadecimal digits.
        marks: 2 characters of 6 bits for each mark.
    """

    frames: int
    boxes: str
    marks: str


def digest(trajectories: Iterable[Trajectory], *, marks: int) -> Digest:
    """The digest of a sequence's trajectories.

    Args:
        marks: Most marks to keep.
    """
    frames = [frame for trajectory in trajectories for frame in _frames(trajectory)]
    running = hashlib.sha256()
    every = stride(len(frames), marks)
    kept = bytearray()
    for number, frame in enumerate(frames, 1):
        running.update(frame)
        if number % every == 0 or number == len(frames):
            kept += running.digest()[:2]
    return Digest(len(frames), running.hexdigest()[:16], _packed(bytes(kept)))


def stride(frames: int, marks: int) -> int:
    """Frames from one mark to the next.

    >>> stride(120, 200), stride(500, 200)
    (1, 3)
    """
    return max(1, -(-frames // max(marks, 1)))


def parting(old: Digest, new: Digest) -> tuple[int, int] | None:
    """First and last frame, counted from 1, between which two runs part; equal where there was a mark a frame.

    None where they do not part, or have different numbers of frames or marks, so that nobody can tell.
    """
    count = len(old.marks) // 2
    if old.boxes == new.boxes or old.frames != new.frames or len(new.marks) // 2 != count or not count:
        return None
    every = stride(old.frames, count)
    if -(-old.frames // every) != count:
        return None
    pairs = zip(_pairs(old.marks), _pairs(new.marks), strict=True)
    index = next((index for index, (a, b) in enumerate(pairs) if a != b), count - 1)
    return index * every + 1, min((index + 1) * every, old.frames)


def _pairs(marks: str) -> list[str]:
    return [marks[index : index + 2] for index in range(0, len(marks), 2)]


def _packed(kept: bytes) -> str:
    # 12 of each 16 bits: two characters of base64.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(alphabet[kept[i] >> 2] + alphabet[kept[i + 1] >> 2] for i in range(0, len(kept), 2))


def _frames(trajectory: Trajectory) -> Iterable[bytes]:
    """What each frame's answer is, as bytes: state and region, to the last bit."""
    for index in range(len(trajectory)):
        region = trajectory.region(index)
        yield bytes([int(trajectory.states[index])]) + _bytes(region)


def _bytes(region: Region | None) -> bytes:
    if region is None:
        return b"-"
    if isinstance(region, Box):
        return b"b" + _floats(region.array())
    if isinstance(region, Polygon):
        return b"p" + _floats(region.points)
    if isinstance(region, Mask):
        rows, columns = region.bitmap.shape
        head = np.array([region.x, region.y, columns, rows], dtype="<i8").tobytes()
        return b"m" + head + np.packbits(region.bitmap).tobytes()
    raise TypeError(f"expected a region, got {type(region).__name__}")


def _floats(values: Boxes) -> bytes:
    # -0.0 and 0.0 are one place.
    return (np.asarray(values, dtype="<f8") + 0.0).tobytes()
