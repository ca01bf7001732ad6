"""Overlap as vot-toolkit computes it (VOT2020 and later, and its own supervised and long-term analyses).

It differs from ``region.c``: corners are rounded half to even, a rectangle ends at x + width - 1, the bounds are the
pixels of the image, two regions without extent are identical, and masks are supported.

Source: ``vot/region/raster.py`` of vot-toolkit 0.9.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import scanline
from evalkit.types import Box, Floats, Mask, Polygon, Region

Ints = NDArray[np.int64]
Bitmap = NDArray[np.bool_]

_TOOLKIT = scanline.Rule.TOOLKIT


def overlaps(
    a: Sequence[Region | None],
    b: Sequence[Region | None],
    bounds: tuple[int, int],
    ignore: Sequence[Region | None] | None = None,
) -> Floats:
    """Compute the overlap of corresponding regions.

    Args:
        a, b: Regions; None is a region without pixels (an initialisation, a failure, an absent target).
        bounds: Width and height of the image.
        ignore: Regions whose pixels are not counted, one per pair.

    Returns:
        Shape (N,), in [0, 1].
    """
    first, second = [_as_read(region) for region in a], [_as_read(region) for region in b]
    outlined = np.zeros(len(first), bool) if ignore is not None else _both_have_four_corners(first, second)
    result = np.empty(len(first))
    for index in np.flatnonzero(~outlined).tolist():
        left_out = None if ignore is None else ignore[index]
        result[index] = _overlap_of_bitmaps(first[index], second[index], bounds, left_out)
    if outlined.any():
        chosen = np.flatnonzero(outlined).tolist()
        one, other = (_outlines([regions[index] for index in chosen]) for regions in (first, second))
        result[chosen] = _overlaps_of_outlines(one, other, bounds)
    return result


def is_empty(region: Region | None) -> bool:
    """Return whether the toolkit treats an annotation as an absent target.

    A mask of a single row or column of pixels is one: ``Mask.is_empty`` compares the far corner with 0, and a mask that
    was read from text begins at its first pixel.
    """
    if region is None:
        return True
    if isinstance(region, Box):
        return not (region.width > 0 and region.height > 0)
    if isinstance(region, Polygon):
        points = region.points.astype(np.float32)
        return bool((points.min(axis=0) == points.max(axis=0)).any())
    if region.as_stored:
        return 0 in _extent_of_bitmap(region.bitmap)[2:]
    cropped = _as_read(region)
    return not isinstance(cropped, Mask) or min(cropped.bitmap.shape) < 2


def _as_read(region: Region | None) -> Region | None:
    """Return the region as the toolkit has it after reading it from text: a mask is cropped to its pixels.

    A mask without pixels, or with all of its pixels in the first column, becomes empty and moves to the corner of the
    image (``Mask._optimize``). Masks of binary files are left as they are.
    """
    if not isinstance(region, Mask) or region.as_stored:
        return region
    left, top, right, bottom = _extent_of_bitmap(region.bitmap)
    if right == 0:
        return Mask(np.zeros((0, 0), bool))
    return Mask(region.bitmap[top : bottom + 1, left : right + 1], region.x + left, region.y + top)


def _both_have_four_corners(a: Sequence[Region | None], b: Sequence[Region | None]) -> Bitmap:
    pairs = zip(a, b, strict=True)
    return np.array([_has_four_corners(one) and _has_four_corners(other) for one, other in pairs], bool)


def _has_four_corners(region: Region | None) -> bool:
    return region is None or isinstance(region, Box) or (isinstance(region, Polygon) and len(region.points) == 4)


@dataclass(frozen=True, eq=False)
class _Outlines:
    """Regions with four corners, rounded to the grid.

    Attributes:
        corners: Shape (N, 4, 2).
        low, high: Shape (N, 2): first and last pixel; a box of size 0 has its last before its first.
        filled: Shape (N,), True where the region has pixels.
    """

    corners: Ints
    low: Ints
    high: Ints
    filled: Bitmap


def _outlines(regions: Sequence[Region | None]) -> _Outlines:
    rows = np.zeros((len(regions), 8))
    is_box = np.zeros(len(regions), bool)
    filled = np.ones(len(regions), bool)
    for index, region in enumerate(regions):
        if isinstance(region, Box):
            rows[index, :4] = region.x, region.y, region.width, region.height
            is_box[index] = True
        elif isinstance(region, Polygon):
            rows[index] = region.points.ravel()
        else:
            filled[index] = False
    farthest = np.full(rows.shape, scanline.FARTHEST)
    farthest[is_box, 2:4] *= 2  # a width is the difference of two coordinates
    rows = np.rint(np.clip(rows, -farthest, farthest).astype(np.float32))
    x, y, width, height = rows[is_box, :4].T
    right, bottom = x + width - 1, y + height - 1
    rows[is_box] = np.stack([x, y, right, y, right, bottom, x, bottom], axis=1)
    filled[is_box] = (width > 0) & (height > 0)
    corners = rows.reshape(-1, 4, 2).astype(np.int64)
    low, high = corners.min(axis=1), corners.max(axis=1)
    low[is_box], high[is_box] = corners[is_box, 0], corners[is_box, 2]
    return _Outlines(corners, low, high, filled)


def _overlaps_of_outlines(a: _Outlines, b: _Outlines, bounds: tuple[int, int]) -> Floats:
    low, high = np.minimum(a.low, b.low), np.maximum(a.high, b.high)
    result: Floats = np.any(low >= high, axis=1).astype(np.float64)
    low, high = np.maximum(low, 0), np.minimum(high, np.array(bounds) - 1)
    drawn = np.flatnonzero((low < high).all(axis=1) & (result == 0) & a.filled & b.filled)
    if drawn.size:
        shift, size = low[drawn, None], (high - low + 1)[drawn]
        common, union = scanline.count(a.corners[drawn] - shift, b.corners[drawn] - shift, size, _TOOLKIT)
        result[drawn] = common / np.maximum(union, 1)
    return result


def _overlap_of_bitmaps(a: Region | None, b: Region | None, bounds: tuple[int, int], ignore: Region | None) -> float:
    extents = np.array([_extent(a), _extent(b)])
    low, high = extents[:, :2].min(axis=0), extents[:, 2:].max(axis=0)
    if (low >= high).any():
        return 1.0
    low, high = np.maximum(low, 0), np.minimum(high, np.array(bounds) - 1)
    if (low >= high).any():
        return 0.0
    first, second = bitmap(a, low, high), bitmap(b, low, high)
    counts = ~bitmap(ignore, low, high)
    union = int(((first | second) & counts).sum())
    return int((first & second & counts).sum()) / union if union else 0.0


def bitmap(region: Region | None, low: Ints, high: Ints) -> Bitmap:
    """Rasterise the part of a region between two corners, both included.

    Args:
        low, high: The corners, x and y, shape (2,).

    Returns:
        Shape (height, width).
    """
    width, height = (high - low + 1).tolist()
    canvas = np.zeros((height, width), bool)
    if isinstance(region, Mask):
        _paste(region, low, canvas)
        return canvas
    if region is None or (isinstance(region, Box) and not _outlines([region]).filled[0]):
        return canvas
    outline = _corners(region)
    rows = np.arange(height)
    ones = np.zeros(height, dtype=np.int64)
    left, right = scanline.intervals(outline[None] - low, ones, rows, ones + width - 1, _TOOLKIT)
    # Each interval adds 1 at its begin and subtracts it after its end.
    changes = np.zeros((height, width + 1), dtype=np.int32)
    interval, row = np.nonzero(left <= right)
    np.add.at(changes, (row, left[interval, row]), 1)
    np.add.at(changes, (row, right[interval, row] + 1), -1)
    return changes.cumsum(axis=1)[:, :width] > 0


def _corners(region: Box | Polygon) -> Ints:
    if isinstance(region, Polygon):
        grid: Ints = np.rint(scanline.clipped(region.points)).astype(np.int64)
        return grid
    corners: Ints = _outlines([region]).corners[0]
    return corners


def _paste(mask: Mask, low: Ints, canvas: Bitmap) -> None:
    left, top = mask.x - int(low[0]), mask.y - int(low[1])
    height, width = mask.bitmap.shape
    rows = slice(max(top, 0), max(min(top + height, canvas.shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + width, canvas.shape[1]), 0))
    canvas[rows, columns] = mask.bitmap[
        rows.start - top : max(rows.stop, rows.start) - top,
        columns.start - left : max(columns.stop, columns.start) - left,
    ]


def _extent(region: Region | None) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom, the last two included; all 0 without a region."""
    if isinstance(region, Mask):
        left, top, right, bottom = _extent_of_bitmap(region.bitmap)
        return left + region.x, top + region.y, right + region.x, bottom + region.y
    if isinstance(region, Polygon):
        outline = _corners(region)
        (left, top), (right, bottom) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
        return left, top, right, bottom
    box = _outlines([region])
    (left, top), (right, bottom) = box.low[0].tolist(), box.high[0].tolist()
    return left, top, right, bottom


def _extent_of_bitmap(pixels: Bitmap) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if rows.size == 0:
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
