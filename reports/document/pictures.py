"""Encoded pictures of frames."""

from __future__ import annotations

import cv2

from evalkit.types import Image


def encode_jpeg(image: Image, *, width: int = 480, quality: int = 82) -> bytes:
    """Return a frame as JPEG.

    Args:
        image: The frame.
        width: Width in pixels, at most; a wider frame is made smaller.
        quality: Quality of the JPEG, up to 100.
    """
    scale = min(1.0, width / image.shape[1])
    extent = round(image.shape[1] * scale), round(image.shape[0] * scale)
    small = cv2.resize(image, extent, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()
