"""Image augmentation: the effects of cameras and codecs on crops, such as blur, low resolution and compression."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom

_POSITIONS = torch.arange(8.0)
_COSINES = torch.cos((2 * _POSITIONS[None, :] + 1) * _POSITIONS[:, None] * math.pi / 16) / 2
_COSINES[0] /= math.sqrt(2)
_COARSENESS = 0.4 + (_POSITIONS[:, None] + _POSITIONS[None, :]) / 4


def augment_image(
    image: Tensor, random: SeededRandom, *, grey: Tensor, blurred: float, coarse: float, compressed: float
) -> Tensor:
    """Return crops with random exposure and noise, and some of them blurred, coarse, compressed or grey.

    Args:
        image: Shape (B, 3, S, S), values in 0..255.
        random: Decides everything.
        grey: Shape (B,), boolean: crops whose colour is removed.
        blurred: Probability that a crop is blurred by motion or defocus.
        coarse: Probability that a crop has a lower resolution.
        compressed: Probability that a crop has compression artefacts.
    """
    device = image.device
    gain = (random.uniform(-0.35, 0.35, 1).exp() * random.uniform(-0.08, 0.08, 3).exp()).to(device)[:, :, None, None]
    lift = random.uniform(-25, 25, 1).to(device)[:, :, None, None]
    image = (image - 128) * gain + 128 + lift
    without_colour = image.mean(1, keepdim=True).expand_as(image)
    image = torch.where(grey.to(device)[:, None, None, None], without_colour, image)
    image = _apply_to(image, random.chance(blurred), lambda chosen: _blur(chosen, random))
    image = _apply_to(image, random.chance(coarse), lambda chosen: _reduce_resolution(chosen, random))
    image = _apply_to(image.clamp(0, 255), random.chance(compressed), lambda chosen: _compress(chosen, random))
    strength = (random.uniform(0, 1, 1) ** 3 * 16).to(device)[:, :, None, None]
    noise = torch.randn(image.shape, generator=random.generator) if device.type == "cpu" else torch.randn_like(image)
    return (image + noise * strength).clamp(0, 255)


def _apply_to(image: Tensor, chosen: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    at = chosen.nonzero()[:, 0].to(image.device)
    if len(at) == 0:
        return image
    return image.index_copy(0, at, change(image[at]))


def _blur(image: Tensor, random: SeededRandom, reach: int = 10) -> Tensor:
    """Blur each image with a kernel of its own: a line of any direction and length, or a disc."""
    count = len(image)
    angle, length = (torch.rand(count, 1, 1, generator=random.generator) for _ in range(2))
    y, x = torch.meshgrid(*[torch.arange(-reach, reach + 1.0)] * 2, indexing="ij")
    along = x * (angle * math.pi).cos() + y * (angle * math.pi).sin()
    across = y * (angle * math.pi).cos() - x * (angle * math.pi).sin()
    wide = 0.6 + reach * length**2 * 0.6
    narrow = torch.where(
        torch.rand(count, 1, 1, generator=random.generator) < 0.6, torch.full_like(wide, 0.6), wide * 0.5
    )
    kernel = torch.exp(-((along / wide) ** 2 + (across / narrow) ** 2) / 2)
    kernel = (kernel / kernel.sum((1, 2), keepdim=True)).repeat_interleave(3, 0)[:, None].to(image.device)
    padded = functional.pad(image, [reach] * 4, mode="replicate").reshape(
        1, count * 3, *(s + 2 * reach for s in image.shape[2:])
    )
    return functional.conv2d(padded, kernel, groups=count * 3).reshape(image.shape)


def _reduce_resolution(image: Tensor, random: SeededRandom) -> Tensor:
    factor = 1 + torch.rand(1, generator=random.generator).item() * 2.5
    side = image.shape[-1]
    small = functional.interpolate(image, size=round(side / factor), mode="bilinear", antialias=True)
    return functional.interpolate(small, size=side, mode="bilinear")


def _compress(image: Tensor, random: SeededRandom) -> Tensor:
    """Round the cosine coefficients of 8x8 blocks, more coarsely at higher frequencies, as JPEG does."""
    side = image.shape[-1]
    padded = functional.pad(image, [0, -side % 8, 0, -side % 8], mode="replicate")
    count = padded.shape[-1] // 8
    blocks = padded.reshape(len(image), 3, count, 8, count, 8).transpose(3, 4)
    basis = _COSINES.to(image.device)
    coefficients = basis @ blocks @ basis.T
    strength = (4 + 36 * torch.rand(len(image), 1, 1, 1, 1, 1, generator=random.generator)).to(image.device)
    step = strength * _COARSENESS.to(image.device)
    restored = basis.T @ ((coefficients / step).round() * step) @ basis
    return restored.transpose(3, 4).reshape(padded.shape)[..., :side, :side].clamp(0, 255)
