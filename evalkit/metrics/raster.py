"""VOT's overlap of regions: both are rasterised with integer corners, and pixels are counted.

No image is drawn: in each pixel row a polygon covers a few intervals, and their lengths give the same counts.

Source: ``compute_polygon_overlap`` and ``rasterize_polygon`` of the VOT toolkit's ``region.c``, as compiled into pysot;
the effects of its rounding are reproduced (three different crossings in the row of a corner fill that row only partly).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.geometry import box_corners
from evalkit.metrics import scanline
from evalkit.types import Box, Boxes, Floats, Mask, Polygon, Region

Corners = NDArray[np.float64]
"""Shape (N, K, 2): x, y of K corners; NaN where there is no region. Surplus corners repeat the last one."""

Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]


def overlap(a: Region, b: Region, bounds: tuple[int, int] | None = None) -> float:
    """Compute the overlap of two boxes or polygons; see ``overlaps``.

    >>> overlap(Box(0, 0, 3, 3), Box(2, 0, 3, 3))
    0.3333333432674408
    """
    return float(overlaps(corners_of([a]), corners_of([b]), bounds)[0])


def overlaps(a: Corners, b: Corners, bounds: tuple[int, int] | None = None) -> Floats:
    """Compute the overlap of corresponding regions.

    Args:
        a, b: Corners of N regions each; K may differ.
        bounds: Width and height of the image; pixels beyond 0..width and 0..height, both inclusive, do not count.

    Returns:
        Shape (N,), in [0, 1], with the precision of float32; NaN where a region is missing.
    """
    result = np.full(len(a), np.nan)
    known = np.flatnonzero(~np.isnan(_sums(a) + _sums(b)))
    if known.size:
        result[known] = _overlaps(scanline.clipped(a[known]), scanline.clipped(b[known]), bounds)
    return result


def corners_of_boxes(boxes: Boxes) -> Corners:
    """Return corners at x and x + width, as the toolkit did before it subtracted 1."""
    x, y = boxes[:, 0], boxes[:, 1]
    right, bottom = x + boxes[:, 2], y + boxes[:, 3]
    return np.stack([x, y, right, y, right, bottom, x, bottom], axis=1).reshape(-1, 4, 2)


def corners_of(regions: Sequence[Region | None]) -> Corners:
    """Return the corners of boxes and polygons; NaN where a region is None.

    Raises:
        ValueError: A region is a mask, which has no corners.
    """
    quadrilaterals = [region.points for region in regions if isinstance(region, Polygon) and len(region.points) == 4]
    if quadrilaterals and len(quadrilaterals) == len(regions):
        return np.array(quadrilaterals)
    rows = [_corners(region) for region in regions]
    count = max((len(row) for row in rows), default=4)
    if all(len(row) == count for row in rows):
        return np.array(rows, dtype=np.float64).reshape(-1, count, 2)
    padded = [np.vstack([row, np.repeat(row[-1:], count - len(row), axis=0)]) for row in rows]
    return np.array(padded, dtype=np.float64)


def _corners(region: Region | None) -> Floats:
    if region is None:
        return np.full((4, 2), np.nan)
    if isinstance(region, Mask):
        raise ValueError("a mask has no corners")
    return box_corners(region) if isinstance(region, Box) else region.points


def reaches_beyond(corners: Corners, bounds: tuple[int, int]) -> NDArray[np.bool_]:
    """Return for each region, shape (N,), whether it has a corner to the right of the bounds or below them."""
    far = np.ascontiguousarray(corners.transpose(1, 2, 0)).max(axis=0)
    with np.errstate(invalid="ignore"):
        result: NDArray[np.bool_] = (far[0] > bounds[0]) | (far[1] > bounds[1])
    return result


def _sums(corners: Corners) -> Floats:
    """Return the sum of the coordinates of each region: NaN where any coordinate is NaN."""
    flat = corners.reshape(len(corners), corners.shape[1] * 2)
    result: Floats = flat @ np.ones(flat.shape[1])
    return result


def _overlaps(a: Floats32, b: Floats32, bounds: tuple[int, int] | None) -> Floats:
    low_a, high_a = _clipped_bounds(a, bounds)
    low_b, high_b = _clipped_bounds(b, bounds)
    origin = np.minimum(low_a, low_b)
    size = (np.maximum(high_a, high_b) - origin).astype(np.int64) + 1
    near = np.flatnonzero(_may_overlap(low_a, high_a, low_b, high_b) & (size >= 1).all(axis=0))
    result = np.zeros(len(a))
    if near.size:
        shift = origin[:, near].T
        first, second = _on_grid(a[near], shift), _on_grid(b[near], shift)
        common, union = scanline.count(first, second, size[:, near].T, scanline.Rule.REGION_C)
        with np.errstate(invalid="ignore"):
            result[near] = common.astype(np.float32) / union.astype(np.float32)
    return result


def _clipped_bounds(corners: Floats32, bounds: tuple[int, int] | None) -> tuple[Floats32, Floats32]:
    """Return the smallest and the largest x and y, both of shape (2, N), clipped to the bounds."""
    columns = np.ascontiguousarray(corners.transpose(1, 2, 0))
    low, high = np.floor(columns.min(axis=0)), np.ceil(columns.max(axis=0))
    if bounds is None:
        return low, high
    limit = np.array(bounds, dtype=np.float32)[:, None]
    return np.maximum(low, np.float32(0)), np.minimum(high, limit)


def _may_overlap(low_a: Floats32, high_a: Floats32, low_b: Floats32, high_b: Floats32) -> NDArray[np.bool_]:
    """Apply the toolkit's early exits with its arithmetic: two negative sides, of a region out of bounds, multiply."""
    area_a, area_b = (high_a - low_a).prod(axis=0), (high_b - low_b).prod(axis=0)
    common = (np.minimum(high_a, high_b) - np.maximum(low_a, low_b)).prod(axis=0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratio = area_a.astype(np.float64) / area_b.astype(np.float64)
        inverse = area_b.astype(np.float64) / area_a.astype(np.float64)
        apart = common / (area_a + area_b - common) <= 0
    result: NDArray[np.bool_] = ~((ratio < 1e-10) | (inverse < 1e-10) | apart)
    return result


def _on_grid(corners: Floats32, origin: Floats32) -> Ints:
    """Return the corners relative to the origin, rounded half away from zero as C's ``round`` does."""
    moved = (corners - origin[:, None]).astype(np.float64)
    return np.trunc(moved + np.copysign(0.5, moved)).astype(np.int64)
