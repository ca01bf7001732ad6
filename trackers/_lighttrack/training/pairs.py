"""Training pairs as batched tensor operations: every crop is a few warps and pastes, on whatever device the bank is.

A pair is a template crop and a search crop as the tracker cuts them: the target in the template's middle, in the search
crop shifted, scaled and changed. In most pairs a thing stands on a ground that moves on its own, among look-alikes and
behind other things; in the others a stretch of a photograph is itself the target and moves with all around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from evalkit.trackers._lighttrack.training.bank import GROUND_SIDE, Bank
from evalkit.trackers._lighttrack.training.camera import filmed
from evalkit.trackers._lighttrack.training.draw import Draw
from evalkit.trackers._siamese.networks import IMAGENET_MEAN, IMAGENET_STD

TEMPLATE = 127


@dataclass(frozen=True)
class Pairs:
    """A batch.

    Attributes:
        template: Shape (B, 3, 127, 127), normalised as the tracker does.
        search: Shape (B, 3, S, S).
        boxes: Shape (B, 4): left, top, right, bottom of the target in pixels of the search crop.
    """

    template: Tensor
    search: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Mix:
    """How pairs are drawn; the values are shares of the pairs unless said otherwise.

    Attributes:
        scene: A stretch of photograph is the target.
        shift: Largest displacement of the target's centre, as a share of the search crop's side.
        scale: Largest change of scale, as a natural logarithm.
        turn: Largest rotation in radians; every eighth pair turns up to four times as far.
        spun: The target is turned any way at all.
        rivals: Largest number of other things in sight, each there in a share ``rivalled``.
        lookalike: Share of the rivals that are the target's mirror image in other colours.
        occluded: Something stands in front of the target.
        blurred, coarse, compressed, grey: The image is.
    """

    scene: float = 0.05
    shift: float = 0.2
    scale: float = 0.25
    turn: float = 0.15
    spun: float = 0.2
    rivals: int = 3
    rivalled: float = 0.75
    lookalike: float = 0.3
    occluded: float = 0.1
    blurred: float = 0.3
    coarse: float = 0.1
    compressed: float = 0.15
    grey: float = 0.1


def draw_pairs(bank: Bank, draw: Draw, size: int, mix: Mix | None = None) -> Pairs:
    """One batch of pairs with search crops of ``size`` pixels."""
    mix = mix or Mix()
    device = bank.grounds.device
    scene = draw.chance(mix.scene)
    kind = draw.index(len(bank.things))
    aspect = torch.where(scene, draw.uniform(-0.2, 0.2).exp(), bank.aspects[kind.to(device)].cpu())
    hull = torch.where(scene[:, None, None], _SQUARE_HULL, bank.hulls[kind.to(device)].cpu())
    before, after = _poses(draw, mix, aspect, hull, size)
    ground_before, ground_after = _grounds(draw, mix, scene, before, after)
    which = draw.index(len(bank.grounds))

    template = _ground(bank, which, ground_before, TEMPLATE)
    search = _ground(bank, which, ground_after, size)
    things = bank.things[kind.to(device)].float()
    for _ in range(mix.rivals):
        # Where the target is the only thing in sight, what stands out is learned instead of what was asked for.
        rival = _rival(bank, draw, things, draw.chance(mix.lookalike))
        shown = draw.chance(mix.rivalled) & ~scene
        search = _paste(search, rival, _beside(draw, after, size), shown)
        template = _paste(template, rival, _beside(draw, before, TEMPLATE), shown & draw.chance(0.4))
    template = _paste(template, things, before, ~scene)
    search = _paste(search, things, after, ~scene)
    cover = bank.things[draw.index(len(bank.things)).to(device)].float()
    search = _paste(search, cover, _across(draw, after), draw.chance(mix.occluded))

    film = partial(
        filmed, draw=draw, grey=draw.chance(mix.grey), blurred=mix.blurred, coarse=mix.coarse,
        compressed=mix.compressed,
    )  # fmt: skip
    return Pairs(
        _normalised(film(template)),
        _normalised(film(search)),
        (_bounds(after, hull) + size / 2).to(device),
    )


def _rival(bank: Bank, draw: Draw, things: Tensor, alike: Tensor) -> Tensor:
    device = things.device
    other = bank.things[draw.index(len(bank.things)).to(device)].float()
    rival = torch.where(alike.to(device)[:, None, None, None], things.flip(3), other)
    tint = torch.cat([draw.uniform(0.6, 1.4, 3), torch.ones(draw.batch, 1)], 1)
    return rival * tint.to(device)[:, :, None, None]


@dataclass(frozen=True)
class _Pose:
    """Where a tile lies in a crop: position = ``matrix`` @ tile position (-1..1) + ``center``, crop centre = 0."""

    matrix: Tensor
    center: Tensor


_SQUARE_HULL = torch.tensor([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]).repeat(12, 1)


def _poses(draw: Draw, mix: Mix, aspect: Tensor, hull: Tensor, size: int) -> tuple[_Pose, _Pose]:
    angle = draw.uniform(-0.3, 0.3)
    far = torch.where(draw.chance(1 / 8), 4.0, 1.0)
    turned = torch.where(
        draw.chance(mix.spun), draw.uniform(-math.pi, math.pi), draw.uniform(-mix.turn, mix.turn) * far
    )
    stretch = torch.stack([aspect.sqrt(), 1 / aspect.sqrt()], -1)
    before = _centred(_turn(angle) * stretch[:, None, :], hull)
    change = draw.uniform(-mix.scale, mix.scale).exp()
    lean = draw.uniform(-0.15, 0.15) * far.sqrt()
    skewed = stretch * torch.stack([lean.exp(), (-lean).exp()], -1)
    # The search crop is cut by the template's scale: as far as that was wrong, the target's size differs.
    factor = torch.linalg.det(before.matrix).abs().sqrt() * change
    after = _turn(angle + turned) * skewed[:, None, :] * factor[:, None, None]
    bounds = _bounds(_Pose(after, torch.zeros(len(after), 2)), hull)
    goal = draw.uniform(-mix.shift, mix.shift, 2) * size
    return before, _Pose(after, goal - (bounds[:, :2] + bounds[:, 2:]) / 2)


def _centred(matrix: Tensor, hull: Tensor) -> _Pose:
    # As the tracker cuts a template: sqrt((w + p) (h + p)) with p = (w + h) / 2 becomes the crop's side.
    bounds = _bounds(_Pose(matrix, torch.zeros(len(matrix), 2)), hull)
    width, height = (bounds[:, 2:] - bounds[:, :2]).unbind(-1)
    context = (width + height) / 2
    scale = TEMPLATE / ((width + context) * (height + context)).sqrt()
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    return _Pose(matrix * scale[:, None, None], -middle * scale[:, None])


def _bounds(pose: _Pose, hull: Tensor) -> Tensor:
    points = hull @ pose.matrix.transpose(1, 2) + pose.center[:, None]
    return torch.cat([points.amin(1), points.amax(1)], -1)


def _turn(angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)


def _grounds(draw: Draw, mix: Mix, scene: Tensor, before: _Pose, after: _Pose) -> tuple[_Pose, _Pose]:
    # A ground's pose maps its tile; where the scene itself is the target, its tile is carried by the target's motion.
    zoom = GROUND_SIDE / 2 * draw.uniform(-0.9, 0.8).exp()
    first = _Pose(torch.eye(2) * zoom[:, None, None], draw.uniform(-0.7, 0.7, 2) * zoom[:, None])
    drift = draw.uniform(-40, 40, 2) * draw.chance(0.7)[:, None]
    ratio = draw.uniform(-0.12, 0.12).exp()
    second = _Pose(_turn(draw.uniform(-0.1, 0.1)) @ first.matrix * ratio[:, None, None], first.center + drift)
    motion = after.matrix @ torch.linalg.inv(before.matrix)
    carried = _Pose(motion @ first.matrix, _moved(motion, first.center - before.center) + after.center)
    chosen = scene[:, None]
    return first, _Pose(
        torch.where(chosen[..., None], carried.matrix, second.matrix),
        torch.where(chosen, carried.center, second.center),
    )


def _moved(matrix: Tensor, points: Tensor) -> Tensor:
    return (matrix @ points[..., None])[..., 0]


def _beside(draw: Draw, target: _Pose, size: int) -> _Pose:
    angle = draw.uniform(0, 2 * math.pi)
    reach = torch.linalg.det(target.matrix).abs().sqrt() * draw.uniform(1.9, 3.2)
    center = target.center + torch.stack([angle.cos(), angle.sin()], -1) * reach[:, None]
    grown = target.matrix * draw.uniform(0.7, 1.3)[:, None, None]
    return _Pose(_turn(draw.uniform(-0.4, 0.4)) @ grown, center.clamp(-size * 0.6, size * 0.6))


def _across(draw: Draw, target: _Pose) -> _Pose:
    extent = torch.linalg.det(target.matrix).abs().sqrt()
    center = target.center + draw.uniform(-1.0, 1.0, 2) * extent[:, None]
    stretch = draw.uniform(0.25, 0.9, 2) * extent[:, None]
    return _Pose(_turn(draw.uniform(0, 2 * math.pi)) * stretch[:, None, :], center)


def _grid(pose: _Pose, size: int, device: torch.device) -> Tensor:
    inverse = torch.linalg.inv(pose.matrix)
    offset = -_moved(inverse, pose.center)
    # ``affine_grid`` counts a crop's pixels in -1..1 as well.
    theta = torch.cat([inverse * (size / 2), offset[..., None]], -1)
    return functional.affine_grid(theta.to(device), [len(theta), 1, size, size], align_corners=False)


def _ground(bank: Bank, which: Tensor, pose: _Pose, size: int) -> Tensor:
    tiles = bank.grounds[which.to(bank.grounds.device)].float()
    grid = _grid(pose, size, tiles.device)
    return functional.grid_sample(tiles, grid, padding_mode="reflection", align_corners=False)


def _paste(image: Tensor, things: Tensor, pose: _Pose, shown: Tensor) -> Tensor:
    if not bool(shown.any()):
        return image
    chosen = shown.nonzero()[:, 0]
    at = chosen.to(image.device)
    grid = _grid(_Pose(pose.matrix[chosen], pose.center[chosen]), image.shape[-1], image.device)
    seen = functional.grid_sample(things[at], grid, align_corners=False)
    # Beyond its tile the colour is black and the opacity 0; at the rim both are mixed alike, so no fringe appears.
    opacity = seen[:, 3:] / 255
    below = image[at]
    return image.index_copy(0, at, below + (seen[:, :3].clamp(0, 255) - below) * opacity)


def _normalised(image: Tensor) -> Tensor:
    mean, deviation = (torch.tensor(v, device=image.device)[:, None, None] * 255 for v in (IMAGENET_MEAN, IMAGENET_STD))
    return ((image - mean) / deviation).contiguous(memory_format=torch.channels_last)
