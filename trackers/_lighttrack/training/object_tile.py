"""Objects fitted to tiles of equal size, from pictures with an alpha channel."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

OBJECT_SIDE = 96
"""Side of an object tile, in pixels."""
HULL_POINTS = 48
"""Number of outline points per object."""

Picture: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), RGB, or (H, W, 4), RGB and opacity."""

_ANGLES = np.arange(HULL_POINTS) * (2 * np.pi / HULL_POINTS)
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


class ObjectTile(NamedTuple):
    """One object, stretched to a tile whose four edges it touches.

    Attributes:
        picture: Shape (``OBJECT_SIDE``, ``OBJECT_SIDE``, 4), RGB and opacity.
        aspect: Width over height before it was stretched.
        hull: Shape (``HULL_POINTS``, 2): outermost points of the outline, x and y in -1..1 of the tile.
    """

    picture: Picture
    aspect: float
    hull: NDArray[np.float32]


def fit_to_tile(picture: Picture) -> ObjectTile | None:
    """Return the opaque part of a picture as a tile; None if that part is too small, thin or elongated."""
    solid = picture[..., 3] >= 128
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if rows.size < 8 or columns.size < 8:
        return None
    part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    aspect = part.shape[1] / part.shape[0]
    if not 0.2 < aspect < 5:
        return None
    tile = cv2.resize(part, (OBJECT_SIDE, OBJECT_SIDE), interpolation=cv2.INTER_AREA)
    solid = tile[..., 3] >= 128
    return ObjectTile(tile.astype(np.uint8), aspect, _hull(solid)) if solid.any() else None


def _hull(solid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the corner of a pixel of the mask that lies farthest in each direction."""
    y, x = np.nonzero(_row_ends(solid))
    points = np.concatenate([np.stack([x + dx, y + dy], axis=1) for dx in (0, 1) for dy in (0, 1)])
    points = points.astype(np.float32) * (2 / OBJECT_SIDE) - 1
    hull: NDArray[np.float32] = points[(points @ _DIRECTIONS).argmax(axis=0)]
    return hull


def _row_ends(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask without the pixels between the ends of a row, beyond which they never lie.

    The top and the bottom row are whole: in their direction all pixels are equally far, but for rounding.
    """
    rows = np.flatnonzero(solid.any(axis=1))
    ends = np.zeros_like(solid)
    ends[rows, solid[rows].argmax(axis=1)] = True
    ends[rows, solid.shape[1] - 1 - solid[rows, ::-1].argmax(axis=1)] = True
    ends[rows[[0, -1]]] = solid[rows[[0, -1]]]
    return ends
