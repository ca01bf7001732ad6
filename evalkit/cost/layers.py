"""Operation counts of a network, layer by layer, and the conventions that add them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CONVENTIONS: Mapping[str, tuple[str, ...]] = {
    "conv": ("conv",),
    "all": ("conv", "correlation", "matmul"),
    "thop-2020": ("conv", "bias", "norm", "pool"),
}
"""Kinds of operations that each convention adds up; see ``evalkit.cost.macs``."""

_COUNTED_IN_MACS = ("conv", "correlation", "matmul")  # the other kinds are operations as thop counts them


@dataclass(frozen=True)
class Layer:
    """Operations of one module, without those of its children.

    Attributes:
        name: Path of the module; empty for the outermost one.
        operations: By kind: ``conv``, ``correlation`` (a convolution whose kernel was computed), ``matmul``,
            ``bias``, ``norm``, ``pool``.
        calls: Executed operators that belong to no kind, by name, with the number of calls.
        parameters: Elements of the parameters held by this module itself.
    """

    name: str
    operations: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    parameters: int = 0

    def macs(self, convention: str) -> int:
        """Return the total by one of ``CONVENTIONS``."""
        return sum(self.operations.get(kind, 0) for kind in CONVENTIONS[convention])


@dataclass(frozen=True)
class Count:
    """Operations of one network on one set of input shapes.

    Attributes:
        layers: The modules that executed an operator or hold parameters, in the order of the module tree.
        parameters: Elements of distinct parameters, trainable or frozen; buffers are not parameters.
        input: Shapes, e.g. ``1x3x256x256, 1x96x8x8``.
    """

    layers: tuple[Layer, ...]
    parameters: int
    input: str

    def macs(self, convention: str) -> int:
        """Return the total by one of ``CONVENTIONS``."""
        return sum(layer.macs(convention) for layer in self.layers)

    def operations(self, kind: str) -> int:
        """Return the total of one kind of operations."""
        return sum(layer.operations.get(kind, 0) for layer in self.layers)

    def not_counted(self, convention: str) -> tuple[str, ...]:
        """Return what was executed and is not in the total: kinds with their size, then other operators with calls.

        Operators that only move, reshape or create data are not listed.
        """
        kinds = dict.fromkeys(kind for layer in self.layers for kind in layer.operations)
        excluded = [
            f"{kind} {self.operations(kind):,}" + (" MACs" if kind in _COUNTED_IN_MACS else "")
            for kind in kinds
            if kind not in CONVENTIONS[convention]
        ]
        calls: dict[str, int] = {}
        for layer in self.layers:
            for name, times in layer.calls.items():
                calls[name] = calls.get(name, 0) + times
        return (*excluded, *(f"{name} x{times}" for name, times in sorted(calls.items())))
