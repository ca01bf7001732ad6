"""Boxes, polygons, masks and images, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Boxes: TypeAlias = NDArray[np.float64]
"""Shape (N, 4): x, y of the top left corner, width, height, in pixels. A NaN row: no annotation, or no answer."""


Image: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), RGB."""


Floats: TypeAlias = NDArray[np.float64]
"""Any float64 array; its shape is documented where it is used."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle: top left corner and size, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def array(self) -> NDArray[np.float64]:
        """Shape (4,): x, y, width, height."""
        return np.array([self.x, self.y, self.width, self.height], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Polygon:
    """A closed polygon.

    Attributes:
        points: Shape (K, 2), K >= 3: x, y of each corner in order.
    """

    points: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mask:
    """A set of pixels.

    Attributes:
        bitmap: Shape (h, w), boolean; the mask's own bounding rectangle or a larger one.
        x: Column of the bitmap's first column in the image.
        y: Row of the bitmap's first row in the image.
        as_stored: True for a mask of a binary result file. vot-toolkit uses its bitmap as stored, while it crops masks
            of text files to their pixels; this matters only for masks without pixels or of a single row or column.
    """

    bitmap: NDArray[np.bool_]
    x: int = 0
    y: int = 0
    as_stored: bool = False


Region: TypeAlias = Box | Polygon | Mask
"""One target region."""
