"""Centre errors, in pixels and normalised by the target's size, and the thresholds of their curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.success import Columns

Floats = NDArray[np.float64]

PIXELS: Floats = np.arange(51.0)
"""0 to 50 pixels; the precision score is read at 20."""

NORMALIZED: Floats = np.arange(51) / 100
"""0 to 0.5 of the target's size; the normalised precision score is read at 0.2."""

NORMALIZED_GOT10K: Floats = np.linspace(0, 0.5, 51)
"""The got10k toolkit's own spacing; it differs in the last bit at three places."""

SCORE_INDEX = 20
"""Index of 20 pixels in ``PIXELS`` and of 0.2 in ``NORMALIZED``."""


def centers(boxes: Columns) -> Floats:
    """Shape (2, N): x + (width - 1) / 2, the middle of an inclusive pixel range."""
    result: Floats = boxes[:2] + (boxes[2:] - 1) / 2
    return result


def distance(a: Floats, b: Floats) -> Floats:
    """Shape (N,): Euclidean distance of corresponding points, both of shape (2, N)."""
    return length(a - b)


def length(offsets: Floats) -> Floats:
    """Shape (N,): length of vectors of shape (2, N); squares are added as the toolkits do, unlike ``hypot``."""
    result: Floats = np.sqrt(offsets[0] ** 2 + offsets[1] ** 2)
    return result
