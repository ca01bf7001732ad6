"""The tensors of a checkpoint: read without trusting the file, and put where they belong in a network."""

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
"""What the official training scripts put before every name, outermost first."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by their official names, on the CPU; nothing in the file is executed.

    Understands safetensors, and what ``torch.save`` wrote: a flat dictionary, or one with the tensors under
    ``state_dict``, with or without the prefixes ``module.`` and ``feature_extractor.``.

    Raises:
        EvalkitError: It is no checkpoint, is damaged, would execute code, or holds values that are not finite.
    """
    _refuse_placeholder(path)
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    state = content.get("state_dict", content)
    if not isinstance(state, dict):
        raise _no_dictionary(path, f"state_dict: {type(state).__name__}")
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
        with warnings.catch_warnings(), torch.serialization.safe_globals(_harmless()):
            warnings.simplefilter("ignore")  # of pickle protocols it was not written for, which it then refuses anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from None
    except (RuntimeError, EOFError, OSError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        known = path.is_file() and path.read_bytes()[:4].startswith((b"PK", b"\x80"))
        what = "it is damaged or cut short" if known else "this is not what torch.save writes"
        raise EvalkitError(f"this checkpoint cannot be read: {what}", where=path, hint="Fetch it again") from error
    if not isinstance(content, dict):
        raise _no_dictionary(path, type(content).__name__)
    return content


def _no_dictionary(path: Path, found: str) -> EvalkitError:
    return EvalkitError(
        "this is not a dictionary of tensors", where=path, found=found,
        hint="Save the network's state_dict() with torch.save and use that",
    )  # fmt: skip


def _refuse_placeholder(path: Path) -> None:
    """Name what downloads leave behind in place of a file."""
    with path.open("rb") as stream:
        head = stream.read(64).lstrip()
    for start, what, hint in (
        (b"version https://git-lfs", "this is Git LFS's pointer to a file, not the file", "`git lfs pull` brings it"),
        (b"<", "this is a web page, not a checkpoint", "Open its address in a browser; it may ask for a confirmation"),
    ):
        if head.startswith(start):
            raise EvalkitError(what, where=path, hint=hint)


def _harmless() -> list[Any]:
    """Types that official files hold beside tensors and that can do nothing but carry a number.

    NanoTrack's files keep the optimizer's learning rates as NumPy scalars.
    """
    import numpy as np

    scalar = np._core.multiarray.scalar if hasattr(np, "_core") else np.core.multiarray.scalar  # type: ignore[attr-defined]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")  # before NumPy 2 and since
    return [*((scalar, name) for name in names), np.dtype, np.dtypes.Float64DType]


def _refused(path: Path, message: str) -> EvalkitError:
    culprit = re.search(r"GLOBAL ((?:\w+\.)+\w+)|Unsupported class ((?:\w+\.)+\w+)", message)
    named = f" ({culprit[1] or culprit[2]})" if culprit else ""
    return EvalkitError(
        f"this is more than plain tensors: opening it could execute code{named}, so it is refused", where=path,
        hint="Get the file from its authors; if you trust it, save its state_dict alone and use that",
    )  # fmt: skip


def _only_tensors(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    import torch

    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise _no_dictionary(path, f"{key}: {type(value).__name__}")
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise EvalkitError(
                f"its tensor {key} has values that are not finite", where=path,
                hint="Fetch it again; a training that diverged leaves such a file too",
            )  # fmt: skip
    if not state:
        raise EvalkitError("this checkpoint holds no tensor", where=path, hint="Fetch it again")
    return dict(state)


def _without_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def fit(module: nn.Module, state: Mapping[str, Tensor], *, where: object, unused: tuple[str, ...] = ()) -> None:
    """Copy the tensors of a checkpoint into a network; every one must have its place and its shape.

    Args:
        module: Receives them.
        state: As ``read_state`` gives them.
        where: Named in complaints.
        unused: Beginnings of names that the checkpoint may hold and the network need not have.

    Raises:
        EvalkitError: Tensors are missing, left over or of another shape; the first ones are named. Only batch norm's
            ``num_batches_tracked``, which nothing computes with, may be missing.
    """
    expected = module.state_dict()
    _complain(where, expected, {key: value for key, value in state.items() if not key.startswith(unused or ("\0",))})
    module.load_state_dict({key: state.get(key, expected[key].new_zeros(())) for key in expected})


def _complain(where: object, expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    missing = [key for key in expected if key not in state and not key.endswith(".num_batches_tracked")]
    extra = [key for key in state if key not in expected]
    shapes = [key for key in expected if key in state and state[key].shape != expected[key].shape]
    problems = [
        *(f"{key} is missing" for key in missing[:3]),
        *(f"{key} has no place in it" for key in extra[:3]),
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
