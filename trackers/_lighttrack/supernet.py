"""Extraction of a subnet from the checkpoint of a LightTrack supernet.

Source: LightTrackM_Supernet of researchmm/LightTrack at 39c426f; an extracted subnet computes what the supernet does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.architecture import TOWER_CHANNELS, TOWER_KERNELS, Architecture, Tower

T = TypeVar("T")


PREFIX = "entangled."
"""Prefix of the names of tensors in files of entangled supernets."""


def is_entangled(state: Mapping[str, object]) -> bool:
    """Return whether the tensors of a checkpoint, by name, are those of an entangled supernet."""
    return any(key.startswith(PREFIX) for key in state)


def is_supernet(state: Mapping[str, object]) -> bool:
    """Return whether the tensors of a checkpoint, by name, are those of a supernet."""
    return any(key.startswith("supernet_head.") for key in state)


def extract_subnet(
    state: Mapping[str, T], architecture: Architecture, keys: list[str], *, where: object
) -> dict[str, T]:
    """Return the tensors of one architecture under the subnet's names.

    Args:
        state: Tensors of the supernet by name.
        architecture: Architecture of the subnet.
        keys: Names of the subnet's tensors.
        where: File name for error messages.

    Raises:
        EvalkitError: The supernet lacks a tensor, e.g. because its search space has a smaller budget.
    """
    names = {key: supernet_key(key, architecture) for key in keys}
    missing = next((name for name in names.values() if name not in state), None)
    if missing is not None:
        raise EvalkitError(
            f"this supernet has no {missing}", where=where, hint="Is the path string one of its search space?"
        )
    return {key: state[name] for key, name in names.items()}


def supernet_key(key: str, architecture: Architecture) -> str:
    """Return the supernet's name for a tensor of a subnet."""
    child, part, *rest = key.split(".")
    if child == "features":
        return key if part != "blocks" else ".".join((child, part, *_block(rest, architecture)))
    if child == "neck":
        return ".".join((child, part, str(len(architecture.stages) - 2), *rest))
    if child == "feature_fusor":
        return ".".join((child, part, "0" if architecture.stride == 8 else "1", *rest))
    return ".".join(("supernet_head", *_head(part, rest, architecture)))


def _block(rest: list[str], architecture: Architecture) -> list[str]:
    stage, block, *name = rest
    choice = architecture.stages[int(stage) - 1][int(block)].choice if stage != "0" else 0
    return [stage, block, str(choice), *name]


def _head(part: str, rest: list[str], architecture: Architecture) -> list[str]:
    tower = architecture.cls if part in ("cls_tower", "cls_perd") else architecture.reg
    channels = str(TOWER_CHANNELS.index(tower.channels))
    if part == "cls_perd":
        return ["cand_head_cls", channels, *rest]
    if part == "reg_pred":
        return ["cand_head_reg", channels, *rest]
    # For both branches: the supernet also has regression towers, but its training never used them.
    return ["cand_tower_cls", channels, "tower", *_layer(tower, int(rest[0])), *rest[1:]]


def _layer(tower: Tower, index: int) -> list[str]:
    return [str(tower.layers[index]), str(TOWER_KERNELS.index(tower.kernels[index]))]
