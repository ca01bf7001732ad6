"""One sequence with every tracker's regions on its frames, and the choice of frames that are worth showing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.agreement import frame_agreement
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

    @property
    def annotated(self) -> bool:
        """True if a frame after the first one is annotated, so that overlap with the groundtruth says something."""
        return not np.isnan(self.sequence.groundtruth[1:]).all()

    def agreements(self) -> dict[int, NDArray[np.float64]]:
        """Return the mean overlap of each tracker's box with those of all others, by index; empty for one tracker.

        Each of shape (N,), in [0, 1]; NaN on the first frame and where neither of two trackers answered.
        """
        return {
            index: _mean_known([frame_agreement(run, other) for place, other in self.runs.items() if place != index])
            for index, run in self.runs.items()
            if len(self.runs) > 1
        }

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
    that are not close to these. Without groundtruth, trackers differ most where they agree least.

    Args:
        replay: The sequence and its results.
        count: Number of frames, at most.

    Returns:
        Numbers of frames, counted from 0, each with its caption.
    """
    length = len(replay.sequence)
    chosen: dict[int, str] = {0: "initialization"}
    striking = _striking_frames(_overlap_table(replay)) if replay.annotated else _least_agreement(replay)
    for frame, reason in striking:
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


def _least_agreement(replay: SequenceReplay) -> list[tuple[int, str]]:
    """Return the frame on which trackers agree least; none if they agree everywhere, or for one tracker."""
    values = list(replay.agreements().values())
    mean = _mean_known(values) if values else np.empty(0)
    if np.isnan(mean).all() or np.nanmin(mean) == 1.0:
        return []
    return [(int(np.nanargmin(mean)), "trackers differ most")]


def _mean_known(rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of the values that are known in each place; NaN where none is. Rows may differ in length."""
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    known = ~np.isnan(table)
    mean: NDArray[np.float64] = np.full(table.shape[1], np.nan)
    np.divide(np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0), out=mean, where=known.any(axis=0))
    return mean
