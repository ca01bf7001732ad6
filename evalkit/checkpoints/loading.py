"""Read the tensors of a checkpoint without executing anything in it, and copy them into a network."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import EvalkitError

if TYPE_CHECKING:
    from torch import Tensor, nn

PREFIXES = ("module.", "feature_extractor.")
"""Prefixes that official training scripts add to every tensor name, outermost first."""


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint onto the CPU; nothing in the file is executed.

    Reads safetensors files, and files of ``torch.save`` with a flat dictionary of tensors or one under
    ``state_dict``.

    Returns:
        Tensors by their official names, without the prefixes ``module.`` and ``feature_extractor.``.

    Raises:
        EvalkitError: The file is not a checkpoint, is damaged, could execute code, or contains values that are not
            finite.
    """
    _refuse_placeholder(path)
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    state = content.get("state_dict", content)
    if not isinstance(state, dict):
        raise _not_a_dictionary(path, f"state_dict: {type(state).__name__}")
    return _without_prefixes(_only_tensors(state, path))


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path, device="cpu"))
    except (SafetensorError, OSError) as error:
        raise EvalkitError(f"this checkpoint cannot be read: {error}", where=path, hint="Fetch it again") from None


def _read_pickle(path: Path) -> dict[str, Any]:
    import torch

    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_harmless_types()):
            warnings.simplefilter("ignore")  # about old pickle protocols, which torch.load then refuses anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _could_execute_code(path, str(error)) from None
    except Exception as error:  # damaged files let torch raise nearly anything
        is_torch_file = path.is_file() and path.read_bytes()[:4].startswith((b"PK", b"\x80"))
        what = "it is damaged or truncated" if is_torch_file else "it was not written by torch.save"
        raise EvalkitError(f"this checkpoint cannot be read: {what}", where=path, hint="Fetch it again") from error
    if not isinstance(content, dict):
        raise _not_a_dictionary(path, type(content).__name__)
    return content


def _not_a_dictionary(path: Path, found: str) -> EvalkitError:
    return EvalkitError(
        "this is not a dictionary of tensors", where=path, found=found,
        hint="Save the network's state_dict() with torch.save and use that file",
    )  # fmt: skip


def _refuse_placeholder(path: Path) -> None:
    """Reject Git LFS pointers and web pages, which failed downloads leave in place of a file."""
    try:
        with path.open("rb") as stream:
            head = stream.read(64).lstrip()
    except OSError as error:
        raise EvalkitError(f"this checkpoint cannot be read: {error.strerror}", where=path) from error
    for start, what, hint in (
        (b"version https://git-lfs", "this is a Git LFS pointer, not the file itself", "Run `git lfs pull`"),
        (b"<", "this is a web page, not a checkpoint", "Open its address in a browser; it may ask for a confirmation"),
    ):
        if head.startswith(start):
            raise EvalkitError(what, where=path, hint=hint)


def _harmless_types() -> list[Any]:
    """Return the NumPy types that official files contain besides tensors and that only hold a number.

    NanoTrack's files contain the optimizer's learning rates as NumPy scalars.
    """
    import numpy as np

    scalar = np._core.multiarray.scalar if hasattr(np, "_core") else np.core.multiarray.scalar  # type: ignore[attr-defined]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")  # before and since NumPy 2
    return [*((scalar, name) for name in names), np.dtype, np.dtypes.Float64DType]


def _could_execute_code(path: Path, message: str) -> EvalkitError:
    match = re.search(r"GLOBAL ((?:\w+\.)+\w+)|Unsupported class ((?:\w+\.)+\w+)", message)
    culprit = f" ({match[1] or match[2]})" if match else ""
    return EvalkitError(
        f"this file is rejected: it contains more than plain tensors, and opening it could execute code{culprit}",
        where=path, hint="Get the file from its authors; if you trust it, save its state_dict alone and use that file",
    )  # fmt: skip


def _only_tensors(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    import torch

    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise _not_a_dictionary(path, f"{key}: {type(value).__name__}")
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise EvalkitError(
                f"its tensor {key} contains values that are not finite", where=path,
                hint="Fetch it again; a diverged training writes such a file too",
            )  # fmt: skip
    if not state:
        raise EvalkitError("this checkpoint contains no tensor", where=path, hint="Fetch it again")
    return dict(state)


def _without_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def fit(module: nn.Module, state: Mapping[str, Tensor], *, where: object, unused: tuple[str, ...] = ()) -> None:
    """Copy the tensors of a checkpoint into a network whose names and shapes must match exactly.

    Args:
        module: The network to copy them into.
        state: Tensors by name, as ``read_state`` returns them.
        where: File name for error messages.
        unused: Prefixes of tensor names that the checkpoint may contain and the network does not have.

    Raises:
        EvalkitError: Tensors are missing, left over or of another shape; the first of them are named. Only batch
            normalisation's ``num_batches_tracked``, which inference does not use, may be missing.
    """
    expected = module.state_dict()
    used = {key: value for key, value in state.items() if not any(map(key.startswith, unused))}
    _check_names_and_shapes(where, expected, used)
    module.load_state_dict({key: state.get(key, expected[key].new_zeros(())) for key in expected})


def _check_names_and_shapes(where: object, expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    missing = [key for key in expected if key not in state and not key.endswith(".num_batches_tracked")]
    extra = [key for key in state if key not in expected]
    shapes = [key for key in expected if key in state and state[key].shape != expected[key].shape]
    problems = [
        *(f"{key} is missing" for key in missing[:3]),
        *(f"{key} does not exist in the network" for key in extra[:3]),
        *(f"{key} is {_shape(state[key])} and should be {_shape(expected[key])}" for key in shapes[:3]),
    ]
    if problems:
        counts = f"{len(missing)} missing, {len(extra)} left over, {len(shapes)} of another shape"
        raise EvalkitError(
            f"this checkpoint does not belong to this network: {'; '.join(problems)}", where=where, found=counts,
            hint="Is it the checkpoint of another architecture?",
        )  # fmt: skip


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"
