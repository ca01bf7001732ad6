"""Multiply-accumulate operations and parameters of a network, layer by layer, by conventions side by side.

The graph itself is counted: every operator that PyTorch executes on the example inputs passes by, whether a layer or
a function called it, and each lands in one *kind*. A convention is a choice of kinds:

=============  ==================================================  =============================================
convention     counts                                              is
=============  ==================================================  =============================================
``conv``       convolutions with weights of the network            the usual "MACs" of a fully convolutional net
``all``        these, convolutions by computed kernels, matrix     ``torch.utils.flop_counter`` divided by 2
               products
``thop-2020``  ``conv``, one addition per biased output element,   the "FLOPs" of the LightTrack paper's tables:
               2 per batch-norm element, input window + 1 per      thop 0.0.31, without its rule for ``Linear``
               output element of an adaptive average pool
=============  ==================================================  =============================================

"FLOPs" in the sense of additions plus multiplications are twice the MACs. What a convention leaves out is listed with
the count, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.types import Cost, NetworkPart, SplitTracker

if TYPE_CHECKING:
    import torch

CONVENTIONS: Mapping[str, tuple[str, ...]] = {
    "conv": ("conv",),
    "all": ("conv", "correlation", "matmul"),
    "thop-2020": ("conv", "bias", "norm", "pool"),
}
"""Kinds of operations that each convention adds up."""

MULTIPLYING = ("conv", "correlation", "matmul")
"""Kinds whose unit is a MAC; the others are operations as thop counts them."""


@dataclass(frozen=True)
class Layer:
    """What one module does itself, its children apart.

    Attributes:
        name: Path of the module; empty for the outermost one.
        operations: By kind: ``conv``, ``correlation`` (a convolution whose kernel was computed), ``matmul``,
            ``bias``, ``norm``, ``pool``.
        calls: Executed operators without a kind, by name, with how often each ran.
        parameters: Elements of the parameters held by this module itself.
    """

    name: str
    operations: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    parameters: int = 0

    def macs(self, convention: str) -> int:
        return sum(self.operations.get(kind, 0) for kind in CONVENTIONS[convention])


@dataclass(frozen=True)
class Count:
    """Operations of one network on one set of input shapes.

    Attributes:
        layers: In the order of the module tree: those that executed something or hold parameters.
        parameters: Distinct trainable or frozen parameters; buffers are none.
        input: Shapes, e.g. ``1x3x256x256, 1x96x8x8``.
    """

    layers: tuple[Layer, ...]
    parameters: int
    input: str

    def macs(self, convention: str) -> int:
        """Total by one of ``CONVENTIONS``."""
        return sum(layer.macs(convention) for layer in self.layers)

    def operations(self, kind: str) -> int:
        """Total of one kind."""
        return sum(layer.operations.get(kind, 0) for layer in self.layers)

    def not_counted(self, convention: str) -> tuple[str, ...]:
        """What ran and is not in the total: kinds with their size, then other operators with their calls.

        Operators that only move, reshape or create data are not listed.
        """
        kinds = dict.fromkeys(kind for layer in self.layers for kind in layer.operations)
        left = [
            f"{kind} {self.operations(kind):,}" + (" MACs" if kind in MULTIPLYING else "")
            for kind in kinds
            if kind not in CONVENTIONS[convention]
        ]
        calls: dict[str, int] = {}
        for layer in self.layers:
            for name, times in layer.calls.items():
                calls[name] = calls.get(name, 0) + times
        return (*left, *(f"{name} x{times}" for name, times in sorted(calls.items())))


def count(module: torch.nn.Module, inputs: Sequence[torch.Tensor | NDArray[Any]]) -> Count:
    """Count a network on example inputs, in evaluation mode and without gradients.

    Args:
        module: Any network; its training flags and hooks are as before afterwards.
        inputs: Positional arguments of its ``forward``. Counts are for this batch, not per image.

    Raises:
        ValueError: The network does not accept the inputs.
    """
    # torch is imported there, and only when something is to be counted.
    from evalkit.cost._ledger import record

    layers = record(module, inputs)
    unique = {id(parameter): parameter.numel() for parameter in module.parameters()}
    return Count(layers, sum(unique.values()), shapes(inputs))


def shapes(inputs: Iterable[Any]) -> str:
    """Shapes of arrays or tensors in one line.

    >>> shapes([np.zeros((1, 3, 8, 8)), np.zeros((1, 4))])
    '1x3x8x8, 1x4'
    """
    return ", ".join("x".join(map(str, np.shape(value))) for value in inputs)


def costs(tracker: SplitTracker, *, name: str = "") -> list[Cost]:
    """MACs of each network of a tracker by every convention, and its parameters.

    The network that runs on every frame is ``macs``; any other is listed apart, as ``template_macs`` for the one that
    runs once per initialisation. Parameters shared by the networks count once.
    """
    parts = tracker.parts()
    counts = {part.name: count(part.module, part.example) for part in parts}
    records = [
        Cost(
            tracker=name, quantity="macs" if part.name == "search" else f"{part.name}_macs", convention=convention,
            value=counts[part.name].macs(convention), unit="MACs", input=counts[part.name].input,
            not_counted=counts[part.name].not_counted(convention),
        )
        for part in parts
        for convention in CONVENTIONS
    ]  # fmt: skip
    return [*records, _parameters(parts, name)]


def _parameters(parts: Sequence[NetworkPart], name: str) -> Cost:
    unique = {id(parameter): parameter.numel() for part in parts for parameter in part.module.parameters()}
    return Cost(name, "parameters", "distinct", sum(unique.values()), "parameters")
