"""The named differences between Siamese trackers, and the numbers their authors tuned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

Response: TypeAlias = tuple[NDArray[Any], ...]
"""What a network answered for one crop: ``cls``, ``reg`` and, for some, more; batch 1."""


def half_to_even(value: float) -> int:
    """Nearest whole number, halves to the even one, as Python rounds."""
    return round(value)


def half_up(value: float) -> int:
    """Nearest whole number, halves upwards."""
    return math.floor(value + 0.5)


def half_away(value: float) -> int:
    """Nearest whole number, halves away from zero, as Python 2 rounded; for values that are not negative."""
    whole = math.floor(value)
    return whole + (value - whole >= 0.5)


def once(rate: float) -> float:
    """Sizes are smoothed once, by the rate itself."""
    return rate


def twice(rate: float) -> float:
    """Sizes are smoothed by the rate, and the outcome by the rate again: the square counts."""
    return rate * rate


@dataclass(frozen=True)
class Hyperparameters:
    """What authors tune per benchmark.

    Attributes:
        penalty_k: Strength of the penalty for a change of scale and aspect.
        window_influence: Weight of the cosine window, in [0, 1].
        lr: Learning rate of the size, in [0, 1].
        small: Side of the search crop.
        big: Side of the search crop for a small target.
        template: Side of the template crop.
        context: Margin around the target, in units of its width plus height.
        ratio: Weight of the plain score where a network gives a second, aligned one.
        lost_below: Long-term trackers are lost below this score ...
        found_above: ... until it exceeds this one.
        lost_size: Side of the search crop while lost; 0 for trackers that are never lost.
        lost_window_influence: Weight of the window while lost.
    """

    penalty_k: float
    window_influence: float
    lr: float
    small: int
    big: int
    template: int = 127
    context: float = 0.5
    ratio: float = 1.0
    lost_below: float = -math.inf
    found_above: float = math.inf
    lost_size: int = 0
    lost_window_influence: float = 0.001

    @property
    def long_term(self) -> bool:
        """Whether the tracker knows that it lost its target, and then searches wider."""
        return self.lost_size > 0


@dataclass(frozen=True)
class Rules:
    """How one family of trackers differs from the others.

    Attributes:
        stride: Pixels of the crop from one cell of the response to the next.
        cells: Cells along a side of the response, for a side of the search crop.
        decode: Scores and boxes of a response.
        corner: Rounds where a crop begins.
        side: Rounds how large a search crop is in the image.
        smoothing: How often the size is smoothed.
        first_pixel: What a starting box's centre is moved by, in pixels: -0.5 where it is x + (w - 1) / 2.
        inside: Whether an answer's corner is kept out of the negative.
        anchors: Widths and heights of the anchors at every cell, in pixels of the crop; empty for points.
    """

    stride: int
    cells: Callable[[int], int]
    decode: Callable[[Response, Layout, Hyperparameters], tuple[NDArray[Any], NDArray[Any]]]
    corner: Callable[[float], int]
    side: Callable[[float], int]
    smoothing: Callable[[float], float]
    first_pixel: float = 0.0
    inside: bool = False
    anchors: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the candidates of a response lie, for one side of the search crop.

    Attributes:
        window: Shape (N,), the cosine window, one value a candidate.
        x, y: Shape (N,), centres in pixels of the crop from its middle.
        width, height: Shape (N,), of the anchors; empty for points.
    """

    window: NDArray[Any]
    x: NDArray[Any]
    y: NDArray[Any]
    width: NDArray[Any]
    height: NDArray[Any]
