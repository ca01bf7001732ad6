"""Weights that all paths share, and the network of one path: as a view for training, or cut out for tracking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evalkit import checkpoints
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack import entangled, supernet
from evalkit.trackers._lighttrack.architecture import Architecture, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training.pairs import Pairs


class SharedWeights:
    """The tensors of a supernet, entangled or in the official layout.

    Args:
        state: Tensors by name; those of an entangled supernet without their prefix.
        is_entangled: Whether subnets are slices of them.
        where: File name for error messages.
    """

    def __init__(self, state: Mapping[str, Tensor], *, is_entangled: bool, where: object = "supernet") -> None:
        self.state = dict(state)
        self.is_entangled = is_entangled
        self.where = where

    def parameters(self, architecture: Architecture, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
        """Return the parameters of a subnet as views of the shared tensors.

        Raises:
            EvalkitError: The supernet has no such subnet.
        """
        if self.is_entangled:
            return entangled.slice_subnet(self.state, architecture, shapes, where=self.where)
        return supernet.extract_subnet(self.state, architecture, list(shapes), where=self.where)

    def view(self, path: str) -> LightTrack:
        """Return a path's network whose parameters are the shared tensors; it normalises by the batch's statistics.

        Gradients of the network arrive in the shared tensors that require them.

        Raises:
            EvalkitError: The supernet has no such subnet.
        """
        network = empty_network(path)
        shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        for name, tensor in self.parameters(network.architecture, shapes).items():
            module, _, parameter = name.rpartition(".")
            network.get_submodule(module)._parameters[parameter] = tensor  # type: ignore[assignment]
        for norm in _norms(network):
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None
            norm.track_running_stats = False
        return network

    def cut(self, path: str) -> LightTrack:
        """Return a path's network with copies of its tensors and no statistics; ``recalibrate`` must follow.

        Raises:
            EvalkitError: The supernet has no such subnet.
        """
        network = empty_network(path)
        shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        tensors = self.parameters(network.architecture, shapes)
        network.to_empty(device=next(iter(tensors.values())).device)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                parameter.copy_(tensors[name])
        for module in _norms(network):
            module.reset_running_stats()
        return network.requires_grad_(False)


def empty_network(path: str) -> LightTrack:
    """Return a path's network without values."""
    with torch.device("meta"):
        return LightTrack(parse_path_string(path))


@torch.no_grad()
def recalibrate(network: LightTrack, batches: Iterable[Pairs]) -> LightTrack:
    """Set the statistics of batch normalisation to the means over some batches, and return the network for tracking.

    Template and search crops count equally in the backbone, as in training.

    Args:
        network: A network of its own, not a view: shared weights have no statistics.
        batches: Each counts equally, also a smaller last one.
    """
    norms = _norms(network)
    before = [module.momentum for module in norms]
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # the plain mean over the batches
    network.train()
    for pairs in batches:
        network(pairs.search, network.template(pairs.template))
    for module, momentum in zip(norms, before, strict=True):
        module.momentum = momentum
    return network.eval()


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def load_shared_weights(path: Path) -> SharedWeights:
    """Read the supernet in a file.

    Raises:
        EvalkitError: The file is not a checkpoint, or not that of a LightTrack supernet.
    """
    state = checkpoints.read_state(path)
    if supernet.is_entangled(state):
        tensors = {name.removeprefix(supernet.PREFIX): tensor.float() for name, tensor in state.items()}
        return SharedWeights(tensors, is_entangled=True, where=path)
    if not supernet.is_supernet(state):
        raise EvalkitError(
            "this is not a checkpoint of a LightTrack supernet", where=path, found=next(iter(state)),
            expected=f"names like {supernet.PREFIX}features... or supernet_head...",
            hint="To search around a trained subnet, use --within lighttrack:<path> --weights FILE",
        )  # fmt: skip
    tensors = {name: tensor.float() for name, tensor in state.items() if tensor.is_floating_point()}
    return SharedWeights(tensors, is_entangled=False, where=path)


def write_shared_weights(shared: SharedWeights, path: Path, *, half: bool = False) -> None:
    """Write a supernet as safetensors, in half precision if wished.

    Raises:
        EvalkitError: The file cannot be written.
    """
    from safetensors.torch import save_file

    from evalkit.io import atomic

    prefix = supernet.PREFIX if shared.is_entangled else ""
    tensors: dict[str, Any] = {
        prefix + name: (tensor.half() if half else tensor).detach().cpu().contiguous()
        for name, tensor in shared.state.items()
    }
    with atomic.replacing(path) as temporary:
        save_file(tensors, temporary)
