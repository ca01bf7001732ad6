"""Build a Siamese tracker: load the checkpoint into its network and the network into a runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from evalkit import checkpoints
from evalkit.factories import CALIBRATION
from evalkit.runtimes.calibration import inputs as rendered_inputs
from evalkit.runtimes.calibration_sequences import CalibrationSequences
from evalkit.trackers._siamese.hyperparameters import Hyperparameters
from evalkit.trackers._siamese.model import ConvertState, SiameseModel
from evalkit.trackers._siamese.networks import CalibrationInputs, SiameseNetworks
from evalkit.trackers._siamese.tracker import SiameseTracker
from evalkit.types import Execution


def build_tracker(
    model: SiameseModel,
    hyperparameters: Hyperparameters,
    *,
    source: str,
    weights: Path | None = None,
    execution: Execution | None = None,
    calibration: CalibrationSequences | None = None,
) -> SiameseTracker:
    """Build the tracker of a model.

    Args:
        model: Network, rules and checkpoint.
        hyperparameters: Values to use.
        source: Sentence that names the source of the values, for ``run.json``.
        weights: Checkpoint file or folder that was given with ``--weights``, or None.
        execution: Runtime, precision, device and threads; torch, fp32, the CPU and one thread by default.
        calibration: Sequences to calibrate int8 on, in addition to rendered targets; None in other precisions.

    Raises:
        EvalkitError: There is no checkpoint, it does not fit the network, or the runtime cannot execute it.
    """
    execution = execution or Execution()
    found = checkpoints.find(model.checkpoint, weights)
    module = load_network(model.network, found.path, model.unused, model.convert)
    card = {
        **model.extra_card,
        "hyperparameters": hyperparameters.record(),
        "hyperparameters_source": source,
        "weights": found.record(),
        **({"weights_notice": found.notice} if found.notice else {}),
        **asdict(execution),
    }

    def create(
        how: Execution, samples: CalibrationInputs | None = None, values: Hyperparameters = hyperparameters
    ) -> SiameseTracker:
        networks = SiameseNetworks(
            module, model.image_format, outputs=model.outputs, sizes=(values.template, values.small), execution=how,
            samples=samples,
        )  # fmt: skip
        return SiameseTracker(model.rules, values, networks=networks, card=card, image_format=model.image_format)

    exact = cache(lambda: create(Execution()))
    named = [] if calibration is None else calibration.inputs(exact())
    if calibration is not None:
        card[CALIBRATION] = calibration.record(named)

    @cache
    def samples() -> Sequence[tuple[NDArray[Any], ...]]:
        rendered = rendered_inputs(exact())
        if (lost := hyperparameters.lost_size) > 0:  # no rendered target is lost
            searching = create(Execution(), values=replace(hyperparameters, small=lost, big=lost, lost_size=0))
            rendered += rendered_inputs(searching, frames=1)
        return [*rendered, *named]

    return create(execution, samples)


def load_network(
    create: Callable[[], nn.Module], path: Path, unused: tuple[str, ...] = (), convert: ConvertState | None = None
) -> nn.Module:
    """Return a network with the tensors of a checkpoint, in evaluation mode; no random number is drawn.

    Args:
        create: Creates the network.
        path: Checkpoint file.
        unused: Prefixes of tensor names that the file may contain and the network does not have.
        convert: Renames the tensors of another kind of checkpoint.

    Raises:
        EvalkitError: See ``checkpoints.read_state`` and ``checkpoints.fit``.
    """
    state = checkpoints.read_state(path)
    with torch.device("meta"):
        module = create()
    if convert is not None:
        state = convert(state, list(module.state_dict()), path)
    _allocate(module)
    checkpoints.fit(module, state, where=path, unused=unused)
    return module.eval().requires_grad_(False)


def _allocate(module: nn.Module) -> None:
    """Replace the meta tensors of a module by uninitialised ones in memory.

    ``Module.to_empty`` does the same through symbolic shapes, whose import takes half a second.
    """
    for child in module.modules():
        for name, value in child.named_parameters(recurse=False):
            setattr(child, name, nn.Parameter(torch.empty(value.shape, dtype=value.dtype)))
        for name, buffer in child.named_buffers(recurse=False):
            setattr(child, name, torch.empty(buffer.shape, dtype=buffer.dtype))
