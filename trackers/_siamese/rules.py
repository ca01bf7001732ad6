"""The differences between the Siamese trackers, as named values and functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from evalkit.trackers._siamese.anchors import Anchors, place_anchors
from evalkit.trackers._siamese.hyperparameters import Hyperparameters

Response: TypeAlias = tuple[NDArray[Any], ...]
"""Outputs of the network for one search crop, each with batch size 1: scores, boxes, and for some networks more."""

Decode: TypeAlias = Callable[[Response, Anchors, Hyperparameters], tuple[NDArray[Any], NDArray[Any]]]
"""Function from a response to scores, shape (N,), in [0, 1], and boxes, shape (4, N): centre x, centre y, width and
height in pixels of the search crop, centres relative to its middle. The order is that of the anchors."""


def round_half_to_even(value: float) -> int:
    """Return the nearest whole number, halves to the even one, as Python 3 rounds."""
    return round(value)


def round_half_up(value: float) -> int:
    """Return the nearest whole number, halves upwards."""
    return math.floor(value + 0.5)


def round_half_away_from_zero(value: float) -> int:
    """Return the nearest whole number, halves away from zero, as Python 2 rounded; for values that are >= 0."""
    whole = math.floor(value)
    return whole + (value - whole >= 0.5)


def smooth_once(rate: float) -> float:
    """Return the weight of the new size where the size is smoothed once: the rate itself."""
    return rate


def smooth_twice(rate: float) -> float:
    """Return the weight of the new size where the smoothed size is smoothed again by the same rate: its square."""
    return rate * rate


@dataclass(frozen=True)
class ImageFormat:
    """The input format that a network was trained on; crops are 8-bit RGB and are converted inside the network.

    Attributes:
        bgr: The network expects the channels in the order blue, green, red.
        normalized: The network expects values normalised with ImageNet's mean and deviation instead of 0..255.
    """

    bgr: bool = False
    normalized: bool = False


@dataclass(frozen=True)
class Rules:
    """The differences of one family of Siamese trackers from the others.

    Attributes:
        stride: Pixels of the search crop from one cell of the response to the next.
        cells: Gives the number of cells along a side of the response, for the side of a search crop in pixels.
        decode: Gives scores and boxes of a response.
        round_corner: Rounds the position of a crop's top left corner in the image.
        round_side: Rounds the side of a search crop in the image.
        smoothing: Gives the weight of the new size in the smoothed size: ``smooth_once`` or ``smooth_twice``.
        start_offset: Added to the centre of the first box, in pixels: -0.5 where the authors compute the centre as
            x + (w - 1) / 2.
        clip_corner: The top left corner of an answer is not allowed to be negative.
        anchor_sizes: Widths and heights of the anchors at every cell, in pixels of the crop; empty for anchor-free
            networks.
    """

    stride: int
    cells: Callable[[int], int]
    decode: Decode
    round_corner: Callable[[float], int]
    round_side: Callable[[float], int]
    smoothing: Callable[[float], float]
    start_offset: float = 0.0
    clip_corner: bool = False
    anchor_sizes: tuple[tuple[float, float], ...] = ()

    def anchors(self, crop_side: int) -> Anchors:
        """Return the anchors of a search crop of ``crop_side`` pixels, in the order of ``decode``."""
        return place_anchors(self.cells(crop_side), self.stride, self.anchor_sizes)
