"""Loss of the LightTrack and Ocean papers: balanced cross-entropy, and the overlap of boxes around the target."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BOX_WEIGHT = 1.2
"""Weight of the overlap term. Source: training loop of the LightTrack authors' development repository."""
RADIUS = 16.0
"""City-block distance from the target's centre, in pixels, within which cells are positive.

Source: rPos = 16 / stride cells of the official code.
"""
ABSENT_TARGET_WEIGHT = 0.15
"""Weight of the term for search crops without the target."""

_HARD_CELLS = 10
"""Cells with the highest scores that count in a search crop without the target."""


def cell_centers(size: int, stride: int, device: torch.device) -> Tensor:
    """Return shape (S,): position of each cell along one side of the search crop, as in the tracker.

    Args:
        size: Side of the search crop, in pixels.
        stride: Pixels from one cell to the next.
        device: Device of the result.
    """
    count = size // stride
    return (torch.arange(count, device=device) - count // 2) * stride + size // 2


def tracking_loss(logits: Tensor, distances: Tensor, boxes: Tensor, *, size: int) -> tuple[Tensor, Tensor]:
    """Return the unweighted classification and overlap terms.

    Args:
        logits: Shape (B, 1, S, S).
        distances: Shape (B, 4, S, S): left, top, right, bottom in pixels.
        boxes: Shape (B, 4): left, top, right, bottom in the search crop.
        size: Side of the search crop, in pixels.
    """
    at = cell_centers(size, size // logits.shape[-1], logits.device).float()
    left, top, right, bottom = boxes[:, :, None, None].unbind(1)
    x, y = at[None, None, :], at[None, :, None]
    shape = logits[:, 0].shape
    target = torch.stack([side.expand(shape) for side in (x - left, y - top, right - x, bottom - y)], 1)
    offset = (x - (left + right) / 2).abs() + (y - (top + bottom) / 2).abs()
    inside = target.amin(1) > 0
    return _balanced_cross_entropy(logits[:, 0], offset <= RADIUS), overlap_loss(distances, target, inside)


def absent_target_loss(logits: Tensor) -> Tensor:
    """Return the cross-entropy of the cells with the highest scores in search crops without the target.

    Args:
        logits: Shape (B, 1, S, S).
    """
    loss = functional.softplus(logits).flatten(1)
    return loss.topk(min(_HARD_CELLS, loss.shape[1]), 1).values.mean()


def _balanced_cross_entropy(logits: Tensor, positive: Tensor) -> Tensor:
    loss = functional.binary_cross_entropy_with_logits(logits, positive.float(), reduction="none")
    negative = ~positive
    positive_loss = (loss * positive).sum() / positive.sum().clamp(min=1)
    negative_loss = (loss * negative).sum() / negative.sum().clamp(min=1)
    return (positive_loss + negative_loss) / 2


def overlap_loss(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean of the negative logarithm of the overlap of boxes around the same cells.

    Args:
        predicted: Shape (B, 4, S, S): left, top, right, bottom in pixels.
        target: The same of the expected boxes; negative distances count as 0.
        weight: Shape (B, S, S).
    """
    # Two boxes around the same point: the sides of their intersection are sums of the smaller distances.
    target = target.clamp(min=0)
    smaller = torch.minimum(predicted, target)
    common = (smaller[:, 0] + smaller[:, 2]) * (smaller[:, 1] + smaller[:, 3])
    areas = [(box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3]) for box in (predicted, target)]
    loss = -torch.log((common + 1) / (areas[0] + areas[1] - common + 1))
    return (loss * weight).sum() / weight.sum().clamp(min=1)
