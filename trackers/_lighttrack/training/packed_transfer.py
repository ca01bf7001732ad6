"""Transfer of many small tensors to a device as one block of bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from itertools import accumulate
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

_ALIGNMENT = 8
"""Bytes of which the position of every tensor is a multiple, as a tensor of 64-bit numbers requires."""


def move_packed(draws: T, device: torch.device) -> T:
    """Return a data class with its tensors on a device; for the CPU it is the data class itself.

    For CUDA the bytes of all tensors are put into one block of pinned memory and copied at once, without waiting.

    Args:
        draws: A data class of tensors on the CPU, of tuples and other data classes of them, and of values that stay as
            they are.
        device: Device to copy to.
    """
    return draws if device.type == "cpu" else transfer_packed(draws, device)


def transfer_packed(draws: T, device: torch.device) -> T:
    """Copy all tensors as one block, as ``move_packed`` does for every device but the CPU."""
    tensors: list[Tensor] = []
    _map(draws, lambda tensor: tensors.append(tensor))
    starts = list(accumulate((-(-one.nbytes // _ALIGNMENT) * _ALIGNMENT for one in tensors), initial=0))
    pinned = device.type == "cuda"
    block = torch.empty(starts[-1], dtype=torch.uint8, pin_memory=pinned)
    for start, tensor in zip(starts, tensors, strict=False):
        block[start : start + tensor.nbytes].copy_(tensor.reshape(-1).view(torch.uint8))
    moved = block.to(device, non_blocking=pinned)
    views = (
        moved[start : start + one.nbytes].view(one.dtype).reshape(one.shape)
        for start, one in zip(starts, tensors, strict=False)
    )
    copied: T = _map(draws, lambda tensor: next(views))
    return copied


def _map(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """Return a tree with each of its tensors replaced by ``change`` of it, in a fixed order."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_map(one, change) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{one.name: _map(getattr(value, one.name), change) for one in fields(value)})
    return value
