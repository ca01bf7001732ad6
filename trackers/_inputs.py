"""What a tracker is given, checked and brought into the one form that trackers work on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.geometry import equal_area_box
from evalkit.types import Image, Region


def rgb(image: NDArray[Any]) -> Image:
    """The image as uint8 (H, W, 3); a grey one is spread over three channels.

    Raises:
        EvalkitError: It has another type or number of channels, or no pixel.
    """
    if image.dtype != np.uint8:
        raise EvalkitError(
            "trackers take 8-bit images", where="frame", found=f"{image.dtype} values", expected="uint8",
            hint="Scale the values to 0..255 first: how is for you to say, not for the tracker to guess",
        )  # fmt: skip
    if image.ndim == 3 and image.shape[2] == 3 and image.size:
        return image
    if image.size and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1)):
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    raise EvalkitError("this is not an image a tracker can see", where="frame", found=image.shape, expected="(H, W, 3)")


def start(region: Region) -> tuple[float, float, float, float]:
    """Centre x, centre y, width and height to start from; of a polygon as VOT trackers take it.

    Raises:
        EvalkitError: It has no extent, or is not finite.
    """
    box = equal_area_box(region)
    if not all(map(math.isfinite, box)) or box[2] <= 0 or box[3] <= 0:
        found = ", ".join(f"{value:g}" for value in box)
        raise EvalkitError(
            "a tracker cannot start from this region", where="initialize", found=f"centre and size {found}",
            expected="finite numbers, a width and a height above 0",
        )  # fmt: skip
    return box
