"""An entangled supernet: every subnet's tensors are slices of the tensors of one large network.

A kernel of 3x3 is the middle of the one of 7x7, fewer channels are the first channels, and fewer layers of a branch are
its first layers, as in Once-for-All (Cai et al., ICLR 2020). A training step of any path therefore trains a part of
every other path. The official supernet of LightTrack has separate tensors for each choice instead; see ``supernet``.

Both branches of the head have layers of their own here. There are no running statistics of batch normalisation: they
belong to one path and are computed for the network that is cut out.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.architecture import Architecture, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack

LARGEST = "back_05555555555555500000+cls_211111111+reg_211111111_ops_{stage}{block}"
"""Path string of the largest subnet with a given output."""


def largest(stage: int = 3) -> Architecture:
    """Return the largest architecture whose features come from the last block of a stage."""
    return parse_path_string(LARGEST.format(stage=stage, block=3))


def entangled_key(key: str, architecture: Architecture) -> str:
    """Return the entangled supernet's name, without the prefix, for a parameter of a subnet.

    Names are those of the largest subnet; the neck has one set per stage of the output and the correlation one per
    stride, as in the official supernet.
    """
    child, part, *rest = key.split(".")
    if child == "neck":
        return ".".join((child, part, str(len(architecture.stages) - 2), *rest))
    if child == "feature_fusor":
        return ".".join((child, part, "0" if architecture.stride == 8 else "1", *rest))
    return key


def slice_tensor(tensor: Tensor, shape: torch.Size) -> Tensor:
    """Return the part of a tensor that a smaller subnet uses: the first channels, and the middle of the kernel."""
    for dimension, (have, want) in enumerate(zip(tensor.shape, shape, strict=True)):
        if have != want:
            start = (have - want) // 2 if dimension >= 2 else 0
            tensor = tensor.narrow(dimension, start, want)
    return tensor


def slice_subnet(
    state: Mapping[str, Tensor], architecture: Architecture, shapes: Mapping[str, torch.Size], *, where: object
) -> dict[str, Tensor]:
    """Return the parameters of a subnet as views of an entangled supernet's tensors.

    Args:
        state: Tensors of the supernet, without the prefix.
        architecture: Architecture of the subnet.
        shapes: Shapes of the subnet's parameters by name.
        where: File name for error messages.

    Raises:
        EvalkitError: The supernet lacks a tensor or has a smaller one, e.g. because it has no such output.
    """
    found = {}
    for key, shape in shapes.items():
        name = entangled_key(key, architecture)
        tensor = state.get(name)
        if tensor is None or any(have < want for have, want in zip(tensor.shape, shape, strict=True)):
            raise EvalkitError(
                f"this supernet has no {name} for {architecture.path}", where=where,
                hint="Is the output (ops) one that the supernet was trained with?",
            )  # fmt: skip
        found[key] = slice_tensor(tensor, shape)
    return found


def initial_supernet(networks: Mapping[int, LightTrack]) -> dict[str, Tensor]:
    """Return an entangled supernet with the weights of largest networks.

    Args:
        networks: By stage of the output; the one with the most stages gives the backbone and the head.
    """
    state: dict[str, Tensor] = {}
    for stage in sorted(networks, reverse=True):
        for name, parameter in networks[stage].named_parameters():
            state.setdefault(entangled_key(name, networks[stage].architecture), parameter.detach().clone())
    return state
