"""Positions and sizes of the anchors of a response, and the cosine window over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Anchors:
    """The N candidates of a response, for one size of the search crop.

    Anchor-free networks have one point per cell, others several boxes.

    Attributes:
        window: Shape (N,), the cosine window, in [0, 1].
        x, y: Shape (N,), centres relative to the middle of the search crop, in pixels of the crop.
        width, height: Shape (N,), sizes in pixels of the crop; empty for anchor-free networks.
    """

    window: NDArray[Any]
    x: NDArray[Any]
    y: NDArray[Any]
    width: NDArray[Any]
    height: NDArray[Any]


@lru_cache(maxsize=32)
def place_anchors(cells: int, stride: int, sizes: tuple[tuple[float, float], ...] = ()) -> Anchors:
    """Place anchors on a response of ``cells`` by ``cells`` cells, shape by shape, each row by row.

    Coordinates are counted from cell ``cells // 2``: with an even number of cells the grid reaches one cell further to
    the left and to the top than to the right and to the bottom, and the window has four equal maxima. Both are as in
    the official code.

    Args:
        cells: Cells along one side of the response.
        stride: Pixels of the search crop from one cell to the next.
        sizes: Width and height of each anchor shape, in pixels of the crop; empty for anchor-free networks.

    Returns:
        Read-only arrays; the result is cached.
    """
    along = (np.arange(cells) - cells // 2) * float(stride)
    copies = max(1, len(sizes))
    window = np.outer(np.hanning(cells), np.hanning(cells)).ravel()
    shapes = np.array(sizes, dtype=np.float64).reshape(-1, 2)
    anchors = Anchors(
        window=np.tile(window, copies),
        x=np.tile(along, cells * copies),
        y=np.tile(np.repeat(along, cells), copies),
        width=np.repeat(shapes[:, 0], cells * cells),
        height=np.repeat(shapes[:, 1], cells * cells),
    )
    for array in vars(anchors).values():
        array.flags.writeable = False
    return anchors
