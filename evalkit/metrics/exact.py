"""Overlap of polygons as the ratio of their exact areas, without a pixel grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.raster import Corners
from evalkit.types import Floats


def overlaps(a: Corners, b: Corners, bounds: tuple[int, int] | None = None) -> Floats:
    """Compute the area of intersection over the area of union.

    Args:
        a, b: Corners of corresponding regions, shape (N, K, 2). A self-crossing outline contains what any of its loops
            encloses.
        bounds: Width and height of the image, to which both are clipped.

    Returns:
        Shape (N,), in [0, 1]; NaN where a region is missing, 0 where neither has an area.
    """
    import shapely

    result = np.full(len(a), np.nan)
    known = np.flatnonzero(~(np.isnan(a).any(axis=(1, 2)) | np.isnan(b).any(axis=(1, 2))))
    first, second = _polygons(a[known]), _polygons(b[known])
    if bounds is not None:
        image = shapely.box(0, 0, *bounds)
        first = _without_lines(shapely.intersection(first, image))
        second = _without_lines(shapely.intersection(second, image))
    common = shapely.area(shapely.intersection(first, second))
    union = shapely.area(first) + shapely.area(second) - common
    result[known] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return result


def overlaps_in_single_precision(answers: Corners, truth: Corners, bounds: tuple[int, int]) -> Floats:
    """Compute the exact overlap of answers rounded to single precision, which is what VOT's binary files store.

    The text and binary files of one run therefore have the same score. See ``overlaps`` for arguments and result.
    """
    return overlaps(answers.astype(np.float32).astype(np.float64), truth, bounds)


def _polygons(corners: Corners) -> NDArray[np.object_]:
    import shapely

    shapes: NDArray[np.object_] = shapely.polygons(corners.astype(np.float64))
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken])
    return _without_lines(shapes)


def _without_lines(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Remove the points and lines that remain where shapes touch an edge: GEOS fails on mixtures with areas."""
    import shapely

    collection, areal = shapely.GeometryType.GEOMETRYCOLLECTION, 2
    for index in np.flatnonzero(shapely.get_type_id(shapes) == collection):
        parts = shapely.get_parts(shapes[index])
        shapes[index] = shapely.union_all(parts[shapely.get_dimensions(parts) == areal])
    return shapes
