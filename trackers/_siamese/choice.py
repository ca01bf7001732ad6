"""Which candidate of a response is the target, and where that moves the state."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def penalties(boxes: NDArray[Any], width: float, height: float, penalty_k: float) -> NDArray[Any]:
    """How little each box differs from the last size in scale and aspect, in (0, 1].

    Args:
        boxes: Shape (4, N): centre x, centre y, width, height.
        width, height: Of the target, in the unit of the boxes.
        penalty_k: Strength.

    Returns:
        Shape (N,); 0 for a box without area, NaN for one without any extent, as in the official code.
    """
    scale = _change(padded_side(boxes[2], boxes[3]) / padded_side(width, height))
    aspect = _change((width / height) / (boxes[2] / boxes[3]))
    result: NDArray[Any] = np.exp((1.0 - scale * aspect) * penalty_k)
    return result


def choose(score: NDArray[Any], penalty: NDArray[Any], window: NDArray[Any], influence: float) -> int:
    """Index of the best candidate, the first of equals; candidates without a number never win over others."""
    value = (penalty * score) * (1.0 - influence) + window * influence
    best = int(value.argmax())
    if math.isnan(value[best]):  # argmax stops at the first NaN
        best = int(np.where(np.isnan(value), -np.inf, value).argmax())
    return best


def padded_side(width: Any, height: Any) -> Any:
    """Side of the square with the area of a box and its margin of half the width plus height."""
    margin = (width + height) * 0.5
    return np.sqrt((width + margin) * (height + margin))


def _change(ratio: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = np.maximum(ratio, 1.0 / ratio)
    return result
