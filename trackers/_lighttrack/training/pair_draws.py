"""Random draws that determine a batch of training pairs, made on the host: poses, tiles, and effects of cameras.

All random numbers but the noise on other devices are drawn here, in one order, on the CPU. Which pairs show an object
is known on the host, so that rendering has no shape that depends on values on the device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from evalkit.trackers._lighttrack.training.augmentation import Augmentation, draw_augmentation
from evalkit.trackers._lighttrack.training.photographs import BACKGROUND_SIDE
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

TEMPLATE_SIDE = 127
"""Side of the template crop, in pixels."""


@dataclass(frozen=True)
class PairOptions:
    """Distribution of the pairs; values without another unit are probabilities.

    Attributes:
        background_target: A part of the background is the target.
        max_shift: Largest displacement of the target's centre, as a fraction of the search crop's side.
        max_scale: Largest change of scale, as a natural logarithm.
        max_rotation: Largest rotation in radians; every eighth pair rotates up to four times as far.
        any_rotation: The target is rotated by any angle.
        distractors: Largest number of other objects near the target.
        distractor: Each of these objects is there.
        similar_distractor: A distractor is the target's mirror image in other colours.
        occluded: An object is in front of the target.
        blurred: The image is blurred.
        coarse: The image has a low resolution.
        compressed: The image has compression artefacts.
        grey: The image has no colour.
    """

    background_target: float = 0.05
    max_shift: float = 0.2
    max_scale: float = 0.25
    max_rotation: float = 0.15
    any_rotation: float = 0.2
    distractors: int = 3
    distractor: float = 0.75
    similar_distractor: float = 0.3
    occluded: float = 0.1
    blurred: float = 0.3
    coarse: float = 0.1
    compressed: float = 0.15
    grey: float = 0.1


@dataclass(frozen=True)
class Placement:
    """Objects that are drawn into crops.

    Attributes:
        at: Shape (n,): index of each crop in the batch.
        theta: Shape (n, 2, 3): affine maps from the crop (-1..1) to the tile (-1..1), for ``affine_grid``.
    """

    at: Tensor
    theta: Tensor


@dataclass(frozen=True)
class Distractor:
    """One more object near each target.

    Attributes:
        tile: Shape (B,): index of its object.
        is_similar: Shape (B,), boolean: the target's mirror image is drawn instead.
        tint: Shape (B, 4): factors on its colours and opacity.
        search: Its placement in the search crops; None if no crop shows it.
        template: Its placement in the template crops; None if no crop shows it.
    """

    tile: Tensor
    is_similar: Tensor
    tint: Tensor
    search: Placement | None
    template: Placement | None


@dataclass(frozen=True)
class CropDraws:
    """What determines the template crops, or the search crops, of a batch.

    Attributes:
        background: Shape (B, 2, 3): placement of the backgrounds, as in ``Placement``.
        target: Placement of the targets; None if every target is a part of its background.
        augmentation: Effects of cameras and codecs.
    """

    background: Tensor
    target: Placement | None
    augmentation: Augmentation


@dataclass(frozen=True)
class PairDraws:
    """Everything that determines a batch of pairs.

    Attributes:
        size: Side of the search crops, in pixels.
        background: Shape (B,): index of each pair's background.
        target: Shape (B,): index of each pair's object.
        boxes: Shape (B, 4): left, top, right, bottom of the target in pixels of the search crop.
        distractors: Other objects, drawn before the target.
        cover: Shape (B,): index of the object in front of the target.
        covering: Placement of these objects in the search crops; None if there are none.
        template: Draws of the template crops.
        search: Draws of the search crops.
    """

    size: int
    background: Tensor
    target: Tensor
    boxes: Tensor
    distractors: tuple[Distractor, ...]
    cover: Tensor
    covering: Placement | None
    template: CropDraws
    search: CropDraws


def draw_pairs(bank: TileBank, random: SeededRandom, size: int, options: PairOptions | None = None) -> PairDraws:
    """Draw one batch of pairs.

    Args:
        bank: Tiles to compose them of.
        random: Decides everything; its batch is the number of pairs.
        size: Side of the search crops, in pixels.
        options: Distribution of the pairs.
    """
    options = options or PairOptions()
    from_background = random.chance(options.background_target)
    chosen = random.index(len(bank.objects))
    aspect = torch.where(from_background, random.uniform(-0.2, 0.2).exp(), bank.aspects[chosen])
    hull = torch.where(from_background[:, None, None], _SQUARE_HULL, bank.hulls[chosen])
    before, after = _target_poses(random, options, aspect, hull, size)
    background_before, background_after = _background_poses(random, from_background, before, after)
    background = random.index(len(bank.backgrounds))
    # If the target were the only object, the network would learn to find what stands out instead of the template.
    distractors = tuple(
        _draw_distractor(bank, random, options, from_background, before, after, size)
        for _ in range(options.distractors)
    )
    cover = random.index(len(bank.objects))
    pose = _pose_in_front_of(random, after)
    covering = _placement(pose, random.chance(options.occluded), size)
    augment = partial(
        draw_augmentation, random=random, grey=random.chance(options.grey), blurred=options.blurred,
        coarse=options.coarse, compressed=options.compressed, noise_on_host=bank.backgrounds.device.type == "cpu",
    )  # fmt: skip
    template, search = (
        CropDraws(_theta(ground, side), _placement(pose, ~from_background, side), augment(side))
        for ground, pose, side in ((background_before, before, TEMPLATE_SIDE), (background_after, after, size))
    )
    boxes = _bounds(after, hull) + size / 2
    return PairDraws(size, background, chosen, boxes, distractors, cover, covering, template, search)


def _draw_distractor(
    bank: TileBank,
    random: SeededRandom,
    options: PairOptions,
    from_background: Tensor,
    before: _Pose,
    after: _Pose,
    size: int,
) -> Distractor:
    is_similar = random.chance(options.similar_distractor)
    tile = random.index(len(bank.objects))
    tint = torch.cat([random.uniform(0.6, 1.4, 3), torch.ones(random.batch, 1)], 1)
    shown = random.chance(options.distractor) & ~from_background
    search = _placement(_pose_next_to(random, after, size), shown, size)
    pose = _pose_next_to(random, before, TEMPLATE_SIDE)
    template = _placement(pose, shown & random.chance(0.4), TEMPLATE_SIDE)
    return Distractor(tile, is_similar, tint, search, template)


@dataclass(frozen=True)
class _Pose:
    """Poses of tiles in crops: position = ``matrix`` @ position in the tile (-1..1) + ``center``.

    Positions in the crop are pixels from its centre.
    """

    matrix: Tensor
    center: Tensor


_SQUARE_HULL = torch.tensor([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]).repeat(12, 1)


def _target_poses(
    random: SeededRandom, options: PairOptions, aspect: Tensor, hull: Tensor, size: int
) -> tuple[_Pose, _Pose]:
    angle = random.uniform(-0.3, 0.3)
    far = torch.where(random.chance(1 / 8), 4.0, 1.0)
    rotation = torch.where(
        random.chance(options.any_rotation),
        random.uniform(-math.pi, math.pi),
        random.uniform(-options.max_rotation, options.max_rotation) * far,
    )
    stretch = torch.stack([aspect.sqrt(), 1 / aspect.sqrt()], -1)
    before = _template_pose(_rotation(angle) * stretch[:, None, :], hull)
    change = random.uniform(-options.max_scale, options.max_scale).exp()
    lean = random.uniform(-0.15, 0.15) * far.sqrt()
    skewed = stretch * torch.stack([lean.exp(), (-lean).exp()], -1)
    # The search crop has the scale of the template; a wrong estimate of the size shows as a target of another size.
    factor = torch.linalg.det(before.matrix).abs().sqrt() * change
    after = _rotation(angle + rotation) * skewed[:, None, :] * factor[:, None, None]
    bounds = _bounds(_Pose(after, torch.zeros(len(after), 2)), hull)
    goal = random.uniform(-options.max_shift, options.max_shift, 2) * size
    return before, _Pose(after, goal - (bounds[:, :2] + bounds[:, 2:]) / 2)


def _template_pose(matrix: Tensor, hull: Tensor) -> _Pose:
    # As the tracker cuts a template: the crop's side is sqrt((w + p) (h + p)) with p = (w + h) / 2.
    bounds = _bounds(_Pose(matrix, torch.zeros(len(matrix), 2)), hull)
    width, height = (bounds[:, 2:] - bounds[:, :2]).unbind(-1)
    context = (width + height) / 2
    scale = TEMPLATE_SIDE / ((width + context) * (height + context)).sqrt()
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    return _Pose(matrix * scale[:, None, None], -middle * scale[:, None])


def _bounds(pose: _Pose, hull: Tensor) -> Tensor:
    points = hull @ pose.matrix.transpose(1, 2) + pose.center[:, None]
    return torch.cat([points.amin(1), points.amax(1)], -1)


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)


def _background_poses(
    random: SeededRandom, from_background: Tensor, before: _Pose, after: _Pose
) -> tuple[_Pose, _Pose]:
    # If the target is a part of the background, the background moves with the target, else on its own.
    zoom = BACKGROUND_SIDE / 2 * random.uniform(-0.9, 0.8).exp()
    first = _Pose(torch.eye(2) * zoom[:, None, None], random.uniform(-0.7, 0.7, 2) * zoom[:, None])
    drift = random.uniform(-40, 40, 2) * random.chance(0.7)[:, None]
    ratio = random.uniform(-0.12, 0.12).exp()
    second = _Pose(_rotation(random.uniform(-0.1, 0.1)) @ first.matrix * ratio[:, None, None], first.center + drift)
    motion = after.matrix @ torch.linalg.inv(before.matrix)
    carried = _Pose(motion @ first.matrix, _multiply(motion, first.center - before.center) + after.center)
    chosen = from_background[:, None]
    return first, _Pose(
        torch.where(chosen[..., None], carried.matrix, second.matrix),
        torch.where(chosen, carried.center, second.center),
    )


def _multiply(matrix: Tensor, points: Tensor) -> Tensor:
    return (matrix @ points[..., None])[..., 0]


def _pose_next_to(random: SeededRandom, target: _Pose, size: int) -> _Pose:
    angle = random.uniform(0, 2 * math.pi)
    distance = torch.linalg.det(target.matrix).abs().sqrt() * random.uniform(1.9, 3.2)
    center = target.center + torch.stack([angle.cos(), angle.sin()], -1) * distance[:, None]
    scaled = target.matrix * random.uniform(0.7, 1.3)[:, None, None]
    return _Pose(_rotation(random.uniform(-0.4, 0.4)) @ scaled, center.clamp(-size * 0.6, size * 0.6))


def _pose_in_front_of(random: SeededRandom, target: _Pose) -> _Pose:
    extent = torch.linalg.det(target.matrix).abs().sqrt()
    center = target.center + random.uniform(-1.0, 1.0, 2) * extent[:, None]
    stretch = random.uniform(0.25, 0.9, 2) * extent[:, None]
    return _Pose(_rotation(random.uniform(0, 2 * math.pi)) * stretch[:, None, :], center)


def _theta(pose: _Pose, size: int) -> Tensor:
    inverse = torch.linalg.inv(pose.matrix)
    offset = -_multiply(inverse, pose.center)
    # ``affine_grid`` has coordinates of the crop in -1..1.
    return torch.cat([inverse * (size / 2), offset[..., None]], -1)


def _placement(pose: _Pose, shown: Tensor, size: int) -> Placement | None:
    at = shown.nonzero()[:, 0]
    return Placement(at, _theta(_Pose(pose.matrix[at], pose.center[at]), size)) if len(at) else None
