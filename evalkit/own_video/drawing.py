"""Draw a tracker's region, its confidence and the frame number into an image."""

from __future__ import annotations

import math

import cv2
import numpy as np

from evalkit.geometry import bounding_box, box_corners
from evalkit.protocols.live import LiveFrame
from evalkit.types import Floats, Image, Mask, Polygon, Region

COLOR = (255, 40, 40)
"""Red, green and blue of the outline."""


def draw(frame: LiveFrame, label: str) -> Image:
    """Return a copy of the image with the outline of the region, the confidence, the label and the frame number."""
    picture = frame.image.copy()
    height, width = picture.shape[:2]
    line, scale = max(1, round(min(height, width) / 240)), max(0.4, min(height, width) / 900)
    if frame.region is not None:
        corners = np.round(_corners(frame.region)).astype(np.int32)
        cv2.polylines(picture, [corners], True, COLOR, line, cv2.LINE_8)
        if not math.isnan(frame.confidence):
            place = (int(corners[:, 0].min()), max(round(24 * scale), int(corners[:, 1].min()) - 4))
            _write(picture, f"{frame.confidence:.2f}", place, scale, line)
    text = f"{frame.number}  {label}" if frame.region is not None else f"{frame.number}  {label}  target not found"
    _write(picture, text, (6, height - 8), scale, line)
    return picture


def _write(picture: Image, text: str, place: tuple[int, int], scale: float, line: int) -> None:
    for color, thickness in (((0, 0, 0), line + 2), ((255, 255, 255), line)):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, thickness, cv2.LINE_AA)


def _corners(region: Region) -> Floats:
    if isinstance(region, Polygon):
        return region.points
    if isinstance(region, Mask):
        contours, _ = cv2.findContours(region.bitmap.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        if contours:
            largest = max(contours, key=cv2.contourArea)
            points: Floats = largest.reshape(-1, 2).astype(np.float64) + np.array([region.x, region.y])
            return points
    return box_corners(bounding_box(region))
