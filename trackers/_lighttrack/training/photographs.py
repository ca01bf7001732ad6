"""Backgrounds and objects cut from photographs and videos in folders.

Windows of the pictures serve as backgrounds. Objects are pictures with an alpha channel, and regions of even colour
inside of photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

BACKGROUND_SIDE = 384
"""Side of a background tile, in pixels."""
OBJECT_SIDE = 96
"""Side of an object tile, in pixels."""
MIN_TEXTURE = 3.0
"""Mean difference of neighbouring pixels from which on a window serves as a background."""

Picture: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), RGB, or (H, W, 4), RGB and opacity."""

_PHOTOGRAPHS = {".jpg", ".jpeg", ".png", ".webp"}
_VIDEOS = {".mp4", ".avi"}
_VIDEO_STEP = 25


def cut_photographs(folders: list[Path], seed: int) -> tuple[list[Picture], list[Picture]]:
    """Cut backgrounds and objects from every photograph and video under some folders.

    Args:
        folders: Searched recursively.
        seed: Decides which regions of the photographs are tried as objects.

    Returns:
        Backgrounds, (``BACKGROUND_SIDE``, ``BACKGROUND_SIDE``, 3), and objects, (H, W, 4) of any size.
    """
    backgrounds: list[Picture] = []
    objects: list[Picture] = []
    random = np.random.default_rng(seed)
    for picture in _read_pictures(folders):
        if picture.shape[2] == 4 and (picture[..., 3] < 128).mean() > 0.05:
            objects.append(picture)
            continue
        for window in _windows(picture[..., :3]):
            if _has_texture(window):
                backgrounds.append(window)
            objects += _segment(window, random)
    return backgrounds, objects


def _read_pictures(folders: list[Path]) -> Iterator[Picture]:
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.suffix.lower() in _PHOTOGRAPHS and path.is_file():
            picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if picture is not None and _is_usable(picture):
                order = [2, 1, 0, 3][: picture.shape[2]]
                yield np.asarray(picture[..., order], dtype=np.uint8)
        elif path.suffix.lower() in _VIDEOS:
            yield from _read_video(path)


def _is_usable(picture: NDArray[np.generic]) -> bool:
    return picture.ndim == 3 and picture.dtype == np.uint8 and min(picture.shape[:2]) >= 48


def _read_video(path: Path) -> Iterator[Picture]:
    """Yield every ``_VIDEO_STEP``-th frame."""
    video = cv2.VideoCapture(str(path))
    index = 0
    while True:
        success, frame = video.read()
        if not success:
            return
        if index % _VIDEO_STEP == 0:
            yield np.ascontiguousarray(frame[..., ::-1])
        index += 1


def _windows(picture: Picture) -> Iterator[Picture]:
    """Yield the middle of the whole picture, then windows of it at two finer scales."""
    for count in (1, 2, 3):
        side = BACKGROUND_SIDE * count
        scale = side / min(picture.shape[:2])
        if scale > 1.6 and count > 1:
            return
        size = (max(round(picture.shape[1] * scale), side), max(round(picture.shape[0] * scale), side))
        resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        for row in range(count):
            for column in range(count):
                y, x = top + row * BACKGROUND_SIDE, left + column * BACKGROUND_SIDE
                yield np.ascontiguousarray(resized[y : y + BACKGROUND_SIDE, x : x + BACKGROUND_SIDE])


def _has_texture(picture: Picture) -> bool:
    # Skies and gradients do not help a network to distinguish a target from its surroundings.
    return float(np.abs(np.diff(picture.astype(np.int16), axis=1)).mean()) >= MIN_TEXTURE


def _segment(picture: Picture, random: np.random.Generator, tries: int = 4) -> list[Picture]:
    """Return regions of even colour as objects: petals, stones, roofs, animals in front of the sky."""
    found: list[Picture] = []
    for _ in range(tries):
        side = int(random.integers(96, 256))
        x, y = random.integers(0, BACKGROUND_SIDE - side, 2)
        window = cv2.resize(
            picture[y : y + side, x : x + side], (OBJECT_SIDE, OBJECT_SIDE), interpolation=cv2.INTER_AREA
        )
        solid = _region_at_middle(np.asarray(window, dtype=np.uint8), tolerance=int(random.integers(6, 22)))
        border = np.concatenate([solid[0], solid[-1], solid[:, 0], solid[:, -1]]).mean() / 255
        if 0.1 < solid.mean() / 255 < 0.7 and border < 0.25:
            found.append(np.dstack([window, cv2.GaussianBlur(solid, (3, 3), 0)]).astype(np.uint8))
    return found


def _region_at_middle(window: Picture, *, tolerance: int) -> NDArray[np.uint8]:
    """Return the mask, 0 or 255, of the region that a flood fill with similar colours reaches from the middle."""
    smooth = cv2.medianBlur(window, 7)
    flooded = np.zeros((OBJECT_SIDE + 2, OBJECT_SIDE + 2), dtype=np.uint8)
    middle = (OBJECT_SIDE // 2, OBJECT_SIDE // 2)
    reach = (tolerance,) * 3
    cv2.floodFill(smooth, flooded, middle, (0, 0, 0), reach, reach, 8 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY)
    mask = cv2.morphologyEx(flooded[1:-1, 1:-1], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = np.zeros_like(mask, dtype=np.uint8)
    cv2.drawContours(solid, [max(outlines, key=cv2.contourArea)], -1, (255,), -1)
    return solid
