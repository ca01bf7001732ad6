"""Frames of a sequence on which something happens: a tracker loses the target, or trackers part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

APART = 0.5
"""Difference between the highest and the lowest overlap from which trackers are said to part."""


def failure_frames(overlaps: Mapping[int, NDArray[np.float64]]) -> list[tuple[int, int]]:
    """Return the frames on which the overlap of a tracker falls to 0, in order of time.

    Args:
        overlaps: By index of the tracker, its overlap with the groundtruth on each frame; NaN where there is none.

    Returns:
        Pairs of a frame, counted from 0, and the index of the tracker.
    """
    return sorted((frame, index) for index, values in overlaps.items() for frame in _falls(values == 0.0, values))


def parting_frames(rows: Iterable[NDArray[np.float64]], *, agreement: bool) -> list[int]:
    """Return the frames on which trackers begin to differ by at least ``APART``, counted from 0.

    Args:
        rows: The overlap of each tracker on each frame, all of the same length; NaN where there is none.
        agreement: Whether the overlaps are those of trackers with one another; then they part where the lowest one
            falls below ``APART``.
    """
    table = np.array(list(rows))
    if table.size == 0 or (len(table) < 2 and not agreement):
        return []
    known = ~np.isnan(table).any(axis=0)
    lowest = np.where(known, table.min(axis=0), np.nan)
    highest = 1.0 if agreement else table.max(axis=0)
    return _falls(highest - lowest >= APART, lowest)


def _falls(bad: NDArray[np.bool_], values: NDArray[np.float64]) -> list[int]:
    """Return the frames with a value that are bad while the frame with a value before them is not."""
    known = np.flatnonzero(~np.isnan(values))
    now = bad[known]
    return [int(frame) for frame in known[1:][now[1:] & ~now[:-1]]]
