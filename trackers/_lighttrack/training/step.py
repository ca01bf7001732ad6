"""One training step: how it is executed on a device, and its losses, which stay there until they are fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from evalkit.errors import EvalkitError
from evalkit.runtimes.cuda_capture import CapturedFunction

PRECISIONS = ("fp32", "bf16")
"""Precisions of the network in training; weights, their running mean, the optimizer and the losses are in fp32."""


@dataclass(frozen=True)
class StepMode:
    """How steps are executed; the results agree up to rounding.

    Attributes:
        on_device: Keep learning rates and other numbers of a step on the device, so that nothing waits for it.
        ahead: Number of steps whose pairs are made ahead by a thread of their own; 0 makes them where they are used.
        block: Number of steps whose losses are fetched from the device together.
        capture: Captures a step as a graph from the function and its inputs; None executes every step in eager mode.
    """

    on_device: bool = False
    ahead: int = 0
    block: int = 1
    capture: Callable[..., Any] | None = None

    @classmethod
    def of(cls, device: torch.device) -> StepMode:
        """Return the mode for a device: the fastest one on CUDA, and the plain one elsewhere."""
        return cls(on_device=True, ahead=3, block=32, capture=CapturedFunction) if device.type == "cuda" else cls()


@dataclass(frozen=True)
class StepLosses:
    """Losses of one step on the device.

    Attributes:
        names: Names of the losses.
        values: Shape (parts x losses + 1): the losses of each part of the batch, and the norm of the gradients.
    """

    names: tuple[str, ...]
    values: Tensor

    @classmethod
    def join(cls, parts: Sequence[dict[str, Tensor]], norm: Tensor) -> StepLosses:
        """Return the losses of the parts of a batch as one tensor."""
        values = [part[name].detach().float() for part in parts for name in part]
        return cls(tuple(parts[0]), torch.stack([*values, norm.detach().float()]))


@dataclass(frozen=True)
class StepRecord:
    """What one step reports.

    Attributes:
        step: Number of steps done.
        rate: Learning rate.
        size: Side of the search crops, in pixels.
        losses: Losses, on the device.
        pairs_seconds: CPU seconds of each part of the batch for making its pairs.
        network_seconds: CPU seconds of each part of the batch for the network; on CUDA, of queueing its kernels.
    """

    step: int
    rate: float
    size: int
    losses: StepLosses = field(repr=False)
    pairs_seconds: Sequence[float]
    network_seconds: Sequence[float]

    def row(self) -> dict[str, float]:
        """Wait for the step, and return its numbers by name."""
        return fetch_rows([self])[0]


def fetch_rows(records: Sequence[StepRecord]) -> list[dict[str, float]]:
    """Return the numbers of some steps by name, transferred from the device together.

    Each row has ``step``, the mean losses of the batch's parts, ``pairs_seconds``, ``network_seconds``, the ``norm`` of
    the gradients, ``rate`` and ``size``.
    """
    if not records:
        return []
    values = torch.cat([record.losses.values for record in records]).tolist()
    rows, end = [], 0
    for record in records:
        start, end = end, end + len(record.losses.values)
        own, names = values[start:end], record.losses.names
        means = {name: _mean(own[index : -1 : len(names)]) for index, name in enumerate(names)}
        seconds = {"pairs_seconds": _mean(record.pairs_seconds), "network_seconds": _mean(record.network_seconds)}
        rows.append(
            {"step": record.step, **means, **seconds, "norm": own[-1], "rate": record.rate, "size": record.size}
        )
    return rows


def check_precision(precision: str) -> None:
    """Check that networks are trained in a precision.

    Raises:
        EvalkitError: They are not.
    """
    if precision not in PRECISIONS:
        raise EvalkitError(
            "networks are not trained in this precision", where="--precision", found=precision,
            expected=", ".join(PRECISIONS),
        )  # fmt: skip


def autocast(precision: str, device: torch.device) -> Any:
    """Return a context in which convolutions and matrix products are computed in a precision of ``PRECISIONS``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
