"""From a checkpoint to a tracker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evalkit import checkpoints
from evalkit.runtimes import calibration
from evalkit.trackers._siamese.networks import Execution, Preparation, Samples, TwoPartNetworks
from evalkit.trackers._siamese.rules import Hyperparameters, Rules
from evalkit.trackers._siamese.settings import record
from evalkit.trackers._siamese.tracker import SiameseTracker

Convert: TypeAlias = Callable[[dict[str, Tensor], list[str], Path], dict[str, Tensor]]


def build(
    network: Callable[[], nn.Module],
    rules: Rules,
    hyperparameters: tuple[Hyperparameters, str],
    *,
    checkpoint: str,
    weights: Path | None,
    preparation: Preparation,
    execution: Execution,
    outputs: tuple[str, ...] = ("cls", "reg"),
    unused: tuple[str, ...] = (),
    convert: Convert | None = None,
    facts: Mapping[str, Any] | None = None,
) -> SiameseTracker:
    """A tracker with the tensors of its checkpoint.

    Args:
        network: Builds it, with whatever values.
        rules: Of its family.
        hyperparameters: The values and their source.
        checkpoint: Name in the catalogue.
        weights: The file a person named, or None.
        preparation: Of its images.
        execution: By what the networks are executed.
        outputs: Names of the response's arrays.
        unused: Beginnings of names that the checkpoint may hold in excess.
        convert: Brings the tensors of another kind of file into the network's names, given these names and the file.
        facts: What else a run should record.
    """
    found = checkpoints.find(checkpoint, weights)
    values, source = hyperparameters
    module = loaded(network, found.path, unused, convert)
    card = {
        **(facts or {}),
        "hyperparameters": record(values),
        "hyperparameters_source": source,
        "weights": found.record(),
        **({"weights_notice": found.notice} if found.notice else {}),
        **execution._asdict(),
    }

    def tracker(how: Execution, samples: Samples | None) -> SiameseTracker:
        networks = TwoPartNetworks(
            module, preparation, outputs=outputs, sizes=(values.template, values.small), execution=how, samples=samples
        )
        return SiameseTracker(rules, values, networks=networks, card=card)

    @cache
    def samples() -> Sequence[tuple[NDArray[Any], ...]]:
        return calibration.inputs(tracker(Execution(), None))

    return tracker(execution, samples)


def loaded(
    network: Callable[[], nn.Module], path: Path, unused: tuple[str, ...] = (), convert: Convert | None = None
) -> nn.Module:
    """The network with the tensors of a checkpoint, in evaluation mode; no random number is drawn."""
    state = checkpoints.read_state(path)
    with torch.device("meta"):
        module = network()
    if convert is not None:
        state = convert(state, list(module.state_dict()), path)
    _give_memory(module)
    checkpoints.fit(module, state, where=path, unused=unused)
    return module.eval().requires_grad_(False)


def _give_memory(module: nn.Module) -> None:
    """Put tensors without values where those without memory are.

    ``Module.to_empty`` does the same by way of symbolic shapes, whose import takes half a second.
    """
    for child in module.modules():
        for name, value in child.named_parameters(recurse=False):
            setattr(child, name, nn.Parameter(torch.empty(value.shape, dtype=value.dtype)))
        for name, buffer in child.named_buffers(recurse=False):
            setattr(child, name, torch.empty(buffer.shape, dtype=buffer.dtype))
