"""Overlap of boxes as the one-pass toolkits compute it, and the thresholds of the success curve."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit.types import Boxes, Floats

Columns: TypeAlias = NDArray[np.float64]
"""Transposed boxes, shape (4, N), contiguous: arithmetic on contiguous columns is several times faster."""

THRESHOLDS: Floats = np.arange(21.0) * 0.05
"""Thresholds of pysot, pytracking, got10k and Octave: ``np.linspace(0, 1, 21)``, bit for bit."""

MATLAB_THRESHOLDS: Floats = np.concatenate([THRESHOLDS[:11], 1 - np.arange(9, -1, -1) * 0.05])
"""MATLAB's ``0:0.05:1``, which is built from both ends: index 13 is one bit below 0.65, and overlap 0.65 exceeds it."""


def columns(boxes: Boxes) -> Columns:
    """Transpose boxes of shape (N, 4) to contiguous columns, shape (4, N)."""
    return np.ascontiguousarray(boxes.T)


def overlap_matlab(groundtruth: Columns, boxes: Columns) -> Floats:
    """Compute the overlap of inclusive pixel ranges, shape (N,), not clipped to [0, 1].

    MATLAB's ``max`` and ``min`` ignore a NaN operand, hence ``fmax`` and ``fmin``.

    Source: ``calcRectInt.m`` of the OTB toolkit, ``calc_rect_int.m`` of LaSOT's.
    """
    low = np.fmax(groundtruth[:2], boxes[:2])
    high = np.fmin(groundtruth[:2] + groundtruth[2:] - 1, boxes[:2] + boxes[2:] - 1)
    side = np.fmax(0, high - low + 1)
    return _over_union(side[0] * side[1], groundtruth, boxes)


def overlap_pysot(groundtruth: Columns, boxes: Columns) -> Floats:
    """Compute the overlap, clipped to [0, 1], shape (N,). Source: ``overlap_ratio`` of pysot's toolkit."""
    return np.clip(_over_union(_intersection(groundtruth, boxes), groundtruth, boxes), 0, 1)


def overlap_got10k(groundtruth: Columns, boxes: Columns) -> Floats:
    """Compute the overlap with an epsilon in the union, clipped to [0, 1], shape (N,).

    Source: ``rect_iou`` of the got10k toolkit.
    """
    intersection = _intersection(groundtruth, boxes)
    union = _areas(boxes) + _areas(groundtruth) - intersection
    return np.clip(intersection / (union + np.finfo(float).eps), 0, 1)


def _intersection(a: Columns, b: Columns) -> Floats:
    low = np.maximum(a[:2], b[:2])
    high = np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    side = np.maximum(0, high - low)
    result: Floats = side[0] * side[1]
    return result


def _areas(boxes: Columns) -> Floats:
    result: Floats = boxes[2] * boxes[3]
    return result


def _over_union(intersection: Floats, a: Columns, b: Columns) -> Floats:
    # Two boxes without area give 0/0 = NaN, which no threshold counts.
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Floats = intersection / (_areas(a) + _areas(b) - intersection)
    return ratio
