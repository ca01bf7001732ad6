"""The player of a replay: as many frames of a sequence as a page has room for, with every tracker's region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.reports.document.model import Outline
from evalkit.reports.document.pictures import encode_jpeg
from evalkit.reports.document.sequence_events import failure_frames, parting_frames
from evalkit.reports.document.sequence_replay import SequenceReplay
from evalkit.types import Image

SHARE = 0.48
"""Part of a page that the pictures of all players may have; in a page they take a third more than their bytes."""

_WIDTH, _QUALITY = 360, 68

_LEAST = 8
"""Number of frames that a player keeps in any case."""

_MARGIN = 1.5
"""Frames that are encoded first, relative to those that fit if all were as large as the first one."""


@dataclass(frozen=True)
class Player:
    """Frames to step through.

    Attributes:
        key: Identifier, unique in the report.
        size: Width and height of the original frames in pixels, which the outlines refer to.
        length: Number of frames of the sequence.
        numbers: Numbers of the frames in the player, counted from 1.
        pictures: Each frame as JPEG, which may be smaller than ``size``.
        outlines: For each frame, index of a tracker (None for the groundtruth) and the outline of its region.
        failures: Number of a frame on which the overlap of a tracker falls to 0, and index of the tracker.
        partings: Numbers of frames on which trackers begin to differ.
        kept: Numbers of the frames that are left out last.
    """

    key: str
    size: tuple[int, int]
    length: int
    numbers: tuple[int, ...]
    pictures: tuple[bytes, ...]
    outlines: tuple[tuple[tuple[int | None, Outline], ...], ...]
    failures: tuple[tuple[int, int], ...]
    partings: tuple[int, ...]
    kept: frozenset[int] = frozenset()

    @property
    def bytes(self) -> int:
        """Size of all pictures."""
        return sum(map(len, self.pictures))

    def within(self, budget: int) -> Player:
        """Return the player with evenly fewer frames, so that its pictures fit a number of bytes or eight are left."""
        if self.bytes <= budget or len(self.numbers) <= _LEAST:
            return self
        most = max(_LEAST, int(len(self.numbers) * budget / self.bytes) - 1)
        kept = {place for place, number in enumerate(self.numbers) if number in self.kept}
        shown = _spread(len(self.numbers), kept if len(kept) <= most // 2 else set(), most)
        return self._only(shown if len(shown) < len(self.numbers) else shown[::2]).within(budget)

    def _only(self, places: Sequence[int]) -> Player:
        """Return the player with the frames at these places."""
        numbers = tuple(self.numbers[place] for place in places)
        return replace(
            self, numbers=numbers,
            pictures=tuple(self.pictures[place] for place in places),
            outlines=tuple(self.outlines[place] for place in places),
            failures=tuple((number, index) for number, index in self.failures if number in numbers),
            partings=tuple(number for number in self.partings if number in numbers),
        )  # fmt: skip


def make_player(key: str, replay: SequenceReplay, striking: Sequence[int], budget: int) -> Player:
    """Return the player of a sequence; frames are left out evenly so that its pictures fit the budget.

    Args:
        key: Identifier, unique in the report.
        replay: The sequence, with frames, and its results.
        striking: Frames that are kept, counted from 0.
        budget: Bytes of the pictures, at most.
    """
    images = replay.sequence.frames
    if images is None:
        raise ValueError("a player needs frames")
    overlaps = replay.overlaps() if replay.annotated else {}
    failures = failure_frames(overlaps)
    partings = parting_frames(_rows(replay), agreement=not replay.annotated)
    kept = {*striking, *(frame for frame, _ in failures[:20]), *partings[:20]}
    first: Image = images[0]
    frames = _spread(len(images), kept, max(_LEAST, int(_MARGIN * budget / len(_encode(first)))))
    return Player(
        key, (first.shape[1], first.shape[0]), len(images), tuple(frame + 1 for frame in frames),
        tuple(_encode(images[frame]) for frame in frames), tuple(tuple(replay.outlines(frame)) for frame in frames),
        tuple((frame + 1, index) for frame, index in failures if frame in frames),
        tuple(frame + 1 for frame in partings if frame in frames),
        frozenset(frame + 1 for frame in kept),
    ).within(budget)  # fmt: skip


def _encode(image: Image) -> bytes:
    return encode_jpeg(image, width=_WIDTH, quality=_QUALITY)


def _rows(replay: SequenceReplay) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return overlaps or agreements of all trackers, of the length of the sequence."""
    found = replay.overlaps() if replay.annotated else replay.agreements()
    rows = np.full((len(found), len(replay.sequence)), np.nan)
    for place, values in enumerate(found.values()):
        rows[place, : len(values)] = values
    return list(rows)


def _spread(length: int, kept: set[int], most: int) -> list[int]:
    """Return the frames that are kept and evenly spaced others, ``most`` in all."""
    if length <= most:
        return list(range(length))
    others = np.linspace(0, length - 1, max(2, most - len(kept))).round().astype(int)
    return sorted({*(frame for frame in kept if frame < length), *others.tolist()})
