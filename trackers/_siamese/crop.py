"""Crops: square regions of an image that may reach beyond its border, resized to the network's input."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from evalkit.types import Image

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, each in 0..255."""


def mean_colour(image: Image) -> Colour:
    """Return the mean of each channel, truncated to whole numbers as the official code does by storing bytes."""
    count = image.shape[0] * image.shape[1]
    red, green, blue, _ = cv2.sumElems(image)
    return int(red / count), int(green / count), int(blue / count)


def crop_square(
    image: Image,
    center: tuple[float, float],
    side: int,
    size: int,
    *,
    padding: Colour,
    round_corner: Callable[[float], int],
) -> Image:
    """Cut a square of ``side`` pixels around a point and resize it to ``size`` pixels.

    Args:
        image: Shape (H, W, 3); not modified.
        center: x and y, 0-based pixels.
        side: Side in pixels of the image, >= 1.
        size: Side of the result in pixels.
        padding: Colour of the pixels outside of the image.
        round_corner: Rounds the position of the square's top left corner.

    Returns:
        Shape (size, size, 3), contiguous, never a view of ``image``.

    Source: ``get_subwindow_tracking`` in TracKit and LightTrack, ``get_subwindow`` in pysot.
    """
    x, y = round_corner(center[0] - (side + 1) / 2), round_corner(center[1] - (side + 1) / 2)
    height, width = image.shape[:2]
    left, top = max(0, -x), max(0, -y)
    right, bottom = max(0, x + side - width), max(0, y + side - height)
    if left + right >= side or top + bottom >= side:
        return np.full((size, size, 3), padding, dtype=np.uint8)
    patch = image[y + top : y + side - bottom, x + left : x + side - right]
    if left or top or right or bottom:
        patch = cv2.copyMakeBorder(patch, top, bottom, left, right, cv2.BORDER_CONSTANT, value=padding)  # type: ignore[assignment]
    if side == size:
        return np.array(patch)
    return cv2.resize(patch, (size, size), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
