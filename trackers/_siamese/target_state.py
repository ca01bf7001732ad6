"""State of a Siamese tracker between two frames, and its limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from evalkit.trackers._siamese.crop import Colour

SMALL_TARGET = 0.004
"""A target that covers a smaller fraction of the image is searched for in the bigger crop."""
SMALLEST_SIDE = 10.0
"""Smallest width and height of the target's state, in pixels."""


@dataclass
class TargetState:
    """State of the target after a frame, in pixels of the image.

    Attributes:
        center: x and y.
        size: Width and height.
        image_size: Width and height of the first frame; positions are kept inside of it.
        colour: Padding colour of crops.
        features: Features of the template.
        search_size: Side of the search crop unless the target is lost.
        lost: Whether the target is lost; always False for short-term trackers.
        scale: Pixels of the last crop per pixel of the image.
    """

    center: tuple[float, float]
    size: tuple[float, float]
    image_size: tuple[int, int]
    colour: Colour
    features: tuple[NDArray[Any], ...]
    search_size: int
    lost: bool = False
    scale: float = math.nan
