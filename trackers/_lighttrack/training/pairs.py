"""Training pairs, composed by batched tensor operations on the device of the tile bank.

A pair is a template crop and a search crop as the tracker cuts them: the target is in the middle of the template, and
shifted, scaled and changed in the search crop. In most pairs the target is an object in front of a background that
moves on its own, among distractors and behind other objects. In the others a part of a background is itself the target
and moves together with its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from evalkit.trackers._lighttrack.training.augmentation import augment_image
from evalkit.trackers._lighttrack.training.packed_transfer import move_packed
from evalkit.trackers._lighttrack.training.pair_draws import (
    TEMPLATE_SIDE,
    Distractor,
    PairDraws,
    PairOptions,
    Placement,
    draw_pairs,
)
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.tile_bank import TileBank
from evalkit.trackers.siamese import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True)
class Pairs:
    """A batch of pairs.

    Attributes:
        template: Shape (B, 3, 127, 127), normalised as in the tracker.
        search: Shape (B, 3, S, S), normalised as in the tracker.
        boxes: Shape (B, 4): left, top, right, bottom of the target in pixels of the search crop.
    """

    template: Tensor
    search: Tensor
    boxes: Tensor

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three tensors in the order of the attributes."""
        return self.template, self.search, self.boxes


def make_pairs(bank: TileBank, random: SeededRandom, size: int, options: PairOptions | None = None) -> Pairs:
    """Compose one batch of pairs.

    Args:
        bank: Tiles to compose them of.
        random: Decides everything; its batch is the number of pairs.
        size: Side of the search crops, in pixels.
        options: Distribution of the pairs.
    """
    draws = draw_pairs(bank, random, size, options)
    return render_pairs(bank, move_packed(draws, bank.backgrounds.device))


def render_pairs(bank: TileBank, draws: PairDraws) -> Pairs:
    """Compose the pairs that were drawn.

    No shape depends on values on the device, so nothing waits for it.

    Args:
        bank: Tiles to compose them of.
        draws: Draws for this bank, on its device.
    """
    backgrounds = bank.backgrounds[draws.background].float()
    template = _draw_background(backgrounds, draws.template.background, TEMPLATE_SIDE)
    search = _draw_background(backgrounds, draws.search.background, draws.size)
    objects = bank.objects[draws.target].float()
    for one in draws.distractors:
        distractor = _distractor(bank, objects, one)
        search = _paste(search, distractor, one.search)
        template = _paste(template, distractor, one.template)
    template = _paste(template, objects, draws.template.target)
    search = _paste(search, objects, draws.search.target)
    search = _paste(search, bank.objects[draws.cover].float(), draws.covering)
    return Pairs(
        _normalise(augment_image(template, draws.template.augmentation)),
        _normalise(augment_image(search, draws.search.augmentation)),
        draws.boxes,
    )


def _distractor(bank: TileBank, objects: Tensor, draws: Distractor) -> Tensor:
    other = bank.objects[draws.tile].float()
    distractor = torch.where(draws.is_similar[:, None, None, None], objects.flip(3), other)
    return distractor * draws.tint[:, :, None, None]


def _draw_background(tiles: Tensor, theta: Tensor, size: int) -> Tensor:
    grid = functional.affine_grid(theta, [len(theta), 1, size, size], align_corners=False)
    return functional.grid_sample(tiles, grid, padding_mode="reflection", align_corners=False)


def _paste(image: Tensor, objects: Tensor, placement: Placement | None) -> Tensor:
    if placement is None:
        return image
    at, size = placement.at, image.shape[-1]
    grid = functional.affine_grid(placement.theta, [len(at), 1, size, size], align_corners=False)
    sampled = functional.grid_sample(objects[at], grid, align_corners=False)
    # Outside of its tile an object is black with opacity 0; both are interpolated alike, so its rim has no fringe.
    opacity = sampled[:, 3:] / 255
    below = image[at]
    return image.index_copy(0, at, below + (sampled[:, :3].clamp(0, 255) - below) * opacity)


def _normalise(image: Tensor) -> Tensor:
    mean, deviation = _moments(image.device)
    return ((image - mean) / deviation).contiguous(memory_format=torch.channels_last)


@cache
def _moments(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, deviation = (torch.tensor(v, device=device)[:, None, None] * 255 for v in (IMAGENET_MEAN, IMAGENET_STD))
    return mean, deviation
