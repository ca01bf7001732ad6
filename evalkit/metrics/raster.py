"""VOT's overlap of regions: both are drawn on the pixel grid with integer corners, and pixels are counted.

Drawing is never done: a polygon covers, in each pixel row, a few intervals, and their lengths give the same integers.

Source: ``compute_polygon_overlap`` and ``rasterize_polygon`` of the VOT toolkit's ``region.c``, as compiled into pysot;
this includes what rounding does to it (three different crossings in the row of a corner fill that row only partly).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import compiled
from evalkit.types import Box, Boxes, Mask, Region

Corners = NDArray[np.float32]
"""Shape (N, K, 2): x, y of K corners; NaN where there is no region. Surplus corners repeat the last one."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Intervals = tuple[Ints, Ints]
"""First and last column of covered intervals, both of shape (S, R), up to S in each of R rows; last < first is none."""

_NONE = np.int64(2**40)
_ROWS_AT_ONCE = 50_000


def overlap(a: Region, b: Region, bounds: tuple[int, int] | None = None) -> float:
    """Overlap of two boxes or polygons; see ``overlaps``.

    >>> overlap(Box(0, 0, 3, 3), Box(2, 0, 3, 3))
    0.3333333432674408
    """
    return float(overlaps(corners_of([a]), corners_of([b]), bounds)[0])


def overlaps(a: Corners, b: Corners, bounds: tuple[int, int] | None = None) -> Floats:
    """Overlap of corresponding regions.

    Args:
        a, b: Of the same N; K may differ.
        bounds: Width and height of the image; pixels beyond 0..width and 0..height, both inclusive, do not count.

    Returns:
        Shape (N,), in [0, 1], with the precision of float32; NaN where a region is missing.
    """
    result = np.full(len(a), np.nan)
    known = np.flatnonzero(~(np.isnan(a).any(axis=(1, 2)) | np.isnan(b).any(axis=(1, 2))))
    if known.size:
        result[known] = _overlaps(a[known], b[known], bounds)
    return result


def corners_of_boxes(boxes: Boxes) -> Corners:
    """Corners at x and x + width, without the toolkit's newer - 1; added in float64, kept in float32."""
    x, y = boxes[:, 0], boxes[:, 1]
    right, bottom = x + boxes[:, 2], y + boxes[:, 3]
    return np.stack([x, y, right, y, right, bottom, x, bottom], axis=1).reshape(-1, 4, 2).astype(np.float32)


def corners_of(regions: Sequence[Region | None]) -> Corners:
    """Corners of boxes and polygons; NaN where a region is None.

    Raises:
        ValueError: A region is a mask, which has no corners.
    """
    rows = [_corners(region) for region in regions]
    count = max((len(row) for row in rows), default=4)
    if all(len(row) == count for row in rows):
        return np.array(rows, dtype=np.float32).reshape(-1, count, 2)
    padded = [np.vstack([row, np.repeat(row[-1:], count - len(row), axis=0)]) for row in rows]
    return np.array(padded, dtype=np.float32)


def _corners(region: Region | None) -> Floats:
    if region is None:
        return np.full((4, 2), np.nan)
    if isinstance(region, Mask):
        raise ValueError("a mask has no corners")
    if isinstance(region, Box):
        right, bottom = region.x + region.width, region.y + region.height
        return np.array([[region.x, region.y], [right, region.y], [right, bottom], [region.x, bottom]])
    return region.points


def _overlaps(a: Corners, b: Corners, bounds: tuple[int, int] | None) -> Floats:
    low_a, high_a = _clipped_bounds(a, bounds)
    low_b, high_b = _clipped_bounds(b, bounds)
    origin = np.minimum(low_a, low_b)
    size = (np.maximum(high_a, high_b) - origin).astype(np.int64) + 1
    meet = np.flatnonzero(_may_overlap(low_a, high_a, low_b, high_b) & (size >= 1).all(axis=1))
    result = np.zeros(len(a))
    if meet.size:
        first, second = _on_grid(a[meet], origin[meet]), _on_grid(b[meet], origin[meet])
        common, union = _count(first, second, size[meet])
        with np.errstate(invalid="ignore"):
            result[meet] = common.astype(np.float32) / union.astype(np.float32)
    return result


def _clipped_bounds(corners: Corners, bounds: tuple[int, int] | None) -> tuple[Corners, Corners]:
    low, high = np.floor(corners.min(axis=1)), np.ceil(corners.max(axis=1))
    if bounds is None:
        return low, high
    limit = np.array(bounds, dtype=np.float32)
    return np.maximum(low, np.float32(0)), np.minimum(high, limit)


def _may_overlap(low_a: Corners, high_a: Corners, low_b: Corners, high_b: Corners) -> NDArray[np.bool_]:
    """The toolkit's early exits, with its arithmetic: two negative sides, of a region beyond the bounds, multiply."""
    area_a, area_b = (high_a - low_a).prod(axis=1), (high_b - low_b).prod(axis=1)
    common = (np.minimum(high_a, high_b) - np.maximum(low_a, low_b)).prod(axis=1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratio = area_a.astype(np.float64) / area_b.astype(np.float64)
        inverse = area_b.astype(np.float64) / area_a.astype(np.float64)
        apart = common / (area_a + area_b - common) <= 0
    result: NDArray[np.bool_] = ~((ratio < 1e-10) | (inverse < 1e-10) | apart)
    return result


def _on_grid(corners: Corners, origin: Corners) -> Ints:
    """Corners relative to the origin, rounded half away from zero as C rounds."""
    moved = (corners - origin[:, None]).astype(np.float64)
    return np.trunc(moved + np.copysign(0.5, moved)).astype(np.int64)


def _count(a: Ints, b: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Pixels in both and pixels in either, of corresponding polygons."""
    counts = compiled.count_pixels(a, b, size)
    if counts is None:
        parts = [_count_rows(a[chunk], b[chunk], size[chunk]) for chunk in _chunks(size[:, 1])]
        counts = np.concatenate(parts)
    common = counts[:, 2]
    return common, counts[:, 0] + counts[:, 1] - common


def _chunks(heights: Ints) -> list[slice]:
    """Runs of polygons with about ``_ROWS_AT_ONCE`` rows each."""
    group = np.cumsum(heights) // _ROWS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(heights)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def _count_rows(a: Ints, b: Ints, size: Ints) -> Ints:
    """Shape (N, 3): pixels of the first, of the second, of both."""
    heights = size[:, 1]
    starts = np.cumsum(heights) - heights
    pair = np.repeat(np.arange(len(a)), heights)
    row = np.arange(pair.size) - starts[pair]
    last = size[pair, 0] - 1
    first, second = _intervals(a, pair, row, last), _intervals(b, pair, row, last)
    per_row = [_lengths(first), _lengths(second), _common_lengths(first, second)]
    return np.stack([np.add.reduceat(counts, starts) for counts in per_row], axis=1)


def _intervals(corners: Ints, pair: Ints, row: Ints, last: Ints) -> Intervals:
    """What each polygon covers of each of its rows, from column 0 to ``last``."""
    left, right = _rectangle_intervals(corners, pair, row) or _polygon_intervals(corners, pair, row, last)
    return np.maximum(left, 0), np.minimum(right, last)


def _rectangle_intervals(corners: Ints, pair: Ints, row: Ints) -> Intervals | None:
    """The short way, where all are upright rectangles."""
    x, y = corners[..., 0], corners[..., 1]
    upright = corners.shape[1] == 4 and (x == x[:, [3, 2, 1, 0]]).all() and (y == y[:, [1, 0, 3, 2]]).all()
    if not upright:
        return None
    low, high = corners.min(axis=1), corners.max(axis=1)
    # Without width the two crossings are equal, without height there are none: nothing is filled either way.
    high[(low == high).any(axis=1)] = low.min() - 1
    inside = (low[pair, 1] <= row) & (row <= high[pair, 1])
    return low[pair, 0][None], np.where(inside, high[pair, 0], -1)[None]


def _polygon_intervals(corners: Ints, pair: Ints, row: Ints, last: Ints) -> Intervals:
    nodes = _crossings(corners, pair, row)
    nodes.sort(axis=0)
    left = np.zeros((max(len(nodes) // 2, 1), pair.size), dtype=np.int64)
    right = np.full_like(left, -1)
    several = nodes[2] != _NONE
    two = (nodes[1] != _NONE) & (nodes[0] != nodes[1]) & ~several & (nodes[0] <= last)
    left[0, two], right[0, two] = nodes[0, two], nodes[1, two]
    some = np.flatnonzero(several)
    left[:, some], right[:, some] = _walk(nodes[:, some], last[some])
    return left, right


def _crossings(corners: Ints, pair: Ints, row: Ints) -> Ints:
    """Shape (K, R): columns where edges cross rows, both end rows of an edge included; ``_NONE`` elsewhere."""
    nodes = np.full((corners.shape[1], pair.size), _NONE)
    for index in range(corners.shape[1]):
        (x, y), (other_x, other_y) = corners[:, index].T, corners[:, index - 1].T
        low = np.where(y == other_y, _NONE, np.minimum(y, other_y))
        high = np.maximum(y, other_y)
        hit = np.flatnonzero((low[pair] <= row) & (row <= high[pair]))
        at = pair[hit]
        # The order of these operations decides which way a crossing is truncated.
        steps = (row[hit] - y[at]) / (other_y - y)[at] * (other_x - x)[at]
        nodes[index, hit] = (x[at] + steps).astype(np.int64)
    return nodes


def _walk(nodes: Ints, last: Ints) -> Intervals:
    """Intervals between sorted crossings; of two equal ones, which a corner gives, the first is dropped."""
    columns = np.arange(nodes.shape[1])
    left = np.zeros((len(nodes) // 2, columns.size), dtype=np.int64)
    right = np.full_like(left, -1)
    position, filled, covered = (np.full(columns.size, start) for start in (0, 0, -1))
    for index in range(len(nodes) - 1):
        begin, end = nodes[index], nodes[index + 1]
        here = (position == index) & (end != _NONE) & (begin <= last)
        fill = np.flatnonzero(here & (begin != end))
        left[filled[fill], fill] = np.maximum(begin[fill], covered[fill] + 1)
        right[filled[fill], fill] = covered[fill] = end[fill]
        filled[fill] += 1
        position = np.where(here, index + 1, position)
        position[fill] = index + 2
    return left, right


def _lengths(intervals: Intervals) -> Ints:
    left, right = intervals
    result: Ints = np.maximum(right - left + 1, 0).sum(axis=0)
    return result


def _common_lengths(a: Intervals, b: Intervals) -> Ints:
    total = np.zeros(a[0].shape[1], dtype=np.int64)
    for left, right in zip(*a, strict=True):
        total += np.maximum(np.minimum(right, b[1]) - np.maximum(left, b[0]) + 1, 0).sum(axis=0)
    return total
