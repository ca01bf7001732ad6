"""Tiles that training pairs are composed of: backgrounds and objects of equal size, as tensors.

They come from the rendering engine, and from photographs and videos in folders that are given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from evalkit.errors import EvalkitError
from evalkit.rendering.fixed_point import RandomStream
from evalkit.rendering.recipes import ground_tile
from evalkit.rendering.sprites import random_sprite
from evalkit.trackers._lighttrack.training.object_tile import ObjectTile, Picture, fit_to_tile
from evalkit.trackers._lighttrack.training.photographs import BACKGROUND_SIDE, cut_photographs


@dataclass(frozen=True)
class TileBank:
    """Backgrounds and objects on one device, and the shapes of the objects on the CPU, where pairs are drawn.

    Attributes:
        backgrounds: Shape (P, 3, ``BACKGROUND_SIDE``, ``BACKGROUND_SIDE``), uint8, RGB.
        objects: Shape (M, 4, ``OBJECT_SIDE``, ``OBJECT_SIDE``), uint8, RGB and opacity; the object touches all four
            edges of its tile.
        aspects: Shape (M,): width over height before the object was stretched to the tile.
        hulls: Shape (M, ``HULL_POINTS``, 2): outermost points of the outline, x and y in -1..1 of the tile.
    """

    backgrounds: Tensor
    objects: Tensor
    aspects: Tensor
    hulls: Tensor

    def to(self, device: torch.device) -> TileBank:
        """Return the bank with its tiles on another device; aspects and hulls stay on the CPU."""
        return replace(self, backgrounds=self.backgrounds.to(device), objects=self.objects.to(device))

    def split(self, share: int = 10) -> tuple[TileBank, TileBank]:
        """Return a training part and a held-out part, which gets every ``share``-th run of eight tiles.

        Runs of eight keep most neighbouring cuts of one photograph on the same side.
        """
        parts = []
        for held_out in (False, True):
            background, item = (
                (torch.arange(len(tiles)) // 8 % share == share - 1) == held_out
                for tiles in (self.backgrounds, self.objects)
            )
            parts.append(
                TileBank(self.backgrounds[background], self.objects[item], self.aspects[item], self.hulls[item])
            )
        return parts[0], parts[1]


def render_tiles(seed: int, *, backgrounds: int = 160, objects: int = 800) -> TileBank:
    """Return tiles from the rendering engine; none of them occurs in the synthetic benchmark."""
    tiles: list[Picture] = []
    for index in range(-(-backgrounds // 4)):
        stream = RandomStream("training ground", seed, index)
        tile = ground_tile(stream, stream.integer(0, 120))
        tiles += [tile[y : y + BACKGROUND_SIDE, x : x + BACKGROUND_SIDE] for x in (0, 512) for y in (0, 512)]
    fitted = (fit_to_tile(_render_object(seed, index)) for index in range(objects))
    return _assemble(tiles[:backgrounds], [tile for tile in fitted if tile is not None])


def _render_object(seed: int, index: int) -> Picture:
    rendered = random_sprite(RandomStream("training thing", seed, index))
    shade = 128 + rendered.shading[..., 1:].astype(np.int64)
    colour = np.minimum(rendered.colour * shade >> 8, 255)
    return np.concatenate([colour, rendered.shading[..., :1]], axis=-1).astype(np.uint8)


def cut_tiles(folders: list[Path], seed: int) -> TileBank:
    """Return tiles from the photographs and videos under some folders.

    Raises:
        EvalkitError: No object could be cut from them.
    """
    backgrounds, objects = cut_photographs(folders, seed)
    if not objects:
        raise EvalkitError(
            "no training tiles can be cut from these folders", where=f"--photographs {', '.join(map(str, folders))}",
            expected="folders of photographs or videos", hint="Leave out --photographs to train on rendered tiles",
        )  # fmt: skip
    return _assemble(backgrounds, objects)


def join_banks(banks: list[TileBank]) -> TileBank:
    """Return one bank with the tiles of several."""
    return TileBank(*map(torch.cat, zip(*(vars(bank).values() for bank in banks), strict=True)))


def _assemble(backgrounds: list[Picture], objects: list[ObjectTile]) -> TileBank:
    none = np.zeros((0, BACKGROUND_SIDE, BACKGROUND_SIDE, 3), dtype=np.uint8)
    return TileBank(
        torch.from_numpy(np.stack(backgrounds) if backgrounds else none).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.stack([tile.picture for tile in objects])).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([tile.aspect for tile in objects], dtype=torch.float32),
        torch.from_numpy(np.stack([tile.hull for tile in objects])),
    )
