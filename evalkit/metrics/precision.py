"""Centre errors, in pixels and normalised by the target's size, and their curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.types import Boxes

Floats = NDArray[np.float64]

PIXELS: Floats = np.arange(51.0)
"""0 to 50 pixels; the precision score is read at 20."""

NORMALIZED: Floats = np.arange(51) / 100
"""0 to 0.5 of the target's size; the normalised precision score is read at 0.2."""

NORMALIZED_GOT10K: Floats = np.linspace(0, 0.5, 51)
"""The got10k toolkit's own spacing; it differs in the last bit at three places."""

SCORE_INDEX = 20
"""Index of 20 pixels in ``PIXELS`` and of 0.2 in ``NORMALIZED``."""


def centers(boxes: Boxes) -> Floats:
    """Shape (N, 2): x + (width - 1) / 2, the middle of an inclusive pixel range."""
    result: Floats = boxes[:, :2] + (boxes[:, 2:] - 1) / 2
    return result


def distance(a: Floats, b: Floats) -> Floats:
    """Shape (N,): Euclidean distance of corresponding points."""
    difference = a - b
    result: Floats = np.sqrt((difference**2).sum(axis=1))
    return result


def count_within(errors: Floats, thresholds: Floats) -> Floats:
    """How many errors are at most each threshold; NaN is within none.

    >>> count_within(np.array([-1.0, 20.0, np.nan]), np.array([0.0, 20.0])).tolist()
    [1.0, 2.0]
    """
    counts: Floats = np.searchsorted(np.sort(errors), thresholds, side="right").astype(np.float64)
    return counts
