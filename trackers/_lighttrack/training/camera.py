"""What a camera and a codec make of crops: light, focus, motion, resolution, compression, noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from evalkit.trackers._lighttrack.training.draw import Draw


def filmed(image: Tensor, draw: Draw, *, grey: Tensor, blurred: float, coarse: float, compressed: float) -> Tensor:
    """Crops as a camera and a codec give them.

    Args:
        image: Shape (B, 3, S, S), 0 to 255.
        grey: Shape (B,), boolean: those without colour.
        blurred, coarse, compressed: Share of the crops that are.
    """
    device = image.device
    gain = (draw.uniform(-0.35, 0.35, 1).exp() * draw.uniform(-0.08, 0.08, 3).exp()).to(device)[:, :, None, None]
    lift = draw.uniform(-25, 25, 1).to(device)[:, :, None, None]
    image = (image - 128) * gain + 128 + lift
    flat = image.mean(1, keepdim=True).expand_as(image)
    image = torch.where(grey.to(device)[:, None, None, None], flat, image)
    image = _some(image, draw.chance(blurred), lambda part: _blurred(part, draw))
    image = _some(image, draw.chance(coarse), lambda part: _coarse(part, draw))
    image = _some(image.clamp(0, 255), draw.chance(compressed), lambda part: _compressed(part, draw))
    strength = (draw.uniform(0, 1, 1) ** 3 * 16).to(device)[:, :, None, None]
    noise = torch.randn(image.shape, generator=draw.generator) if device.type == "cpu" else torch.randn_like(image)
    return (image + noise * strength).clamp(0, 255)


def _some(image: Tensor, chosen: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    at = chosen.nonzero()[:, 0].to(image.device)
    if len(at) == 0:
        return image
    return image.index_copy(0, at, change(image[at]))


def _blurred(image: Tensor, draw: Draw, reach: int = 10) -> Tensor:
    """Each image under its own kernel: a line of any direction and length, or a disc."""
    count = len(image)
    angle, length = (torch.rand(count, 1, 1, generator=draw.generator) for _ in range(2))
    y, x = torch.meshgrid(*[torch.arange(-reach, reach + 1.0)] * 2, indexing="ij")
    along = x * (angle * math.pi).cos() + y * (angle * math.pi).sin()
    across = y * (angle * math.pi).cos() - x * (angle * math.pi).sin()
    wide = 0.6 + reach * length**2 * 0.6
    narrow = torch.where(
        torch.rand(count, 1, 1, generator=draw.generator) < 0.6, torch.full_like(wide, 0.6), wide * 0.5
    )
    kernel = torch.exp(-((along / wide) ** 2 + (across / narrow) ** 2) / 2)
    kernel = (kernel / kernel.sum((1, 2), keepdim=True)).repeat_interleave(3, 0)[:, None].to(image.device)
    flat = functional.pad(image, [reach] * 4, mode="replicate").reshape(
        1, count * 3, *(s + 2 * reach for s in image.shape[2:])
    )
    return functional.conv2d(flat, kernel, groups=count * 3).reshape(image.shape)


def _coarse(image: Tensor, draw: Draw) -> Tensor:
    factor = 1 + torch.rand(1, generator=draw.generator).item() * 2.5
    side = image.shape[-1]
    small = functional.interpolate(image, size=round(side / factor), mode="bilinear", antialias=True)
    return functional.interpolate(small, size=side, mode="bilinear")


def _compressed(image: Tensor, draw: Draw) -> Tensor:
    """Rounded cosine coefficients of 8x8 blocks, coarser for higher frequencies, as JPEG does."""
    side = image.shape[-1]
    padded = functional.pad(image, [0, -side % 8, 0, -side % 8], mode="replicate")
    count = padded.shape[-1] // 8
    blocks = padded.reshape(len(image), 3, count, 8, count, 8).transpose(3, 4)
    basis = _COSINES.to(image.device)
    coefficients = basis @ blocks @ basis.T
    strength = (4 + 36 * torch.rand(len(image), 1, 1, 1, 1, 1, generator=draw.generator)).to(image.device)
    step = strength * _COARSENESS.to(image.device)
    restored = basis.T @ ((coefficients / step).round() * step) @ basis
    return restored.transpose(3, 4).reshape(padded.shape)[..., :side, :side].clamp(0, 255)


_POSITIONS = torch.arange(8.0)
_COSINES = torch.cos((2 * _POSITIONS[None, :] + 1) * _POSITIONS[:, None] * math.pi / 16) / 2
_COSINES[0] /= math.sqrt(2)
_COARSENESS = 0.4 + (_POSITIONS[:, None] + _POSITIONS[None, :]) / 4
