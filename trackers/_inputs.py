"""Checks and conversions of the images and regions that trackers are given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.geometry import equal_area_box
from evalkit.types import Image, Region


def as_rgb(image: NDArray[Any]) -> Image:
    """Return an image as uint8 (H, W, 3); the channel of a grey image is repeated.

    Raises:
        EvalkitError: The image has another type or number of channels, or no pixel.
    """
    if image.dtype != np.uint8:
        raise EvalkitError(
            "trackers take 8-bit images", where="frame", found=f"{image.dtype} values", expected="uint8",
            hint="Scale the values to 0..255 first; the right factor depends on the camera",
        )  # fmt: skip
    if image.ndim == 3 and image.shape[2] == 3 and image.size:
        return image
    if image.size and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1)):
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    raise EvalkitError("invalid shape of an image", where="frame", found=image.shape, expected="(H, W, 3) or (H, W)")


def start_box(region: Region) -> tuple[float, float, float, float]:
    """Return centre x, centre y, width and height of the first region; polygons are converted as VOT trackers do.

    Raises:
        EvalkitError: The region has no area, or is not finite.
    """
    box = equal_area_box(region)
    if not all(map(math.isfinite, box)) or box[2] <= 0 or box[3] <= 0:
        found = ", ".join(f"{value:g}" for value in box)
        raise EvalkitError(
            "a tracker cannot start from this region", where="initialize", found=f"centre and size {found}",
            expected="finite numbers, width and height above 0",
        )  # fmt: skip
    return box
