"""Backgrounds and objects cut from photographs and videos in folders.

Windows of the pictures serve as backgrounds. Objects are pictures with an alpha channel, and regions of even colour
inside of photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.io.image_size import image_size
from evalkit.runtimes.availability import usable_cores
from evalkit.trackers._lighttrack.training.object_tile import OBJECT_SIDE, ObjectTile, Picture, fit_to_tile

BACKGROUND_SIDE = 384
"""Side of a background tile, in pixels."""
MIN_TEXTURE = 3.0
"""Mean difference of neighbouring pixels from which on a window serves as a background."""

_FINEST = 3  # windows per row and column at the finest scale
_JPEG = {".jpg", ".jpeg"}
_PHOTOGRAPHS = {*_JPEG, ".png", ".webp"}
_VIDEOS = {".mp4", ".avi"}
_VIDEO_STEP = 25


def cut_photographs(folders: list[Path], seed: int) -> tuple[list[Picture], list[ObjectTile]]:
    """Cut backgrounds and objects from every photograph and video under some folders.

    A file that is reached by several links or folders is read once: otherwise its tiles would be in the training part
    and in the held-out part of a bank. There are as many threads as cores; their number does not change the result.

    Args:
        folders: Searched recursively.
        seed: Decides, with the position of a file among the others, which regions of it are tried as objects.

    Returns:
        Backgrounds, (``BACKGROUND_SIDE``, ``BACKGROUND_SIDE``, 3), and objects.
    """
    files = _find_files(folders)
    seeds = [[seed, index] for index in range(len(files))]
    with ThreadPoolExecutor(usable_cores()) as pool:
        cut = list(pool.map(_cut_file, files, seeds))
    return [tile for tiles, _ in cut for tile in tiles], [tile for _, tiles in cut for tile in tiles]


def _find_files(folders: list[Path]) -> list[Path]:
    found = (path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _PHOTOGRAPHS | _VIDEOS)
    unique: dict[Path, Path] = {}
    for path in sorted(found):
        if path.is_file():
            unique.setdefault(path.resolve(), path)
    return list(unique.values())


def _cut_file(path: Path, seed: list[int]) -> tuple[list[Picture], list[ObjectTile]]:
    """Return the backgrounds and objects of one photograph or video."""
    backgrounds: list[Picture] = []
    objects: list[Picture] = []
    random = np.random.default_rng(seed)
    for picture in _read_pictures(path):
        if picture.shape[2] == 4 and (picture[..., 3] < 128).mean() > 0.05:
            objects.append(picture)
            continue
        for window in _windows(picture):
            if _has_texture(window):
                backgrounds.append(window)
            objects += _segment(window, random)
    return backgrounds, [tile for tile in map(fit_to_tile, objects) if tile is not None]


def _read_pictures(path: Path) -> Iterator[Picture]:
    """Yield the pictures of a file, RGB or RGB and opacity; none if it is not a usable photograph or video."""
    if path.suffix.lower() in _VIDEOS:
        yield from _read_video(path)
        return
    try:
        picture = cv2.imread(str(path), _reading_flags(path))
    except cv2.error:  # it has more pixels than OpenCV decodes
        return
    if picture is not None and _is_usable(picture):
        code = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
        yield np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


def _reading_flags(path: Path) -> int:
    """Return flags that decode a large JPEG file at a half, quarter or eighth of its size, if no detail is lost."""
    try:
        size = image_size(path) if path.suffix.lower() in _JPEG else None
    except OSError:
        size = None  # the decoder cannot read it either
    if size is not None:
        for reduced in (8, 4, 2):
            if min(size) >= reduced * _FINEST * BACKGROUND_SIDE:
                # ANYCOLOR alone leaves grey files grey, as UNCHANGED does.
                return 8 * reduced | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.IMREAD_UNCHANGED


def _is_usable(picture: NDArray[np.generic]) -> bool:
    return picture.ndim == 3 and picture.dtype == np.uint8 and min(picture.shape[:2]) >= 48


def _read_video(path: Path) -> Iterator[Picture]:
    """Yield every ``_VIDEO_STEP``-th frame."""
    video = cv2.VideoCapture(str(path))
    index = 0
    while video.grab():
        if index % _VIDEO_STEP == 0:
            success, frame = video.retrieve()
            if not success:
                return
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        index += 1


def _windows(picture: Picture) -> Iterator[Picture]:
    """Yield the square in the middle of a picture whole, and in 2 x 2 and 3 x 3 windows if it is large enough."""
    short = min(picture.shape[:2])
    top, left = (picture.shape[0] - short) // 2, (picture.shape[1] - short) // 2
    square = np.ascontiguousarray(picture[top : top + short, left : left + short, :3])
    for count in range(_FINEST, 0, -1):
        side = BACKGROUND_SIDE * count
        if side > 1.6 * short and count > 1:
            continue
        resized = np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        if count == _FINEST and side < short:
            square = resized  # the coarser scales are made of the finest one, which is smaller than the picture
        for y in range(0, side, BACKGROUND_SIDE):
            for x in range(0, side, BACKGROUND_SIDE):
                yield np.ascontiguousarray(resized[y : y + BACKGROUND_SIDE, x : x + BACKGROUND_SIDE])


def _has_texture(picture: Picture) -> bool:
    # Skies and gradients do not help a network to distinguish a target from its surroundings.
    return float(cv2.absdiff(picture[:, 1:], picture[:, :-1]).mean()) >= MIN_TEXTURE


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
    smooth = cv2.medianBlur(cv2.medianBlur(window, 5), 5)  # one median of 7 x 7 pixels would cost three times as much
    flooded = np.zeros((OBJECT_SIDE + 2, OBJECT_SIDE + 2), dtype=np.uint8)
    middle = (OBJECT_SIDE // 2, OBJECT_SIDE // 2)
    reach = (tolerance,) * 3
    cv2.floodFill(smooth, flooded, middle, (0, 0, 0), reach, reach, 8 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY)
    mask = cv2.morphologyEx(flooded[1:-1, 1:-1], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = np.zeros_like(mask, dtype=np.uint8)
    cv2.drawContours(solid, [max(outlines, key=cv2.contourArea)], -1, (255,), -1)
    return solid
