"""Selection of the candidate that is taken for the target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def size_change_penalty(boxes: NDArray[Any], width: float, height: float, penalty_k: float) -> NDArray[Any]:
    """Return a factor per box that falls from 1 as its scale and aspect ratio differ more from the last size.

    Args:
        boxes: Shape (4, N): centre x, centre y, width, height.
        width, height: Last size of the target, in the unit of the boxes.
        penalty_k: Strength of the penalty.

    Returns:
        Shape (N,), in (0, 1]; 0 for a box without area, NaN for a box of zero width and height, as in the official
        code.
    """
    scale = _change(padded_side(boxes[2], boxes[3]) / padded_side(width, height))
    aspect = _change((width / height) / (boxes[2] / boxes[3]))
    penalty: NDArray[Any] = np.exp((1.0 - scale * aspect) * penalty_k)
    return penalty


def select_candidate(score: NDArray[Any], penalty: NDArray[Any], window: NDArray[Any], influence: float) -> int:
    """Return the index of the best candidate by penalised score and cosine window; of equal ones the first.

    Args:
        score, penalty, window: Shape (N,).
        influence: Weight of the window, in [0, 1].

    Returns:
        An index; a candidate with NaN is never preferred to one with a number.
    """
    value = (penalty * score) * (1.0 - influence) + window * influence
    best = int(value.argmax())
    if math.isnan(value[best]):  # argmax stops at the first NaN
        best = int(np.where(np.isnan(value), -np.inf, value).argmax())
    return best


def padded_side(width: Any, height: Any) -> Any:
    """Return the side of the square with the area of a box that is padded by half of its width plus height."""
    margin = (width + height) * 0.5
    return np.sqrt((width + margin) * (height + margin))


def _change(ratio: NDArray[Any]) -> NDArray[Any]:
    change: NDArray[Any] = np.maximum(ratio, 1.0 / ratio)
    return change
