"""Hashes of boxes: whether two runs gave the same answers, and from which frame on they did not.

A baseline holds no boxes. It holds a hash of them and *checkpoints*: 12 bits of the running hash after a frame, for
every frame where there is space, else for every k-th. After the first different frame the running hashes of two runs
differ for good, so the first checkpoint that differs tells where that frame is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evalkit.types import Box, Boxes, Mask, Polygon, Region, Trajectory

MAX_CHARACTERS = 24_000
"""Characters of checkpoints in a whole baseline, which keeps one of a hundred sequences below 50 kB."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True)
class BoxHashes:
    """Hashes of one sequence's answers, all its repetitions or anchors concatenated.

    Attributes:
        frames: Number of answers.
        boxes: Hash of all answers, 16 hexadecimal digits.
        checkpoints: Running hashes, 2 characters of 6 bits each.
    """

    frames: int
    boxes: str
    checkpoints: str


def hash_boxes(trajectories: Iterable[Trajectory], *, checkpoints: int) -> BoxHashes:
    """Hash the answers of a sequence's trajectories.

    Args:
        checkpoints: Maximum number of checkpoints.
    """
    frames = [frame for trajectory in trajectories for frame in _frame_bytes(trajectory)]
    running = hashlib.sha256()
    interval = checkpoint_interval(len(frames), checkpoints)
    kept = bytearray()
    for number, frame in enumerate(frames, 1):
        running.update(frame)
        if number % interval == 0 or number == len(frames):
            kept += running.digest()[:2]
    return BoxHashes(len(frames), running.hexdigest()[:16], _encode(bytes(kept)))


def checkpoint_interval(frames: int, checkpoints: int) -> int:
    """Return the number of frames from one checkpoint to the next.

    >>> checkpoint_interval(120, 200), checkpoint_interval(500, 200)
    (1, 3)
    """
    return max(1, -(-frames // max(checkpoints, 1)))


def first_difference(old: BoxHashes, new: BoxHashes) -> tuple[int, int] | None:
    """Return the first and last frame, counted from 1, between which two runs begin to differ.

    The two are equal where there is a checkpoint per frame.

    Returns:
        None if the runs are equal, or have different numbers of frames or checkpoints, which hides the frame.
    """
    count = len(old.checkpoints) // 2
    if old.boxes == new.boxes or old.frames != new.frames or len(new.checkpoints) // 2 != count or not count:
        return None
    interval = checkpoint_interval(old.frames, count)
    if -(-old.frames // interval) != count:
        return None
    pairs = zip(_split(old.checkpoints), _split(new.checkpoints), strict=True)
    index = next((index for index, (a, b) in enumerate(pairs) if a != b), count - 1)
    return index * interval + 1, min((index + 1) * interval, old.frames)


def _split(checkpoints: str) -> list[str]:
    return [checkpoints[index : index + 2] for index in range(0, len(checkpoints), 2)]


def _encode(kept: bytes) -> str:
    # 12 of each 16 bits: two characters of base64.
    return "".join(_ALPHABET[kept[i] >> 2] + _ALPHABET[kept[i + 1] >> 2] for i in range(0, len(kept), 2))


def _frame_bytes(trajectory: Trajectory) -> Iterable[bytes]:
    """Yield each frame's answer as bytes: its state and its region, to the last bit."""
    for index in range(len(trajectory)):
        region = trajectory.region(index)
        yield bytes([int(trajectory.states[index])]) + _region_bytes(region)


def _region_bytes(region: Region | None) -> bytes:
    if region is None:
        return b"-"
    if isinstance(region, Box):
        return b"b" + _float_bytes(region.array())
    if isinstance(region, Polygon):
        return b"p" + _float_bytes(region.points)
    if isinstance(region, Mask):
        rows, columns = region.bitmap.shape
        head = np.array([region.x, region.y, columns, rows], dtype="<i8").tobytes()
        return b"m" + head + np.packbits(region.bitmap).tobytes()
    raise TypeError(f"expected a region, got {type(region).__name__}")


def _float_bytes(values: Boxes) -> bytes:
    # -0.0 and 0.0 are the same position.
    return (np.asarray(values, dtype="<f8") + 0.0).tobytes()
