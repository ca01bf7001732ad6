"""The *locate* step for many targets at once, in torch: what ``SiameseTracker.locate`` computes for one in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from evalkit.trackers._siamese import decoding, rules
from evalkit.trackers._siamese.hyperparameters import Hyperparameters

Decode: TypeAlias = "Callable[[tuple[Tensor, ...], DeviceAnchors, Hyperparameters], tuple[Tensor, Tensor]]"
"""As ``rules.Decode`` for n responses at once: scores of shape (n, N) and boxes of shape (n, 4, N), both float64."""


@dataclass(frozen=True, eq=False)
class DeviceAnchors:
    """``Anchors`` as float64 tensors of shape (N,) on a device."""

    window: Tensor
    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor


@dataclass(frozen=True, eq=False)
class Targets:
    """States of n targets, float64 tensors in pixels of their frames.

    Attributes:
        center: Shape (n, 2), x and y.
        size: Shape (n, 2), width and height.
        limits: Shape (n, 2), width and height of each first frame.
    """

    center: Tensor
    size: Tensor
    limits: Tensor


@dataclass(frozen=True, eq=False)
class Located:
    """Where n targets were found.

    Attributes:
        center, size: The new states, shape (n, 2).
        answers: Shape (n, 6): x, y, width and height of the answered box, its confidence, and 1 where the response
            contains NaN, else 0.
    """

    center: Tensor
    size: Tensor
    answers: Tensor


def context_side(size: Tensor, context: float) -> Tensor:
    """Return the side of the padded square around targets of a size, shape (n, 2), as shape (n,)."""
    width, height = size.unbind(1)
    margin = context * (width + height)
    return ((width + margin) * (height + margin)).sqrt()


def locate_targets(
    response: tuple[Tensor, ...],
    targets: Targets,
    scale: Tensor,
    anchors: DeviceAnchors,
    *,
    family: rules.Rules,
    values: Hyperparameters,
    smallest_side: float,
) -> Located:
    """Select the best candidate of each response and move the targets to them.

    Args:
        response: Outputs of the network for n search crops.
        targets: The states before this frame.
        scale: Shape (n,), pixels of the search crop per pixel of the frame.
        anchors: The candidates.
        family: A family whose functions all are in ``DECODERS``, ``ROUNDINGS`` and ``SMOOTHINGS``.
        values: Hyperparameters of a short-term tracker.
        smallest_side: Smallest width and height of a target.
    """
    score, boxes = DECODERS[family.decode](response, anchors, values)
    penalty = _size_change_penalty(boxes, targets.size * scale[:, None], values.penalty_k)
    influence = values.window_influence
    value = (penalty * score) * (1.0 - influence) + anchors.window * influence
    # The first of equal ones, and NaN never; argmax would prefer NaN.
    best = value.masked_fill(value.isnan(), -math.inf).argmax(dim=1, keepdim=True)
    confidence = score.gather(1, best)[:, 0]
    rate = SMOOTHINGS[family.smoothing](penalty.gather(1, best)[:, 0] * confidence * values.lr)[:, None]
    box = boxes.gather(2, best[:, None, :].expand(-1, 4, -1))[:, :, 0] / scale[:, None]
    center = targets.center + box[:, :2]
    size = (1 - rate) * targets.size + rate * box[:, 2:]
    finite = (center.isfinite() & size.isfinite()).all(dim=1, keepdim=True)
    center = torch.where(finite, center, targets.center)
    size = torch.where(finite, size, targets.size)
    center = center.minimum(targets.limits).clamp_min(0.0)
    size = size.minimum(targets.limits).clamp_min(smallest_side)
    corner = center - size / 2
    if family.clip_corner:
        corner = corner.clamp_min(0.0)
    invalid = torch.stack([output.flatten(1).isnan().any(dim=1) for output in response]).any(dim=0)
    # Adding 0 turns the -0 that a minimum can give into 0.
    answers = torch.cat([corner, size, confidence[:, None], invalid[:, None].double()], dim=1) + 0.0
    return Located(center, size, answers)


def _size_change_penalty(boxes: Tensor, size: Tensor, penalty_k: float) -> Tensor:
    """Return ``selection.size_change_penalty`` for boxes of shape (n, 4, N) and sizes of shape (n, 2)."""
    width, height = size[:, :1], size[:, 1:]
    last = (width + height) * 0.5
    last = ((width + last) * (height + last)).sqrt()
    margin = (boxes[:, 2] + boxes[:, 3]) * 0.5
    padded = ((boxes[:, 2] + margin) * (boxes[:, 3] + margin)).sqrt()
    scale, aspect = _change(padded / last), _change((width / height) / (boxes[:, 2] / boxes[:, 3]))
    return ((1.0 - scale * aspect) * penalty_k).exp()


def _change(ratio: Tensor) -> Tensor:
    return torch.maximum(ratio, 1.0 / ratio)


def _sigmoid(logits: Tensor) -> Tensor:
    return 0.5 + 0.5 * torch.tanh(0.5 * logits.double())


def _target_score(logits: Tensor) -> Tensor:
    background, target = logits.reshape(len(logits), 2, -1).unbind(1)
    return _sigmoid(target - background)


def _boxes_from_distances(distance: Tensor, anchors: DeviceAnchors) -> Tensor:
    left, top, right, bottom = distance.reshape(len(distance), 4, -1).double().unbind(1)
    x, y = anchors.x + 0.5 * (right - left), anchors.y + 0.5 * (bottom - top)
    return torch.stack([x, y, left + right, top + bottom], dim=1)


def _decode_distances(
    response: tuple[Tensor, ...], anchors: DeviceAnchors, values: Hyperparameters
) -> tuple[Tensor, Tensor]:
    return _sigmoid(response[0].flatten(1)), _boxes_from_distances(response[1], anchors)


def _decode_aligned_distances(
    response: tuple[Tensor, ...], anchors: DeviceAnchors, values: Hyperparameters
) -> tuple[Tensor, Tensor]:
    plain, aligned = _sigmoid(response[0].flatten(1)), _sigmoid(response[2].flatten(1))
    return values.ratio * plain + (1.0 - values.ratio) * aligned, _boxes_from_distances(response[1], anchors)


def _decode_two_class_distances(
    response: tuple[Tensor, ...], anchors: DeviceAnchors, values: Hyperparameters
) -> tuple[Tensor, Tensor]:
    return _target_score(response[0]), _boxes_from_distances(response[1], anchors)


def _decode_anchor_offsets(
    response: tuple[Tensor, ...], anchors: DeviceAnchors, values: Hyperparameters
) -> tuple[Tensor, Tensor]:
    x, y, width, height = response[1].reshape(len(response[1]), 4, -1).double().unbind(1)
    boxes = torch.stack(
        [
            x * anchors.width + anchors.x, y * anchors.height + anchors.y,
            width.exp() * anchors.width, height.exp() * anchors.height,
        ], dim=1,
    )  # fmt: skip
    return _target_score(response[0]), boxes


def _round_half_up(values: Tensor) -> Tensor:
    return (values + 0.5).floor()


def _round_half_away_from_zero(values: Tensor) -> Tensor:
    whole = values.floor()
    return whole + (values - whole >= 0.5)


def _square(values: Tensor) -> Tensor:
    return values * values


def _unchanged(values: Tensor) -> Tensor:
    return values


DECODERS: Mapping[rules.Decode, Decode] = {
    decoding.decode_distances: _decode_distances,
    decoding.decode_aligned_distances: _decode_aligned_distances,
    decoding.decode_two_class_distances: _decode_two_class_distances,
    decoding.decode_anchor_offsets: _decode_anchor_offsets,
}
"""Decoders by the function that decodes one response in NumPy."""
ROUNDINGS: Mapping[Callable[[float], int], Callable[[Tensor], Tensor]] = {
    rules.round_half_to_even: torch.round,
    rules.round_half_up: _round_half_up,
    rules.round_half_away_from_zero: _round_half_away_from_zero,
}
"""Roundings of float64 tensors by the function that rounds one number."""
SMOOTHINGS: Mapping[Callable[[float], float], Callable[[Tensor], Tensor]] = {
    rules.smooth_once: _unchanged,
    rules.smooth_twice: _square,
}
"""Smoothings by the function that smooths one rate."""


def supports(family: rules.Rules, values: Hyperparameters) -> bool:
    """Return whether all functions of a family have a counterpart here; a long-term tracker's states do not."""
    return (
        family.decode in DECODERS
        and {family.round_corner, family.round_side} <= ROUNDINGS.keys()
        and family.smoothing in SMOOTHINGS
        and not values.long_term
    )
