"""Spread the weights of a trained subnet over the whole search space, without training.

The subnet's tensors become the largest network's: kernels are the middle of larger ones, channels are sorted by
strength so that smaller widths keep the strongest, and what the subnet does not have is set so that it changes nothing.
Networks of other backbones then track about as well as the subnet, once their statistics are recalibrated; networks
with fewer layers in the head do not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from evalkit.trackers._lighttrack import entangled
from evalkit.trackers._lighttrack.architecture import Architecture
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.search.shared_weights import SharedWeights, empty_network
from evalkit.trackers._lighttrack.search.space import LAYERS

_IN_BLOCK = ("conv_pw.weight", "bn1.weight", "bn1.bias", "conv_dw.weight", "bn2.weight", "bn2.bias")
"""Parameters of a block whose first dimension are the channels inside of the block."""


@torch.no_grad()
def spread(network: LightTrack) -> SharedWeights:
    """Return shared weights in which the path of a trained network computes what the network does.

    Args:
        network: The trained network; it is not changed.
    """
    architecture = network.architecture
    goal = entangled.largest(len(architecture.stages) - 1)
    source = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    sort_blocks(source)
    for branch, prediction in (("cls_tower", "cls_perd.cls_pred"), ("reg_tower", "reg_pred.bbox_pred")):
        count = len((architecture.cls if branch == "cls_tower" else architecture.reg).kernels)
        _sort_tower(source, f"head.{branch}.", f"head.{prediction}.weight", count)
    state = {}
    for name, parameter in empty_network(goal.path).named_parameters():
        tensor = torch.zeros(parameter.shape)
        if name in source:
            entangled.slice_tensor(tensor, source[name].shape).copy_(source[name])
        state[entangled.entangled_key(name, goal)] = tensor
    _add_identity_layers(state, architecture)
    return SharedWeights(state, is_entangled=True, where=architecture.path)


@torch.no_grad()
def sort_blocks(state: dict[str, Tensor]) -> None:
    """Sort the channels inside of each block by strength; the network's output stays the same.

    Args:
        state: Parameters of a network or of an entangled supernet; entries are replaced.
    """
    for name in [name for name in state if name.endswith(".conv_pwl.weight")]:
        _sort_block(state, name.removesuffix("conv_pwl.weight"))


def _sort_block(state: dict[str, Tensor], prefix: str) -> None:
    """Sort the channels inside of a block, and those of its squeeze-and-excitation, by strength."""
    project = state[prefix + "conv_pwl.weight"]
    order = _by_strength(project.flatten(1).norm(dim=0) * state[prefix + "bn2.weight"].abs())
    for name in _IN_BLOCK:
        state[prefix + name] = state[prefix + name][order]
    state[prefix + "conv_pwl.weight"] = project[:, order]
    reduce, expand = state[prefix + "se.conv_reduce.weight"][:, order], state[prefix + "se.conv_expand.weight"][order]
    inner = _by_strength(reduce.flatten(1).norm(dim=1) * expand.flatten(1).norm(dim=0))
    state[prefix + "se.conv_reduce.weight"] = reduce[inner]
    state[prefix + "se.conv_reduce.bias"] = state[prefix + "se.conv_reduce.bias"][inner]
    state[prefix + "se.conv_expand.weight"] = expand[:, inner]
    state[prefix + "se.conv_expand.bias"] = state[prefix + "se.conv_expand.bias"][order]


def _sort_tower(state: dict[str, Tensor], prefix: str, prediction: str, count: int) -> None:
    """Sort the channels of each layer of a branch by how strongly the next layer reads them."""
    for layer in range(count):
        own, following = f"{prefix}{layer}.", f"{prefix}{layer + 1}."
        if layer + 1 < count:
            readers = [following + "pointwise.weight"]
            read = state[readers[0]].flatten(1).norm(dim=0) * state[following + "conv1.weight"].flatten(1).norm(dim=1)
        else:
            readers = [prediction]
            read = state[prediction].transpose(0, 1).flatten(1).norm(dim=1)
        order = _by_strength(read * state[own + "BN.weight"].abs())
        for name in ("pointwise.weight", "BN.weight", "BN.bias"):
            state[own + name] = state[own + name][order]
        if layer + 1 < count:
            state[following + "conv1.weight"] = state[following + "conv1.weight"][order]
        for name in readers:
            state[name] = state[name][:, order]


def _by_strength(strength: Tensor) -> Tensor:
    return torch.argsort(strength, descending=True, stable=True)


def _add_identity_layers(state: dict[str, Tensor], architecture: Architecture) -> None:
    """Make the layers that the subnet's branches do not have return their input."""
    for branch, tower in (("cls_tower", architecture.cls), ("reg_tower", architecture.reg)):
        for layer in range(len(tower.kernels), LAYERS):
            before, own = f"head.{branch}.{layer - 1}.BN.", f"head.{branch}.{layer}."
            kernel = state[own + "conv1.weight"]
            kernel[:, :, kernel.shape[2] // 2, kernel.shape[3] // 2] = 1
            state[own + "pointwise.weight"].copy_(torch.eye(len(kernel))[:, :, None, None])
            mean, deviation = _rectified_moments(state[before + "bias"], state[before + "weight"].abs())
            state[own + "BN.weight"].copy_(deviation)
            state[own + "BN.bias"].copy_(mean)


def _rectified_moments(mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of a normal variable after a ReLU."""
    deviation = deviation.clamp(min=1e-6)
    ratio = mean / deviation
    density = torch.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    share = 0.5 * (1 + torch.erf(ratio / math.sqrt(2)))
    first = mean * share + deviation * density
    second = (mean**2 + deviation**2) * share + mean * deviation * density
    return first, (second - first**2).clamp(min=0).sqrt()
