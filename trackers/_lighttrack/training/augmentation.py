"""Image augmentation: the effects of cameras and codecs on crops, such as blur, low resolution and compression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom

_POSITIONS = torch.arange(8.0)
_COSINES = torch.cos((2 * _POSITIONS[None, :] + 1) * _POSITIONS[:, None] * math.pi / 16) / 2
_COSINES[0] /= math.sqrt(2)
_COARSENESS = 0.4 + (_POSITIONS[:, None] + _POSITIONS[None, :]) / 4
_REACH = 10
"""Half of the largest extent of a blur, in pixels."""


@dataclass(frozen=True)
class Blur:
    """Crops that are blurred.

    Attributes:
        at: Shape (n,): index of each crop in the batch.
        kernels: Shape (n, K, K): the kernel of each crop.
    """

    at: Tensor
    kernels: Tensor


@dataclass(frozen=True)
class Reduction:
    """Crops whose resolution is reduced.

    Attributes:
        at: Shape (n,): index of each crop in the batch.
        side: Side to which they are reduced, in pixels.
    """

    at: Tensor
    side: int


@dataclass(frozen=True)
class Compression:
    """Crops with compression artefacts.

    Attributes:
        at: Shape (n,): index of each crop in the batch.
        strength: Shape (n, 1, 1, 1, 1, 1): rounding step of the lowest frequencies, in grey levels.
    """

    at: Tensor
    strength: Tensor


@dataclass(frozen=True)
class Augmentation:
    """Effects on a batch of crops; None stands for no crop.

    Attributes:
        gain: Shape (B, 3): factors on the differences to medium grey.
        lift: Shape (B, 1): grey levels that are added.
        grey: Shape (B,), boolean: crops whose colour is removed.
        blur: Crops that are blurred.
        reduction: Crops with a low resolution.
        compression: Crops with compression artefacts.
        noise_strength: Shape (B, 1): standard deviation of the noise, in grey levels.
        noise: Shape (B, 3, S, S): normal noise; None if it is drawn on the device from ``noise_seed``.
        noise_seed: Seed of noise that is drawn on the device.
    """

    gain: Tensor
    lift: Tensor
    grey: Tensor
    blur: Blur | None
    reduction: Reduction | None
    compression: Compression | None
    noise_strength: Tensor
    noise: Tensor | None
    noise_seed: int


def draw_augmentation(
    side: int,
    random: SeededRandom,
    *,
    grey: Tensor,
    blurred: float,
    coarse: float,
    compressed: float,
    noise_on_host: bool,
) -> Augmentation:
    """Draw the exposure and noise of crops, and which of them are blurred, coarse or compressed.

    Args:
        side: Side of the crops, in pixels.
        random: Decides everything.
        grey: Shape (B,), boolean: crops whose colour is removed.
        blurred: Probability that a crop is blurred by motion or defocus.
        coarse: Probability that a crop has a lower resolution.
        compressed: Probability that a crop has compression artefacts.
        noise_on_host: Draw the noise here; otherwise it is drawn where the crops are, in which there are other numbers.
    """
    gain = random.uniform(-0.35, 0.35, 1).exp() * random.uniform(-0.08, 0.08, 3).exp()
    lift = random.uniform(-25, 25, 1)
    at = random.chance(blurred).nonzero()[:, 0]
    blur = Blur(at, _blur_kernels(len(at), random)) if len(at) else None
    at = random.chance(coarse).nonzero()[:, 0]
    reduction = Reduction(at, _reduced_side(side, random)) if len(at) else None
    at = random.chance(compressed).nonzero()[:, 0]
    compression = Compression(at, _compression_strength(len(at), random)) if len(at) else None
    strength = random.uniform(0, 1, 1) ** 3 * 16
    noise = torch.randn((len(grey), 3, side, side), generator=random.generator) if noise_on_host else None
    return Augmentation(gain, lift, grey, blur, reduction, compression, strength, noise, random.derived_seed(side))


def augment_image(image: Tensor, draws: Augmentation) -> Tensor:
    """Return crops with the effects that were drawn.

    Args:
        image: Shape (B, 3, S, S), values in 0..255.
        draws: Effects, on the device of the crops.
    """
    image = (image - 128) * draws.gain[:, :, None, None] + 128 + draws.lift[:, :, None, None]
    without_colour = image.mean(1, keepdim=True).expand_as(image)
    image = torch.where(draws.grey[:, None, None, None], without_colour, image)
    if draws.blur is not None:
        image = image.index_copy(0, draws.blur.at, _blur(image[draws.blur.at], draws.blur.kernels))
    if draws.reduction is not None:
        reduced = _reduce_resolution(image[draws.reduction.at], draws.reduction.side)
        image = image.index_copy(0, draws.reduction.at, reduced)
    image = image.clamp(0, 255)
    if draws.compression is not None:
        compressed = _compress(image[draws.compression.at], draws.compression.strength)
        image = image.index_copy(0, draws.compression.at, compressed)
    return (image + _noise(image, draws) * draws.noise_strength[:, :, None, None]).clamp(0, 255)


def _noise(image: Tensor, draws: Augmentation) -> Tensor:
    if draws.noise is not None:
        return draws.noise
    generator = torch.Generator(image.device).manual_seed(draws.noise_seed)
    return torch.randn(image.shape, generator=generator, device=image.device)


def _blur_kernels(count: int, random: SeededRandom) -> Tensor:
    """Return a kernel for each of some images: a line of any direction and length, or a disc."""
    angle, length = (torch.rand(count, 1, 1, generator=random.generator) for _ in range(2))
    y, x = torch.meshgrid(*[torch.arange(-_REACH, _REACH + 1.0)] * 2, indexing="ij")
    along = x * (angle * math.pi).cos() + y * (angle * math.pi).sin()
    across = y * (angle * math.pi).cos() - x * (angle * math.pi).sin()
    wide = 0.6 + _REACH * length**2 * 0.6
    narrow = torch.where(
        torch.rand(count, 1, 1, generator=random.generator) < 0.6, torch.full_like(wide, 0.6), wide * 0.5
    )
    kernel = torch.exp(-((along / wide) ** 2 + (across / narrow) ** 2) / 2)
    return kernel / kernel.sum((1, 2), keepdim=True)


def _blur(image: Tensor, kernels: Tensor) -> Tensor:
    count = len(image)
    padded = functional.pad(image, [_REACH] * 4, mode="replicate").reshape(
        1, count * 3, *(s + 2 * _REACH for s in image.shape[2:])
    )
    weight = kernels.repeat_interleave(3, 0)[:, None]
    return functional.conv2d(padded, weight, groups=count * 3).reshape(image.shape)


def _reduced_side(side: int, random: SeededRandom) -> int:
    return round(side / (1 + torch.rand(1, generator=random.generator).item() * 2.5))


def _reduce_resolution(image: Tensor, side: int) -> Tensor:
    small = functional.interpolate(image, size=side, mode="bilinear", antialias=True)
    return functional.interpolate(small, size=image.shape[-1], mode="bilinear")


def _compression_strength(count: int, random: SeededRandom) -> Tensor:
    return 4 + 36 * torch.rand(count, 1, 1, 1, 1, 1, generator=random.generator)


def _compress(image: Tensor, strength: Tensor) -> Tensor:
    """Round the cosine coefficients of 8x8 blocks, more coarsely at higher frequencies, as JPEG does."""
    side = image.shape[-1]
    padded = functional.pad(image, [0, -side % 8, 0, -side % 8], mode="replicate")
    count = padded.shape[-1] // 8
    blocks = padded.reshape(len(image), 3, count, 8, count, 8).transpose(3, 4)
    basis, coarseness = _compression_constants(image.device)
    coefficients = basis @ blocks @ basis.T
    step = strength * coarseness
    restored = basis.T @ ((coefficients / step).round() * step) @ basis
    return restored.transpose(3, 4).reshape(padded.shape)[..., :side, :side].clamp(0, 255)


@cache
def _compression_constants(device: torch.device) -> tuple[Tensor, Tensor]:
    return _COSINES.to(device), _COARSENESS.to(device)
