"""Centre errors, in pixels and normalised by the size of the target, and the thresholds of their curves."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.success import Columns
from evalkit.types import Floats

PIXELS: Floats = np.arange(51.0)
"""0 to 50 pixels; the precision score is read at 20."""

NORMALIZED: Floats = np.arange(51) / 100
"""0 to 0.5 of the target's size; the normalised precision score is read at 0.2."""

NORMALIZED_GOT10K: Floats = np.linspace(0, 0.5, 51)
"""The got10k toolkit's thresholds, which differ from ``NORMALIZED`` in the last bit at three places."""

SCORE_INDEX = 20
"""Index of 20 pixels in ``PIXELS`` and of 0.2 in ``NORMALIZED``."""


def centers(boxes: Columns) -> Floats:
    """Return x + (width - 1) / 2 and the same for y, shape (2, N): the centre of an inclusive range of pixels."""
    result: Floats = boxes[:2] + (boxes[2:] - 1) / 2
    return result


def distance(a: Floats, b: Floats) -> Floats:
    """Return the Euclidean distance, shape (N,), of corresponding points, both of shape (2, N)."""
    return length(a - b)


def length(offsets: Floats) -> Floats:
    """Return the length, shape (N,), of vectors of shape (2, N), by a sum of squares as in the toolkits."""
    result: Floats = np.sqrt(offsets[0] ** 2 + offsets[1] ** 2)
    return result
