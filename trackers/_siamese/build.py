"""From a checkpoint to a tracker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from evalkit import weights as checkpoints
from evalkit.runtimes import calibration
from evalkit.trackers._siamese.networks import Preparation, TwoPartNetworks
from evalkit.trackers._siamese.rules import Hyperparameters, Rules
from evalkit.trackers._siamese.settings import record
from evalkit.trackers._siamese.tracker import SiameseTracker


def build(
    network: Callable[[], nn.Module],
    rules: Rules,
    hyperparameters: tuple[Hyperparameters, str],
    *,
    checkpoint: str,
    weights: Path | None,
    preparation: Preparation,
    outputs: tuple[str, ...] = ("cls", "reg"),
    unused: tuple[str, ...] = (),
    facts: Mapping[str, Any] | None = None,
    runtime: str = "torch",
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
) -> SiameseTracker:
    """A tracker with the tensors of its checkpoint.

    Args:
        network: Builds it, with whatever values.
        rules: Of its family.
        hyperparameters: The values and their source.
        checkpoint: Name in the catalogue.
        weights: The file a person named, or None.
        preparation: Of its images.
        outputs: Names of the response's arrays.
        unused: Beginnings of names that the checkpoint may hold in excess.
        facts: What else a run should record.
        runtime, precision, device, threads: See ``evalkit.runtimes``.
    """
    found = checkpoints.find(checkpoint, weights)
    values, source = hyperparameters
    module = loaded(network, found.path, unused)
    networks = TwoPartNetworks(
        module, preparation, outputs=outputs, template_size=values.template,
        runtime=runtime, precision=precision, device=device, threads=threads,
    )  # fmt: skip

    @cache
    def samples() -> list[tuple[NDArray[Any], ...]]:
        plain = TwoPartNetworks(module, preparation, outputs=outputs, template_size=values.template)
        return calibration.inputs(SiameseTracker(rules, values, networks=plain, card={}))

    networks.samples = samples
    card = {
        **(facts or {}),
        "hyperparameters": record(values),
        "hyperparameters_source": source,
        "weights": found.card(),
        "runtime": runtime,
        "precision": precision,
        "device": device,
        "threads": threads,
    }
    return SiameseTracker(rules, values, networks=networks, card=card)


def loaded(network: Callable[[], nn.Module], path: Path, unused: tuple[str, ...] = ()) -> nn.Module:
    """The network with the tensors of a checkpoint, in evaluation mode; no random number is drawn."""
    state = checkpoints.read_state(path)
    with torch.device("meta"):
        module = network()
    module = module.to_empty(device="cpu")
    checkpoints.fit(module, state, where=path, unused=unused)
    return module.eval().requires_grad_(False)
