"""The loss of the LightTrack and Ocean papers: balanced cross-entropy, and the overlap of boxes around the target."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BOX_WEIGHT = 1.2
"""Of the overlap term. Source: the development fork's training loop, section on the loss."""
RADIUS = 16.0
"""Pixels around the target's centre, by city blocks, whose cells count as the target: rPos = 16 / stride cells."""

STRANGER_WEIGHT = 0.15
"""Of the term for search crops without the target."""
_HOTTEST = 10
"""Cells of such a crop that count: the others are dark already."""


def cell_centers(size: int, stride: int, device: torch.device) -> Tensor:
    """Shape (n,): position of each cell along one side of the search crop, as the tracker reads it."""
    count = size // stride
    return (torch.arange(count, device=device) - count // 2) * stride + size // 2


def tracking_loss(logits: Tensor, distances: Tensor, boxes: Tensor, *, size: int) -> tuple[Tensor, Tensor]:
    """The two terms, unweighted.

    Args:
        logits: Shape (B, 1, n, n).
        distances: Shape (B, 4, n, n): left, top, right, bottom in pixels.
        boxes: Shape (B, 4): left, top, right, bottom in the search crop.
        size: Side of the search crop.
    """
    at = cell_centers(size, size // logits.shape[-1], logits.device).float()
    left, top, right, bottom = boxes[:, :, None, None].unbind(1)
    x, y = at[None, None, :], at[None, :, None]
    shape = logits[:, 0].shape
    to_box = torch.stack([side.expand(shape) for side in (x - left, y - top, right - x, bottom - y)], 1)
    away = (x - (left + right) / 2).abs() + (y - (top + bottom) / 2).abs()
    return _balanced(logits[:, 0], away <= RADIUS), _overlap(distances, to_box)


def stranger_loss(logits: Tensor) -> Tensor:
    """Cross-entropy of the hottest cells where nothing should be found; logits as above."""
    each = functional.softplus(logits).flatten(1)
    return each.topk(min(_HOTTEST, each.shape[1]), 1).values.mean()


def _balanced(logits: Tensor, positive: Tensor) -> Tensor:
    each = functional.binary_cross_entropy_with_logits(logits, positive.float(), reduction="none")
    negative = ~positive
    hit = (each * positive).sum() / positive.sum().clamp(min=1)
    miss = (each * negative).sum() / negative.sum().clamp(min=1)
    return (hit + miss) / 2


def _overlap(found: Tensor, wanted: Tensor) -> Tensor:
    # Two boxes around one point: the sides of their intersection are sums of the smaller distances.
    inside = wanted.amin(1) > 0
    wanted = wanted.clamp(min=0)
    inner = torch.minimum(found, wanted)
    common = (inner[:, 0] + inner[:, 2]) * (inner[:, 1] + inner[:, 3])
    areas = [(box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3]) for box in (found, wanted)]
    loss = -torch.log((common + 1) / (areas[0] + areas[1] - common + 1))
    return (loss * inside).sum() / inside.sum().clamp(min=1)
