"""Checkpoints: which one, from where, and is it the one that is meant.

A file is looked for in this order: what the person named (``--weights``), ``$EVALKIT_WEIGHTS`` (a file, or a folder
that holds it), the user's cache, what came with the package (``trackers/_weights``). ``trackers/weights.json`` says of
every published checkpoint where its authors put it and how to recognise it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evalkit import config

# What a tracker needs of its checkpoint is found in one place.
from evalkit.checkpoints.loading import fit as fit
from evalkit.checkpoints.loading import read_state as read_state
from evalkit.errors import EvalkitError

SUFFIXES = (".pth", ".pt", ".safetensors", ".onnx")

_TRACKERS = Path(__file__).parents[1] / "trackers"


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
