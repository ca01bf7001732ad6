"""Geometry of boxes and regions. Peculiarities of toolkits belong to the metric profiles that need them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evalkit.types import Box, Boxes, Floats, Mask, Polygon, Region


def overlap(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of corresponding boxes.

    Args:
        a, b: Shape (N, 4), or broadcastable to each other; negative sizes count as empty.

    Returns:
        Shape (N,), in [0, 1]; NaN where a box has NaN, 0 where both are empty.

    >>> overlap(np.array([[0.0, 0.0, 4.0, 4.0]]), np.array([[2.0, 0.0, 4.0, 4.0]])).round(4).tolist()
    [0.3333]
    """
    a_size = np.maximum(a[..., 2:], 0.0)
    b_size = np.maximum(b[..., 2:], 0.0)
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a_size, b[..., :2] + b_size)
    intersection = np.maximum(high - low, 0.0).prod(axis=-1)
    union = a_size.prod(axis=-1) + b_size.prod(axis=-1) - intersection
    result: NDArray[np.float64] = np.divide(intersection, union, out=np.zeros_like(union), where=~(union <= 0.0))
    return result


def bounding_box(region: Region) -> Box:
    """Return the smallest axis-aligned box around a region; an empty mask has a box of size 0.

    A mask's pixel (x, y) covers the square from (x, y) to (x + 1, y + 1).
    """
    if isinstance(region, Box):
        return region
    if isinstance(region, Polygon):
        low, high = region.points.min(axis=0), region.points.max(axis=0)
        return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    rows = np.flatnonzero(region.bitmap.any(axis=1))
    columns = np.flatnonzero(region.bitmap.any(axis=0))
    if rows.size == 0:
        return Box(float(region.x), float(region.y), 0.0, 0.0)
    return Box(
        float(region.x + columns[0]),
        float(region.y + rows[0]),
        float(columns[-1] - columns[0] + 1),
        float(rows[-1] - rows[0] + 1),
    )


def box_corners(box: Box) -> Floats:
    """Return the corners of a box, shape (4, 2): top left, top right, bottom right, bottom left."""
    right, bottom = box.x + box.width, box.y + box.height
    return np.array([[box.x, box.y], [right, box.y], [right, bottom], [box.x, bottom]])


def equal_area_box(region: Region) -> tuple[float, float, float, float]:
    """Return centre x, centre y, width, height of the axis-aligned box that VOT trackers start from.

    For a polygon of four corners: centred on the corners' mean, with the aspect of the bounding box and the
    area of the polygon (as the product of two neighbouring edges), plus one pixel each way. A box keeps its size and
    its centre is x + width / 2. A mask, and a polygon of other than four corners, is taken by its bounding box.

    Source: ``get_axis_aligned_bbox`` in pysot and LightTrack.
    """
    if not isinstance(region, Polygon) or len(region.points) != 4:
        box = bounding_box(region)
        return box.x + box.width / 2, box.y + box.height / 2, box.width, box.height
    points = region.points
    center = points.mean(axis=0)
    box = bounding_box(region)
    edges = np.linalg.norm(points[0] - points[1]) * np.linalg.norm(points[1] - points[2])
    scale = math.sqrt(edges / (box.width * box.height)) if box.width * box.height > 0 else 1.0
    return float(center[0]), float(center[1]), scale * box.width + 1, scale * box.height + 1


def shifted(region: Region, dx: float, dy: float) -> Region:
    """Return the region moved by (dx, dy) pixels; a mask moves by whole pixels."""
    if isinstance(region, Box):
        return Box(region.x + dx, region.y + dy, region.width, region.height)
    if isinstance(region, Polygon):
        return Polygon(region.points + np.array([dx, dy]))
    return Mask(region.bitmap, region.x + round(dx), region.y + round(dy))
