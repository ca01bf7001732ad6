"""What training pairs are made of: grounds to look at and things to follow, held as tensors of equal tiles.

Things and grounds come from the rendering engine, and from whatever photographs lie in the folders that are named:
whole pictures give grounds; pictures with an alpha channel, and regions of even colour inside photographs, give things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evalkit.errors import EvalkitError
from evalkit.rendering.catalogue import ground_tile
from evalkit.rendering.fixed import Stream
from evalkit.rendering.sprites import sprite

GROUND_SIDE = 384
THING_SIDE = 96
HULL = 48
"""Directions in which a thing's outline is known."""
BUSY = 3.0
"""Mean difference of neighbouring pixels from which a stretch of photograph serves as a ground."""

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_FILMS = {".mp4", ".avi"}
_Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Bank:
    """Tiles on one device.

    Attributes:
        grounds: Shape (P, 3, ``GROUND_SIDE``, ``GROUND_SIDE``), 8 bits, RGB.
        things: Shape (M, 4, ``THING_SIDE``, ``THING_SIDE``), 8 bits, RGB and opacity; the thing touches all four edges.
        aspects: Shape (M,): width over height before it was stretched to the tile.
        hulls: Shape (M, ``HULL``, 2): outermost points of the outline, x and y in -1..1 of the tile.
    """

    grounds: Tensor
    things: Tensor
    aspects: Tensor
    hulls: Tensor

    def to(self, device: torch.device) -> Bank:
        return Bank(*(tensor.to(device) for tensor in (self.grounds, self.things, self.aspects, self.hulls)))

    def split(self, share: int = 10) -> tuple[Bank, Bank]:
        """Training and held-out parts: every ``share``-th tile is held out, together with its neighbours in a
        run of eight, so that neighbouring cuts of one photograph seldom fall on both sides."""
        parts = []
        for keep in (False, True):
            ground, thing = (
                (torch.arange(len(tiles)) // 8 % share == share - 1) == keep for tiles in (self.grounds, self.things)
            )
            parts.append(Bank(self.grounds[ground], self.things[thing], self.aspects[thing], self.hulls[thing]))
        return parts[0], parts[1]


def rendered(seed: int, *, grounds: int = 160, things: int = 800) -> Bank:
    """Tiles from the rendering engine; none of them occurs in the synthetic benchmark."""
    tiles: list[_Picture] = []
    for index in range(-(-grounds // 4)):
        stream = Stream("training ground", seed, index)
        tile = ground_tile(stream, stream.integer(0, 120))
        tiles += [tile[y : y + GROUND_SIDE, x : x + GROUND_SIDE] for x in (0, 512) for y in (0, 512)]
    cuts = []
    for index in range(things):
        thing = sprite(Stream("training thing", seed, index))
        shade = 128 + thing.form[..., 1:].astype(np.int64)
        colour = np.minimum(thing.colour * shade >> 8, 255)
        cuts.append(np.concatenate([colour, thing.form[..., :1]], axis=-1).astype(np.uint8))
    return _assemble(tiles[:grounds], [cut for cut in map(_tight, cuts) if cut is not None])


def photographed(folders: list[Path], seed: int) -> Bank:
    """Tiles from every picture and film under the folders."""
    grounds: list[_Picture] = []
    things: list[_Picture] = []
    random = np.random.default_rng(seed)
    for picture in _pictures(folders):
        if picture.shape[2] == 4 and (picture[..., 3] < 128).mean() > 0.05:
            things.append(picture)
            continue
        for part in _parts(picture[..., :3]):
            if _busy(part):
                grounds.append(part)
            things += _regions(part, random)
    cuts = [cut for cut in map(_tight, things) if cut is not None]
    if not cuts:
        raise EvalkitError(
            "there is nothing here to cut pairs from", where=f"--photographs {', '.join(map(str, folders))}",
            expected="folders of photographs or films", hint="Leave out --photographs to train on what is rendered",
        )  # fmt: skip
    return _assemble(grounds, cuts)


def joined(banks: list[Bank]) -> Bank:
    return Bank(
        *(
            torch.cat([getattr(bank, name) for bank in banks])
            for name in ("grounds", "things", "aspects", "hulls")
        )
    )  # fmt: skip


def cached(folder: Path, seed: int, photographs: list[Path]) -> Bank:
    """The bank for a seed and folders of photographs, kept in ``folder`` so that resuming does not build it again."""
    key = hashlib.sha256(repr((seed, sorted(map(str, photographs)), THING_SIDE, GROUND_SIDE)).encode()).hexdigest()[:12]
    path = folder / f"bank-{key}.pt"
    if path.exists():
        return Bank(**torch.load(path, weights_only=True))
    taken = [photographed(photographs, seed)] if photographs else []
    bank = joined([rendered(seed), *taken])
    partial = path.with_suffix(".partial")
    torch.save(vars(bank), partial)
    partial.replace(path)  # an interrupted training finds it whole or not at all
    return bank


def _assemble(grounds: list[_Picture], cuts: list[tuple[_Picture, float, NDArray[np.float32]]]) -> Bank:
    none = np.zeros((0, GROUND_SIDE, GROUND_SIDE, 3), dtype=np.uint8)
    return Bank(
        torch.from_numpy(np.stack(grounds) if grounds else none).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.stack([tile for tile, _, _ in cuts])).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([aspect for _, aspect, _ in cuts], dtype=torch.float32),
        torch.from_numpy(np.stack([hull for _, _, hull in cuts])),
    )


def _pictures(folders: list[Path]) -> Iterator[_Picture]:
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if picture is not None and picture.ndim == 3 and picture.dtype == np.uint8 and min(picture.shape[:2]) >= 48:
                order = [2, 1, 0, 3][: picture.shape[2]]
                yield np.asarray(picture[..., order], dtype=np.uint8)
        elif path.suffix.lower() in _FILMS:
            yield from _film(path)


def _film(path: Path) -> Iterator[_Picture]:
    film = cv2.VideoCapture(str(path))
    index = 0
    while True:
        there, frame = film.read()
        if not there:
            return
        if index % 25 == 0:
            yield np.ascontiguousarray(frame[..., ::-1])
        index += 1


def _parts(picture: _Picture) -> Iterator[_Picture]:
    # The middle of the whole picture, then windows of it at two finer scales.
    for count in (1, 2, 3):
        side = GROUND_SIDE * count
        scale = side / min(picture.shape[:2])
        if scale > 1.6 and count > 1:
            return
        size = (max(round(picture.shape[1] * scale), side), max(round(picture.shape[0] * scale), side))
        resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        for row in range(count):
            for column in range(count):
                y, x = top + row * GROUND_SIDE, left + column * GROUND_SIDE
                yield np.ascontiguousarray(resized[y : y + GROUND_SIDE, x : x + GROUND_SIDE])


def _busy(picture: _Picture) -> bool:
    # Skies and gradients teach little about telling a target from what is around it.
    return float(np.abs(np.diff(picture.astype(np.int16), axis=1)).mean()) >= BUSY


def _regions(picture: _Picture, random: np.random.Generator, tries: int = 4) -> list[_Picture]:
    # What a flood of similar colour reaches from a window's middle: petals, stones, roofs, animals against the sky.
    found: list[_Picture] = []
    for _ in range(tries):
        side = int(random.integers(96, 256))
        x, y = random.integers(0, GROUND_SIDE - side, 2)
        window = cv2.resize(picture[y : y + side, x : x + side], (THING_SIDE, THING_SIDE), interpolation=cv2.INTER_AREA)
        smooth = cv2.medianBlur(window, 7)
        flooded = np.zeros((THING_SIDE + 2, THING_SIDE + 2), dtype=np.uint8)
        reach = (int(random.integers(6, 22)),) * 3
        middle = (THING_SIDE // 2, THING_SIDE // 2)
        cv2.floodFill(smooth, flooded, middle, (0, 0, 0), reach, reach, 8 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY)
        mask = cv2.morphologyEx(flooded[1:-1, 1:-1], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        solid = np.zeros_like(mask)
        cv2.drawContours(solid, [max(outlines, key=cv2.contourArea)], -1, (255,), -1)
        edge = np.concatenate([solid[0], solid[-1], solid[:, 0], solid[:, -1]]).mean() / 255
        if 0.1 < solid.mean() / 255 < 0.7 and edge < 0.25:
            found.append(np.dstack([window, cv2.GaussianBlur(solid, (3, 3), 0)]).astype(np.uint8))
    return found


def _tight(picture: _Picture) -> tuple[_Picture, float, NDArray[np.float32]] | None:
    """The tile, aspect and hull of a picture's opaque part; None where there is too little of it."""
    solid = picture[..., 3] >= 128
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if rows.size < 8 or columns.size < 8:
        return None
    part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    aspect = part.shape[1] / part.shape[0]
    if not 0.2 < aspect < 5:
        return None
    tile = cv2.resize(part, (THING_SIDE, THING_SIDE), interpolation=cv2.INTER_AREA)
    y, x = np.nonzero(tile[..., 3] >= 128)
    points = np.concatenate([np.stack([x + dx, y + dy], axis=1) for dx in (0, 1) for dy in (0, 1)])
    points = points.astype(np.float32) * (2 / THING_SIDE) - 1
    angles = np.arange(HULL) * (2 * np.pi / HULL)
    support = (points @ np.stack([np.cos(angles), np.sin(angles)])).argmax(axis=0)
    return tile.astype(np.uint8), aspect, points[support]
