"""Checkpoints: which one, from where, is it the one that is meant, and reading it without trusting it.

A file is looked for in this order: what the person named (``--weights``), ``$EVALKIT_WEIGHTS`` (a file, or a folder
that holds it), the user's cache, what came with the package (``trackers/_weights``). ``trackers/weights.json`` says of
every published checkpoint where its authors put it and how to recognise it.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import config
from evalkit.errors import EvalkitError

if TYPE_CHECKING:
    from torch import Tensor, nn

SUFFIXES = (".pth", ".pt", ".safetensors", ".onnx")
PREFIXES = ("module.", "feature_extractor.")
"""What the official training scripts put before every name, outermost first."""

_TRACKERS = Path(__file__).parent / "trackers"


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint, as the catalogue describes it.

    Attributes:
        name: evalkit's name for it.
        file: The publisher's file name.
        page: Where a person gets it.
        publisher: Repository or paper it belongs to.
        url: Direct download, or None where there is none.
        git_blob: Git's id of the file, None where unknown.
        sha256: Of the file, None where unknown.
        bytes: Size of the file, None where unknown.
        licence: What its publisher allows, as far as stated.
        others: Further files that are not the publisher's: sha256 to what they are.
        bundled: The file that comes with evalkit: its ``sha256``, ``identity`` and the ``notice`` a run gives of it.
    """

    name: str
    file: str
    page: str
    publisher: str
    url: str | None = None
    git_blob: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    licence: str | None = None
    others: Mapping[str, str] | None = None
    bundled: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Found:
    """A checkpoint file on this machine.

    Attributes:
        path: The file.
        place: Which of the four places it was found in.
        sha256: Of its bytes.
        identity: What the catalogue knows about these very bytes, in words.
        notice: What whoever reads the numbers must know of them; None if nothing.
    """

    path: Path
    place: str
    sha256: str
    identity: str
    notice: str | None = None

    def card(self) -> dict[str, str]:
        """What a run records of its checkpoint."""
        return {"file": self.path.name, "sha256": self.sha256, "identity": self.identity}


@cache
def catalogue() -> dict[str, Checkpoint]:
    """All published checkpoints by name."""
    records = json.loads((_TRACKERS / "weights.json").read_text(encoding="utf-8"))
    return {name: Checkpoint(name, **facts) for name, facts in records.items()}


def cache_directory() -> Path:
    """The user's folder of downloaded checkpoints; it need not exist."""
    return config.cache_folder() / "weights"


def bundle_directory() -> Path:
    """The folder of checkpoints that come with the package; it need not exist."""
    return _TRACKERS / "_weights"


def find(name: str, given: Path | None = None) -> Found:
    """The file to use for a checkpoint.

    Args:
        name: Its name in the catalogue; one that is not there belongs to no published file, and a person names it.
        given: What the person named; then nothing else is looked at.

    Raises:
        EvalkitError: There is none; where it was looked for and where it is published is said.
    """
    checkpoint = catalogue().get(name) or Checkpoint(name, "a checkpoint of its own", page="", publisher="")
    if given is not None:
        return _found(checkpoint, _existing(given, checkpoint), "--weights")
    named = os.environ.get("EVALKIT_WEIGHTS")
    if named and not Path(named).exists():
        raise EvalkitError(
            "it names nothing that is there", where="$EVALKIT_WEIGHTS", found=named,
            hint="Set it to a checkpoint or a folder of them, or unset it",
        )  # fmt: skip
    if named and Path(named).is_file():
        return _found(checkpoint, Path(named), "$EVALKIT_WEIGHTS")
    places = {"the cache": cache_directory(), "the package": bundle_directory()}
    if named:
        places = {"$EVALKIT_WEIGHTS": Path(named), **places}
    for place, folder in places.items():
        path = _in_folder(folder, checkpoint)
        if path is not None:
            return _found(checkpoint, path, place)
    raise EvalkitError(
        f"no checkpoint is at hand: it needs {checkpoint.file}", where=name,
        found=f"nothing in {', '.join(f'{place} ({folder})' for place, folder in places.items())}",
        hint=f"{_published(checkpoint)}name it with --weights FILE or put it into the folder $EVALKIT_WEIGHTS",
    )  # fmt: skip


def _existing(given: Path, checkpoint: Checkpoint) -> Path:
    path = _in_folder(given, checkpoint) if given.is_dir() else given
    if path is None or not path.is_file():
        raise EvalkitError(
            f"there is no checkpoint here; {checkpoint.name} needs {checkpoint.file}", where=given,
            hint=f"{_published(checkpoint)}name it with --weights",
        )  # fmt: skip
    return path


def _in_folder(folder: Path, checkpoint: Checkpoint) -> Path | None:
    # People rename what they download: lighttrack_m.pth, LightTrack-M.safetensors, lighttrack_m_fp16.pth. Such a name
    # goes first, because pysot calls all of its files model.pth.
    wanted = {_letters(checkpoint.name), _letters(checkpoint.name) + "fp16"}
    candidates = folder.iterdir() if folder.is_dir() else ()
    named = [path for path in candidates if path.suffix in SUFFIXES and _letters(path.stem) in wanted]
    official = folder / checkpoint.file
    return min(named, default=official if official.is_file() else None)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _found(checkpoint: Checkpoint, path: Path, place: str) -> Found:
    digest = sha256(path)
    bundled = checkpoint.bundled or {}
    if digest == bundled.get("sha256"):
        return Found(path, place, digest, bundled["identity"], bundled["notice"])
    return Found(path, place, digest, _identity(checkpoint, path, digest))


def _identity(checkpoint: Checkpoint, path: Path, digest: str) -> str:
    if digest == checkpoint.sha256 or (checkpoint.git_blob and git_blob(path) == checkpoint.git_blob):
        return f"the file published as {checkpoint.publisher}: {checkpoint.file}"
    return (checkpoint.others or {}).get(digest, "not known to the catalogue")


def _published(checkpoint: Checkpoint) -> str:
    if not checkpoint.page:
        return "Nobody published one: "
    blob = f", git blob {checkpoint.git_blob}" if checkpoint.git_blob else ""
    return f"Get {checkpoint.file} of {checkpoint.publisher} ({checkpoint.url or checkpoint.page}{blob}), then "


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def git_blob(path: Path) -> str:
    """The id that ``git hash-object`` gives a file."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


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
