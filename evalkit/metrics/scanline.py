"""Count the pixels of polygons from the intervals of columns that they cover in each row."""

from __future__ import annotations

import itertools
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from evalkit import compiled

Ints = NDArray[np.int64]
Intervals = tuple[Ints, Ints]
"""First and last columns of covered intervals, both of shape (S, R): up to S in each of R rows. last < first: none."""

FARTHEST = 1e18
"""Largest coordinate; larger ones are clipped, so that differences fit into 64 bits and areas into float32."""


def clipped(coordinates: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return coordinates in single precision, those beyond ``FARTHEST`` at it."""
    return np.clip(coordinates, -FARTHEST, FARTHEST).astype(np.float32)


_NONE = np.int64(2**40)
_ROWS_AT_ONCE = 50_000
_FEW_ROWS = 16  # to which sorting by exchanges is faster
_SECONDS_PER_PAIR = 1e-5  # without compiled code


class Rule(Enum):
    """Rasterisation rules of the two toolkits, which differ for horizontal edges and for equal crossings."""

    REGION_C = "region.c of the Matlab toolkit and pysot: horizontal edges add no crossing, equal crossings no pixel"
    TOOLKIT = "vot-toolkit: horizontal edges add one of their ends, the last two crossings are a pixel if equal"


def count(a: Ints, b: Ints, size: Ints, rule: Rule) -> tuple[Ints, Ints]:
    """Count the pixels in the intersection and in the union of corresponding polygons.

    Args:
        a, b: Shape (N, K, 2): corners on the grid; K may differ between them.
        size: Shape (N, 2): number of columns and rows to count in, from 0 on.

    Returns:
        Pixels of the intersections and of the unions, both of shape (N,).
    """
    if compiled.worthwhile(len(a) * _SECONDS_PER_PAIR):
        counts = np.empty((len(a), 3), dtype=np.int64)
        scratch = np.empty((5, max(a.shape[1], b.shape[1])), dtype=np.int64)
        compiled.kernel("count_pixels")(a, b, size, rule == Rule.TOOLKIT, counts, scratch)
    else:
        parts = [_count_rows(a[chunk], b[chunk], size[chunk], rule) for chunk in _chunks(size[:, 1])]
        counts = np.concatenate(parts)
    common = counts[:, 2]
    return common, counts[:, 0] + counts[:, 1] - common


def _chunks(heights: Ints) -> list[slice]:
    """Split the polygons into groups with about ``_ROWS_AT_ONCE`` rows each."""
    group = np.cumsum(heights) // _ROWS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(heights)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def _count_rows(a: Ints, b: Ints, size: Ints, rule: Rule) -> Ints:
    """Return the pixels of the first, of the second, and of their intersection, shape (N, 3)."""
    heights = size[:, 1]
    starts = np.cumsum(heights) - heights
    pair = np.repeat(np.arange(len(a)), heights)
    row = np.arange(pair.size) - starts[pair]
    last = size[pair, 0] - 1
    first, second = intervals(a, pair, row, last, rule), intervals(b, pair, row, last, rule)
    per_row = [_lengths(first), _lengths(second), _common_lengths(first, second)]
    return np.stack([np.add.reduceat(counts, starts) for counts in per_row], axis=1)


def intervals(corners: Ints, pair: Ints, row: Ints, last: Ints, rule: Rule) -> Intervals:
    """Return the intervals of columns that polygons cover in given rows.

    Args:
        corners: Shape (N, K, 2).
        pair: Shape (R,): index of the polygon.
        row: Shape (R,): index of the row.
        last: Shape (R,): last column to count; the first is 0.
    """
    found = _rectangle_intervals(corners, pair, row, rule)
    left, right = found if found is not None else _polygon_intervals(corners, pair, row, last, rule)
    return np.maximum(left, 0), np.minimum(right, last)


def _rectangle_intervals(corners: Ints, pair: Ints, row: Ints, rule: Rule) -> Intervals | None:
    """Return the intervals of upright rectangles, which is faster; None unless all polygons are upright rectangles."""
    x, y = corners[..., 0], corners[..., 1]
    upright = corners.shape[1] == 4 and (x == x[:, [3, 2, 1, 0]]).all() and (y == y[:, [1, 0, 3, 2]]).all()
    if not upright:
        return None
    low, high = corners.min(axis=1), corners.max(axis=1)
    if rule == Rule.REGION_C:
        # Without width the two crossings are equal, without height there are none: in both cases no pixel is filled.
        high[(low == high).any(axis=1)] = low.min() - 1
    inside = (low[pair, 1] <= row) & (row <= high[pair, 1])
    return low[pair, 0][None], np.where(inside, high[pair, 0], -1)[None]


def _polygon_intervals(corners: Ints, pair: Ints, row: Ints, last: Ints, rule: Rule) -> Intervals:
    nodes = _sorted(_crossings(corners, pair, row, rule))
    left = np.zeros((max(len(nodes) // 2, 1), pair.size), dtype=np.int64)
    right = np.full_like(left, -1)
    several = nodes[2] != _NONE
    two = (nodes[1] != _NONE) & ~several & (nodes[0] <= last)
    if rule == Rule.REGION_C:
        two &= nodes[0] != nodes[1]
    left[0, two], right[0, two] = nodes[0, two], nodes[1, two]
    some = np.flatnonzero(several)
    left[:, some], right[:, some] = _pair_crossings(nodes[:, some], last[some], rule)
    return left, right


def _crossings(corners: Ints, pair: Ints, row: Ints, rule: Rule) -> Ints:
    """Return the columns where edges cross rows, both end rows of an edge included, shape (K, R); else ``_NONE``."""
    horizontal = _NONE if rule == Rule.REGION_C else 0
    nodes = np.full((corners.shape[1], pair.size), _NONE)
    for index in range(corners.shape[1]):
        (x, y), (other_x, other_y) = corners[:, index].T, corners[:, index - 1].T
        low = np.minimum(y, other_y) + np.where(y == other_y, horizontal, 0)
        high = np.maximum(y, other_y)
        hit = np.flatnonzero((low[pair] <= row) & (row <= high[pair]))
        at = pair[hit]
        rise = np.where(y == other_y, 1, other_y - y)
        # The order of these operations decides how a crossing is truncated.
        steps = (row[hit] - y[at]) / rise[at] * (other_x - x)[at]
        nodes[index, hit] = (x[at] + steps).astype(np.int64)
    return nodes


def _sorted(nodes: Ints) -> Ints:
    """Sort each column; of few rows by exchanging neighbours, which is then faster."""
    if len(nodes) > _FEW_ROWS:
        return np.sort(nodes, axis=0)
    for end in range(len(nodes) - 1, 0, -1):
        for place in range(end):
            nodes[place], nodes[place + 1] = (
                np.minimum(nodes[place], nodes[place + 1]),
                np.maximum(nodes[place], nodes[place + 1]),
            )
    return nodes


def _pair_crossings(nodes: Ints, last: Ints, rule: Rule) -> Intervals:
    """Return the intervals between sorted crossings; of two equal ones, which a corner causes, the first is dropped."""
    nodes = np.vstack([nodes, np.full((1, nodes.shape[1]), _NONE)])
    columns = np.arange(nodes.shape[1])
    left = np.zeros(((len(nodes) - 1) // 2, columns.size), dtype=np.int64)
    right = np.full_like(left, -1)
    position, filled, covered = (np.full(columns.size, start) for start in (0, 0, -1))
    for index in range(len(nodes) - 2):
        begin, end = nodes[index], nodes[index + 1]
        here = (position == index) & (end != _NONE) & (begin <= last)
        final = (nodes[index + 2] == _NONE) & (rule == Rule.TOOLKIT)
        fill = np.flatnonzero(here & ((begin != end) | final))
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
