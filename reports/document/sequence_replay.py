"""One sequence with every tracker's regions on its frames, and the choice of frames that are worth showing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.geometry import bounding_box, overlap, shifted
from evalkit.reports.document.model import Outline
from evalkit.types import Dataset, Mask, Polygon, Region, Sequence, Trajectory

KEY_FRAMES = 8
"""Number of key frames of a sequence, at most."""


@dataclass(frozen=True, eq=False)
class SequenceReplay:
    """One sequence with what each tracker answered on it.

    Attributes:
        dataset: The dataset of the sequence.
        sequence: The sequence.
        runs: First repetition of each tracker, by its index in the report.
    """

    dataset: Dataset
    sequence: Sequence
    runs: Mapping[int, Trajectory]

    def overlaps(self) -> dict[int, NDArray[np.float64]]:
        """Return the overlap of axis-aligned boxes with the groundtruth, by index of the tracker.

        Each of shape (N,), in [0, 1]; NaN on frames where the answer or the groundtruth is missing.
        """
        truth = self.sequence.groundtruth
        return {index: overlap(run.boxes[: len(truth)], truth[: len(run.boxes)]) for index, run in self.runs.items()}

    def outlines(self, frame: int) -> list[tuple[int | None, Outline]]:
        """Return the outlines on a frame: the groundtruth's (None) first, then those of all trackers that answered.

        Args:
            frame: Number of the frame, counted from 0.
        """
        regions: list[tuple[int | None, Region | None]] = [(None, self.sequence.region(frame))]
        regions += [(index, run.region(frame)) for index, run in self.runs.items() if frame < len(run)]
        origin = self.dataset.origin
        return [(index, outline(shifted(one, -origin, -origin))) for index, one in regions if one is not None]


def outline(region: Region) -> Outline:
    """Return the corner points of a region; for a mask those of its bounding box."""
    if isinstance(region, Polygon):
        return tuple((float(x), float(y)) for x, y in region.points)
    box = bounding_box(region) if isinstance(region, Mask) else region
    right, bottom = box.x + box.width, box.y + box.height
    return (box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)


def key_frames(replay: SequenceReplay, count: int = KEY_FRAMES) -> list[tuple[int, str]]:
    """Return frames that are worth showing, in order of time, with the reason.

    The first frame, the one with the lowest mean overlap, the one where trackers differ most, and evenly spaced ones
    that are not close to these.

    Args:
        replay: The sequence and its results.
        count: Number of frames, at most.

    Returns:
        Numbers of frames, counted from 0, each with its caption.
    """
    length = len(replay.sequence)
    chosen: dict[int, str] = {0: "initialization"}
    for frame, reason in _striking_frames(_overlap_table(replay)):
        chosen.setdefault(frame, reason)
    for frame in np.linspace(0, length - 1, count).round().astype(int):
        if len(chosen) < count and all(abs(frame - other) > length // (3 * count) for other in chosen):
            chosen[int(frame)] = "evenly spaced"
    return sorted(chosen.items())


def _overlap_table(replay: SequenceReplay) -> NDArray[np.float64]:
    """Return the overlaps, of shape (trackers, frames); NaN where there is none."""
    overlaps = list(replay.overlaps().values())
    table = np.full((len(overlaps), len(replay.sequence)), np.nan)
    for row, values in enumerate(overlaps):
        table[row, : len(values)] = values
    return table


def _striking_frames(table: NDArray[np.float64]) -> list[tuple[int, str]]:
    """Return the hardest frame and the one where trackers differ most, among those where all have an overlap."""
    known = ~np.isnan(table).any(axis=0)
    if len(table) == 0 or not known.any():
        return []
    hardest = np.where(known, table.mean(axis=0), np.inf).argmin()
    found = [(int(hardest), "hardest")]
    if len(table) > 1:
        gap = np.where(known, table.max(axis=0) - table.min(axis=0), -np.inf)
        found.append((int(gap.argmax()), "trackers differ most"))
    return found
