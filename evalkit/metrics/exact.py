"""The overlap of polygons as areas in the plane, without any grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.raster import Corners

Floats = NDArray[np.float64]


def overlaps(a: Corners, b: Corners, bounds: tuple[int, int] | None = None) -> Floats:
    """Area of intersection over area of union.

    Args:
        a, b: Corners of corresponding regions, shape (N, K, 2); a self-crossing outline holds what any loop encloses.
        bounds: Width and height of the image, which both are clipped to.

    Returns:
        Shape (N,), in [0, 1]; NaN where a region is missing, 0 where neither has an area.
    """
    import shapely

    result = np.full(len(a), np.nan)
    known = np.flatnonzero(~(np.isnan(a).any(axis=(1, 2)) | np.isnan(b).any(axis=(1, 2))))
    first, second = _shapes(a[known]), _shapes(b[known])
    if bounds is not None:
        image = shapely.box(0, 0, *bounds)
        first, second = _areas(shapely.intersection(first, image)), _areas(shapely.intersection(second, image))
    common = shapely.area(shapely.intersection(first, second))
    union = shapely.area(first) + shapely.area(second) - common
    result[known] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return result


def overlaps_of_answers(answers: Corners, truth: Corners, bounds: tuple[int, int]) -> Floats:
    """Exact overlap with answers in single precision, which is what VOT's binary result files keep of them.

    Text and binary files of one run so give one score.
    """
    return overlaps(answers.astype(np.float32).astype(np.float64), truth, bounds)


def _shapes(corners: Corners) -> NDArray[np.object_]:
    import shapely

    shapes: NDArray[np.object_] = shapely.polygons(corners.astype(np.float64))
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken])
    return _areas(shapes)


def _areas(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The same shapes without the points and lines that touching an edge leaves: GEOS fails on mixtures with areas."""
    import shapely

    collection, areal = shapely.GeometryType.GEOMETRYCOLLECTION, 2
    for index in np.flatnonzero(shapely.get_type_id(shapes) == collection):
        parts = shapely.get_parts(shapes[index])
        shapes[index] = shapely.union_all(parts[shapely.get_dimensions(parts) == areal])
    return shapes
