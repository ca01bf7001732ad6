"""Published checkpoints: their sources and hashes, and the file on this machine that a name stands for.

A file is searched for in this order: the path given with ``--weights``, ``$EVALKIT_WEIGHTS`` (a file, or a folder that
contains it), the user's cache, the files bundled with the package (``trackers/_weights``). ``trackers/weights.json``
lists for every published checkpoint where its authors publish it and by which hash it is recognised.
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
from evalkit.checkpoints.loading import read_state
from evalkit.errors import EvalkitError, suggestion
from evalkit.io.git_objects import blob_id

SUFFIXES = (".pth", ".pt", ".safetensors", ".onnx")
"""File name endings of checkpoints."""

_TRACKERS = Path(__file__).parents[1] / "trackers"


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint, as described in ``trackers/weights.json``.

    Attributes:
        name: evalkit's name for it.
        file: The publisher's file name.
        page: Web page from which a person can download it.
        publisher: Repository or paper that it belongs to.
        url: Address of the file itself, or None if there is no direct download.
        git_blob: Git's object id of the file, or None if unknown.
        sha256: SHA-256 of the file, or None if unknown.
        bytes: Size of the file, or None if unknown.
        licence: Licence as far as its publisher states one.
        others: Further known files of this network that are not the publisher's: SHA-256 to a description.
        bundled: The file that is bundled with evalkit: its ``sha256``, ``identity``, and the ``notice`` to print
            with results that were made with it.
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

    @property
    def has_hash(self) -> bool:
        """Whether a file can be recognised as this checkpoint."""
        return self.sha256 is not None or self.git_blob is not None


@dataclass(frozen=True)
class FoundCheckpoint:
    """A checkpoint file on this machine.

    Attributes:
        path: The file.
        place: The place where it was found: ``--weights``, ``$EVALKIT_WEIGHTS``, ``the cache`` or ``the package``.
        sha256: SHA-256 of its bytes.
        identity: Description of the file, e.g. whether it is the published one.
        notice: Warning to print with results that were made with this file; None if there is none.
    """

    path: Path
    place: str
    sha256: str
    identity: str
    notice: str | None = None

    def record(self) -> dict[str, str]:
        """Return the JSON object that ``run.json`` stores about the checkpoint."""
        return {"file": self.path.name, "sha256": self.sha256, "identity": self.identity}


@cache
def published() -> dict[str, Checkpoint]:
    """Return all published checkpoints by evalkit's name for them."""
    records = json.loads((_TRACKERS / "weights.json").read_text(encoding="utf-8"))
    return {name: Checkpoint(name, **fields) for name, fields in records.items()}


def find_published(name: str) -> Checkpoint:
    """Return the published checkpoint of a name.

    Raises:
        EvalkitError: No published checkpoint has that name.
    """
    known = published()
    if name not in known:
        raise EvalkitError(f"no checkpoint is named {name!r}", expected=", ".join(known), hint=suggestion(name, known))
    return known[name]


def cache_directory() -> Path:
    """Return the user's folder of downloaded checkpoints; it may not exist yet."""
    return config.cache_folder() / "weights"


def bundle_directory() -> Path:
    """Return the folder of checkpoints that are bundled with the package; it may not exist."""
    return _TRACKERS / "_weights"


def find(name: str, given: Path | None = None) -> FoundCheckpoint:
    """Find the file to use for a checkpoint.

    Args:
        name: Name in the catalogue. A name that is not in the catalogue stands for an unpublished checkpoint.
        given: The file or folder given with ``--weights``; the other places are then not searched.

    Raises:
        EvalkitError: There is no such file; the message names the searched places and the publisher's page.
    """
    checkpoint = published().get(name) or Checkpoint(name, "a checkpoint of your own", page="", publisher="")
    if given is not None:
        return _describe(checkpoint, _file_at(given, checkpoint), "--weights")
    variable = os.environ.get("EVALKIT_WEIGHTS")
    if variable and not _exists(Path(variable)):
        raise EvalkitError(
            "the path does not exist", where="$EVALKIT_WEIGHTS", found=variable,
            hint="Set it to a checkpoint or a folder of checkpoints, or unset it",
        )  # fmt: skip
    if variable and Path(variable).is_file():
        return _describe(checkpoint, Path(variable), "$EVALKIT_WEIGHTS")
    return _search(checkpoint, {"$EVALKIT_WEIGHTS": Path(variable)} if variable else {})


def _search(checkpoint: Checkpoint, first: Mapping[str, Path]) -> FoundCheckpoint:
    places = {**first, "the cache": cache_directory(), "the package": bundle_directory()}
    for place, folder in places.items():
        try:
            path = _in_folder(folder, checkpoint)
        except OSError as error:
            if folder == cache_directory() and not os.environ.get("EVALKIT_CACHE"):
                continue  # of a user without a home folder, as in containers; `evalkit doctor` reports it
            raise _unreadable(folder, error) from error
        if path is not None:
            return _describe(checkpoint, path, place)
    raise EvalkitError(
        f"no checkpoint was found; expected {checkpoint.file}", where=checkpoint.name,
        found=f"nothing in {', '.join(f'{place} ({folder})' for place, folder in places.items())}",
        hint=f"{_source(checkpoint)} Pass the file with --weights FILE or put it into the folder $EVALKIT_WEIGHTS",
    )  # fmt: skip


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise _unreadable(path, error) from error


def is_unreadable(error: EvalkitError) -> bool:
    """Return whether ``find`` failed because it may not read a folder or file."""
    return isinstance(error.__cause__, OSError)


def _unreadable(folder: Path, error: OSError) -> EvalkitError:
    return EvalkitError(
        f"this folder of checkpoints cannot be read: {error.strerror}", where=folder,
        hint="Check its permissions; $EVALKIT_WEIGHTS and $EVALKIT_CACHE name other folders",
    )  # fmt: skip


def _file_at(given: Path, checkpoint: Checkpoint) -> Path:
    try:
        path = _in_folder(given, checkpoint) if given.is_dir() else given
        found = path is not None and path.is_file()
    except OSError as error:
        raise _unreadable(given, error) from error
    if path is None or not found:
        raise EvalkitError(
            f"there is no checkpoint here; {checkpoint.name} needs {checkpoint.file}", where=given,
            hint=f"{_source(checkpoint)} Pass the file with --weights",
        )  # fmt: skip
    return path


def _in_folder(folder: Path, checkpoint: Checkpoint) -> Path | None:
    # Downloads are often renamed: lighttrack_m.pth, LightTrack-M.safetensors, lighttrack_m_fp16.pth. Such names have
    # priority over the publisher's, because pysot calls all of its files model.pth.
    wanted = {_letters(checkpoint.name), _letters(checkpoint.name) + "fp16"}
    candidates = folder.iterdir() if folder.is_dir() else ()
    renamed = [path for path in candidates if path.suffix in SUFFIXES and _letters(path.stem) in wanted]
    official = folder / checkpoint.file
    return min(renamed, default=official if official.is_file() else None)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _describe(checkpoint: Checkpoint, path: Path, place: str) -> FoundCheckpoint:
    digest = sha256(path)
    bundled = checkpoint.bundled or {}
    if digest == bundled.get("sha256"):
        return FoundCheckpoint(path, place, digest, bundled["identity"], bundled["notice"])
    return FoundCheckpoint(path, place, digest, _identity(checkpoint, path, digest))


def _identity(checkpoint: Checkpoint, path: Path, digest: str) -> str:
    if digest == checkpoint.sha256 or (checkpoint.git_blob and git_blob(path) == checkpoint.git_blob):
        return f"the file published as {checkpoint.publisher}: {checkpoint.file}"
    return (checkpoint.others or {}).get(digest, "not known to the catalogue")


def _source(checkpoint: Checkpoint) -> str:
    if not checkpoint.page:
        return "No checkpoint is published for this network."
    blob = f", git blob {checkpoint.git_blob}" if checkpoint.git_blob else ""
    return f"Get {checkpoint.file} of {checkpoint.publisher} ({checkpoint.url or checkpoint.page}{blob})."


def mismatch(checkpoint: Checkpoint, path: Path) -> str | None:
    """Describe how a file differs from the published one by size or hash.

    Returns:
        One sentence; None if the file is the published one or the catalogue knows neither size nor hash.
    """
    if checkpoint.bytes is not None and path.stat().st_size != checkpoint.bytes:
        return f"its size is {path.stat().st_size} bytes and should be {checkpoint.bytes}"
    if checkpoint.sha256 is not None and sha256(path) != checkpoint.sha256:
        return f"its sha256 is {sha256(path)} and should be {checkpoint.sha256}"
    if checkpoint.git_blob is not None and git_blob(path) != checkpoint.git_blob:
        return f"its git blob id is {git_blob(path)} and should be {checkpoint.git_blob}"
    return None


def list_weights() -> list[dict[str, object]]:
    """Return one record per published checkpoint: its source, and the file on this machine that would be used.

    Raises:
        EvalkitError: A folder of checkpoints cannot be read.
    """
    return [_listed(checkpoint) for checkpoint in published().values()]


def _listed(checkpoint: Checkpoint) -> dict[str, object]:
    try:
        found = find(checkpoint.name)
    except EvalkitError as error:
        if is_unreadable(error):
            raise
        found = None
    return {
        "name": checkpoint.name,
        "file": None if found is None else str(found.path),
        "place": None if found is None else found.place,
        "identity": None if found is None else found.identity,
        "publisher": checkpoint.publisher,
        "source": checkpoint.url or checkpoint.page,
        "automatic": checkpoint.url is not None,
        "licence": checkpoint.licence or "no licence stated",
        "sha256": checkpoint.sha256,
        "git_blob": checkpoint.git_blob,
        "bytes": checkpoint.bytes,
    }


def verify_weights(name: str, file: Path | None = None) -> dict[str, object]:
    """Check that a file is the published checkpoint and contains only finite tensors.

    Args:
        name: Name in the catalogue.
        file: The file to check; by default the one that ``find`` gives.

    Returns:
        A record with ``verified``, and ``problem`` if it is not.

    Raises:
        EvalkitError: No published checkpoint has that name, or there is no file.
    """
    checkpoint = find_published(name)
    found = find(name, file)
    problem = mismatch(checkpoint, found.path)
    if problem is None and not checkpoint.has_hash:
        problem = "its publisher states no hash to compare with"
    try:
        read_state(found.path)
    except EvalkitError as error:
        problem = error.what
    return {
        "name": name,
        "file": str(found.path),
        "place": found.place,
        "sha256": found.sha256,
        "identity": found.identity,
        "verified": problem is None,
        "problem": problem,
    }


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def git_blob(path: Path) -> str:
    """Return the object id that ``git hash-object`` prints for a file."""
    return blob_id(path.read_bytes())
