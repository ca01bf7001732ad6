"""Multiply-accumulate operations and parameters of a network, by several conventions.

The executed graph is counted: every operator that PyTorch executes on the example inputs is recorded, whether a layer
or a function called it, and assigned to one *kind*. A convention is a choice of kinds:

=============  ==================================================  =============================================
convention     counts                                              equals
=============  ==================================================  =============================================
``conv``       convolutions with weights of the network            the usual "MACs" of a fully convolutional net
``all``        these, convolutions by computed kernels, matrix     ``torch.utils.flop_counter`` divided by 2
               products
``thop-2020``  ``conv``, one addition per biased output element,   the "FLOPs" of the LightTrack paper's tables:
               2 per batch-norm element, input window + 1 per      thop 0.0.31, without its rule for ``Linear``
               output element of an adaptive average pool
=============  ==================================================  =============================================

"FLOPs" in the sense of additions plus multiplications are twice the MACs. Operators that a convention does not count
are listed with the total.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.cost.layers import CONVENTIONS, Count
from evalkit.types import Cost, NetworkPart, SplitTracker

if TYPE_CHECKING:
    import torch


def count(module: torch.nn.Module, inputs: Sequence[torch.Tensor | NDArray[Any]]) -> Count:
    """Count a network on example inputs, in evaluation mode and without gradients.

    Args:
        module: Any network. Its training flags and hooks are restored afterwards.
        inputs: Positional arguments of its ``forward``. Counts are for this batch, not per image.

    Raises:
        ValueError: The network does not accept the inputs.
    """
    # This module imports torch, so it is imported only for counting.
    from evalkit.cost._operator_recorder import record_layers

    layers = record_layers(module, inputs)
    unique = {id(parameter): parameter.numel() for parameter in module.parameters()}
    return Count(layers, sum(unique.values()), shapes(inputs))


def shapes(inputs: Iterable[Any]) -> str:
    """Return the shapes of arrays or tensors in one line.

    >>> shapes([np.zeros((1, 3, 8, 8)), np.zeros((1, 4))])
    '1x3x8x8, 1x4'
    """
    return ", ".join("x".join(map(str, np.shape(value))) for value in inputs)


def costs(tracker: SplitTracker, *, name: str = "") -> list[Cost]:
    """Return the MACs of each network of a tracker by every convention, and its parameters.

    The network that runs on every frame is ``macs``; any other is listed separately, as ``template_macs`` for the one
    that runs once per initialisation. Parameters shared by the networks count once.

    Args:
        tracker: The tracker.
        name: Its name in the records.
    """
    parts = tracker.parts()
    records = [
        record
        for part in parts
        for record in count_costs(
            count(part.module, part.example), name=name,
            quantity="macs" if part.name == "search" else f"{part.name}_macs",
        )
    ]  # fmt: skip
    return [*records, _parameters(parts, name)]


def count_costs(
    counted: Count, *, name: str, quantity: str = "macs", conventions: Iterable[str] = CONVENTIONS
) -> list[Cost]:
    """Return the MACs of a counted network by each convention.

    Args:
        name: Name of the tracker in the records.
    """
    return [
        Cost(
            tracker=name, quantity=quantity, convention=convention, value=counted.macs(convention), unit="MACs",
            input=counted.input, not_counted=counted.not_counted(convention),
        )
        for convention in conventions
    ]  # fmt: skip


def _parameters(parts: Sequence[NetworkPart], name: str) -> Cost:
    unique = {id(parameter): parameter.numel() for part in parts for parameter in part.module.parameters()}
    return Cost(name, "parameters", "distinct", sum(unique.values()), "parameters")
