"""Decoders: from the response of a network to scores and boxes.

Each function has the type ``rules.Decode``, which describes arguments and results.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.trackers._siamese.anchors import Anchors
from evalkit.trackers._siamese.hyperparameters import Hyperparameters
from evalkit.trackers._siamese.rules import Response


def decode_distances(
    response: Response, anchors: Anchors, hyperparameters: Hyperparameters
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Decode one logit per cell, and the distances from the cell to the left, top, right and bottom of the box.

    Args:
        response: Logits, shape (1, 1, S, S), and distances in pixels of the crop, shape (1, 4, S, S).
        anchors: One point per cell.
        hyperparameters: Not used.
    """
    return sigmoid(response[0].ravel()), _boxes_from_distances(response[1], anchors)


def decode_aligned_distances(
    response: Response, anchors: Anchors, hyperparameters: Hyperparameters
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Decode as ``decode_distances``; the score is averaged with that of a third output, by ``ratio``.

    Args:
        response: As in ``decode_distances``, and the logits of the object-aware branch, shape (1, 1, S, S).
        anchors: One point per cell.
        hyperparameters: ``ratio`` is the weight of the first score.
    """
    plain, aligned = sigmoid(response[0].ravel()), sigmoid(response[2].ravel())
    score = hyperparameters.ratio * plain + (1.0 - hyperparameters.ratio) * aligned
    return score, _boxes_from_distances(response[1], anchors)


def decode_two_class_distances(
    response: Response, anchors: Anchors, hyperparameters: Hyperparameters
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Decode as ``decode_distances``, with two logits per cell: background and target.

    Args:
        response: Logits, shape (1, 2, S, S), and distances in pixels of the crop, shape (1, 4, S, S).
        anchors: One point per cell.
        hyperparameters: Not used.
    """
    return _target_score(response[0].reshape(2, -1)), _boxes_from_distances(response[1], anchors)


def decode_anchor_offsets(
    response: Response, anchors: Anchors, hyperparameters: Hyperparameters
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Decode two logits per anchor, and its shift and change of size.

    Args:
        response: Logits, shape (1, 2A, S, S), A backgrounds before A targets; and offsets, shape (1, 4A, S, S): shifts
            in x and y in units of the anchor's size, logarithms of the factors on its width and height.
        anchors: A boxes per cell.
        hyperparameters: Not used.
    """
    offset = response[1].reshape(4, -1).astype(np.float64)
    boxes = np.empty_like(offset)
    boxes[0] = offset[0] * anchors.width + anchors.x
    boxes[1] = offset[1] * anchors.height + anchors.y
    boxes[2] = np.exp(offset[2]) * anchors.width
    boxes[3] = np.exp(offset[3]) * anchors.height
    return _target_score(response[0].reshape(2, -1)), boxes


def sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    """Return the logistic function in float64; no logit overflows it."""
    value: NDArray[Any] = 0.5 + 0.5 * np.tanh(0.5 * logits.astype(np.float64))
    return value


def _target_score(logits: NDArray[Any]) -> NDArray[Any]:
    # The softmax of two logits is the sigmoid of their difference.
    return sigmoid(logits[1] - logits[0])


def _boxes_from_distances(distance: NDArray[Any], anchors: Anchors) -> NDArray[Any]:
    left, top, right, bottom = distance.reshape(4, -1).astype(np.float64)
    boxes = np.empty((4, left.size))
    boxes[0] = anchors.x + 0.5 * (right - left)
    boxes[1] = anchors.y + 0.5 * (bottom - top)
    boxes[2] = left + right
    boxes[3] = top + bottom
    return boxes
