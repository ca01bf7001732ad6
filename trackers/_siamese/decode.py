"""From a network's response to scores and boxes.

Every decoder returns the scores, shape (N,), in [0, 1], and the boxes, shape (4, N): centre x, centre y, width and
height in pixels of the crop, centres from its middle; candidates in the order of the layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.trackers._siamese.rules import Hyperparameters, Layout, Response


def distances(
    response: Response, layout: Layout, hyperparameters: Hyperparameters
) -> tuple[NDArray[Any], NDArray[Any]]:
    """``cls``: one logit a cell; ``reg``: distances from the cell to the left, top, right and bottom."""
    return sigmoid(response[0].ravel()), _boxes(response[1], layout)


def aligned_distances(
    response: Response, layout: Layout, hyperparameters: Hyperparameters
) -> tuple[NDArray[Any], NDArray[Any]]:
    """As ``distances``, the score mixed with that of a third output, sampled where the boxes are."""
    plain, aligned = sigmoid(response[0].ravel()), sigmoid(response[2].ravel())
    return hyperparameters.ratio * plain + (1.0 - hyperparameters.ratio) * aligned, _boxes(response[1], layout)


def pair_distances(
    response: Response, layout: Layout, hyperparameters: Hyperparameters
) -> tuple[NDArray[Any], NDArray[Any]]:
    """As ``distances``, with two logits a cell: background and target."""
    return _target(response[0].reshape(2, -1)), _boxes(response[1], layout)


def anchors(response: Response, layout: Layout, hyperparameters: Hyperparameters) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two logits an anchor, all backgrounds first; ``loc``: shift in units of the anchor and logarithm of scale."""
    shift = response[1].reshape(4, -1).astype(np.float64)
    boxes = np.empty_like(shift)
    boxes[0] = shift[0] * layout.width + layout.x
    boxes[1] = shift[1] * layout.height + layout.y
    boxes[2] = np.exp(shift[2]) * layout.width
    boxes[3] = np.exp(shift[3]) * layout.height
    return _target(response[0].reshape(2, -1)), boxes


def sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    """In float64; no logit overflows it."""
    result: NDArray[Any] = 0.5 + 0.5 * np.tanh(0.5 * logits.astype(np.float64))
    return result


def _target(logits: NDArray[Any]) -> NDArray[Any]:
    # The softmax of two is the sigmoid of their difference.
    return sigmoid(logits[1] - logits[0])


def _boxes(distance: NDArray[Any], layout: Layout) -> NDArray[Any]:
    left, top, right, bottom = distance.reshape(4, -1).astype(np.float64)
    boxes = np.empty((4, left.size))
    boxes[0] = layout.x + 0.5 * (right - left)
    boxes[1] = layout.y + 0.5 * (bottom - top)
    boxes[2] = left + right
    boxes[3] = top + bottom
    return boxes
