"""Cutting a square out of an image that it may stick out of, without copying the image."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from evalkit.types import Image

Colour = tuple[int, int, int]


def mean_colour(image: Image) -> Colour:
    """The mean of each channel, cut down to a whole number as the official code does by storing it in bytes."""
    count = image.shape[0] * image.shape[1]
    red, green, blue, _ = cv2.sumElems(image)
    return int(red / count), int(green / count), int(blue / count)


def crop(
    image: Image, center: tuple[float, float], side: int, size: int, *, colour: Colour, corner: Callable[[float], int]
) -> Image:
    """A square of ``side`` pixels around a point, resized to ``size`` pixels.

    Args:
        image: Shape (H, W, 3); not written to.
        center: x and y, 0-based pixels.
        side: In pixels of the image, >= 1.
        size: In pixels of the result.
        colour: Of what lies outside the image.
        corner: How the position of the square's corner is rounded.

    Returns:
        Shape (size, size, 3), contiguous, never a view of ``image``.

    Source: ``get_subwindow_tracking`` in TracKit and LightTrack, ``get_subwindow`` in pysot.
    """
    x, y = corner(center[0] - (side + 1) / 2), corner(center[1] - (side + 1) / 2)
    height, width = image.shape[:2]
    left, top = max(0, -x), max(0, -y)
    right, bottom = max(0, x + side - width), max(0, y + side - height)
    if left + right >= side or top + bottom >= side:
        return np.full((size, size, 3), colour, dtype=np.uint8)
    patch = image[y + top : y + side - bottom, x + left : x + side - right]
    if left or top or right or bottom:
        patch = cv2.copyMakeBorder(patch, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)  # type: ignore[assignment]
    if side == size:
        return np.array(patch)
    return cv2.resize(patch, (size, size), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
