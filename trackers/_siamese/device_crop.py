"""Crops of many frames at once, in torch, equal to ``crop.crop_square`` in every bit.

Everything here can be captured as a CUDA graph: no shape depends on values, and no number is copied to the device.

OpenCV resizes 8-bit images in fixed point: the weights of the two nearest columns and rows are rounded to 11 bits, sums
of columns are cut to 4 bits less, and products with the rows' weights are cut separately before they are added. At the
left and right border the weight of the missing column is 0; at the top and bottom border both rows are the same, with
their weights as they are. Source: ``resize.cpp`` of OpenCV's imgproc module, ``INTER_LINEAR`` of 8-bit images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_ONE = 2048.0
"""The weight 1 in fixed point."""
_FAR = -(2**40)
"""Stands for a row or column outside of the frame: sums with it are negative."""


@dataclass(frozen=True, eq=False)
class FramePixels:
    """Frames of different sizes in one tensor, one for each of n squares.

    Attributes:
        pixels: uint8, shape (P, 3): the pixels of all frames, each row by row, and the padding colours.
        first: int64, shape (n,): indices of the frames' first pixels.
        padding: int64, shape (n,): indices of the pixels with the colours that squares have outside of the frames.
        width, height: int64, shape (n,).
    """

    pixels: Tensor
    first: Tensor
    padding: Tensor
    width: Tensor
    height: Tensor


def crop_squares(frames: FramePixels, left: Tensor, top: Tensor, side: Tensor, size: int) -> Tensor:
    """Cut a square out of each frame and resize it to ``size`` pixels.

    Args:
        frames: One frame for each of the n squares.
        left, top: int64, shape (n,): the squares' top left corners; they may be outside of the frames.
        side: int64, shape (n,): sides in pixels of the frames, >= 1.
        size: Side of the results in pixels.

    Returns:
        uint8, shape (n, size, size, 3).
    """
    columns, rows = _Axis.of(side, size, at_border=True), _Axis.of(side, size, at_border=False)
    # A square outside of the frame is not resized but filled, which rounding could distinguish from a resize.
    outside = (left >= frames.width) | (left + side <= 0) | (top >= frames.height) | (top + side <= 0)
    x = [_inside(left[:, None] + one, frames.width) for one in (columns.first, columns.second)]
    weights = [
        weight[:, :, None].expand(-1, -1, 3).reshape(-1, 1, 3 * size)
        for weight in (columns.first_weight, columns.second_weight)
    ]
    upper = _mix_columns(frames, top[:, None] + rows.first, x, weights)
    lower = _mix_columns(frames, top[:, None] + rows.second, x, weights)
    mixed = (upper.mul_(rows.first_weight[:, :, None]) >> 16).add_(lower.mul_(rows.second_weight[:, :, None]) >> 16)
    crops = (mixed.add_(2) >> 2).to(torch.uint8).view(-1, size, size, 3)
    return torch.where(outside[:, None, None, None], frames.pixels[frames.padding][:, None, None, :], crops)


@dataclass(frozen=True, eq=False)
class _Axis:
    """For each pixel of a result, the two pixels of the square that are mixed, and their weights; shape (n, size)."""

    first: Tensor
    second: Tensor
    first_weight: Tensor
    second_weight: Tensor

    @staticmethod
    def of(side: Tensor, size: int, *, at_border: bool) -> _Axis:
        """Return the columns (``at_border``: the weight of a pixel beyond the border is 0) or rows of a resize."""
        last = side[:, None] - 1
        # Torch divides a number by a tensor through the reciprocal, which rounds twice.
        exact = side[:, None].double()
        scale = 1.0 / torch.full_like(exact, size).div(exact)
        middle = torch.arange(size, dtype=torch.float64, device=side.device) + 0.5
        position = (middle * scale - 0.5).float()
        whole = position.floor()
        fraction = position - whole
        index = whole.long()
        if at_border:
            fraction = fraction.masked_fill((index < 0) | (index >= last), 0.0)
        zero = torch.zeros_like(last)
        return _Axis(
            index.clamp(zero, last), (index + 1).clamp(zero, last),
            ((1.0 - fraction) * _ONE).round().int(), (fraction * _ONE).round().int(),
        )  # fmt: skip


def _inside(position: Tensor, length: Tensor) -> Tensor:
    """Return positions with those outside of [0, length) replaced by ``_FAR``."""
    return position.masked_fill((position < 0) | (position >= length[:, None]), _FAR)


def _mix_columns(frames: FramePixels, y: Tensor, columns: list[Tensor], weights: list[Tensor]) -> Tensor:
    """Return the mixed columns of some rows of the frames, int32, shape (n, size, 3 size), cut to 15 bits."""
    outside = (y < 0) | (y >= frames.height[:, None])
    start = (frames.first[:, None] + y * frames.width[:, None]).masked_fill(outside, _FAR)[:, :, None]
    padding = frames.padding[:, None, None]
    first, second = (
        _pixels_at(frames.pixels, start + x[:, None], padding).mul_(weight)
        for x, weight in zip(columns, weights, strict=True)
    )
    return first.add_(second) >> 4


def _pixels_at(pixels: Tensor, index: Tensor, padding: Tensor) -> Tensor:
    """Return pixels by index, those of negative ones from ``padding``, as int32 with the colours of a row in a row."""
    index = torch.where(index < 0, padding, index)
    return pixels.index_select(0, index.flatten()).view(*index.shape[:2], -1).int()
