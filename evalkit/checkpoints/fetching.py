"""Download published checkpoints and verify them; an interrupted download is resumed."""

from __future__ import annotations

from pathlib import Path

from evalkit.checkpoints.catalogue import (
    Checkpoint,
    FoundCheckpoint,
    cache_directory,
    find,
    find_published,
    mismatch,
)
from evalkit.errors import EvalkitError
from evalkit.io.atomic import move_into_place
from evalkit.io.download import Progress, download


def fetch_weights(name: str, *, output: Path | None = None, progress: Progress | None = None) -> FoundCheckpoint:
    """Download the published checkpoint of a name; see ``fetch``.

    Raises:
        EvalkitError: No published checkpoint has that name; or as ``fetch``.
    """
    return fetch(find_published(name), output, progress=progress)


def fetch(checkpoint: Checkpoint, folder: Path | None = None, *, progress: Progress | None = None) -> FoundCheckpoint:
    """Download a published checkpoint, unless the verified file is already in the folder.

    Args:
        checkpoint: From the catalogue.
        folder: Target folder, by default the cache. The file is stored under evalkit's name for the checkpoint.
        progress: Called after every chunk.

    Raises:
        EvalkitError: The checkpoint has no direct address (the message says how to get it by hand); the connection,
            the disk or the server failed (the same command resumes the download); the downloaded file is not the
            published one.
    """
    folder = folder or cache_directory()
    target = folder / f"{checkpoint.name}{Path(checkpoint.file).suffix}"
    if target.is_file() and mismatch(checkpoint, target) is None:
        return find(checkpoint.name, target)
    if checkpoint.url is None:
        raise EvalkitError(
            "this checkpoint cannot be fetched automatically", where=checkpoint.name,
            hint=f"Open {checkpoint.page}, get {checkpoint.file} ({checkpoint.publisher}), and save it as {target}",
        )  # fmt: skip
    partial = target.with_name(target.name + ".part")
    download(checkpoint.url, partial, resume=checkpoint.has_hash, size=checkpoint.bytes, progress=progress)
    problem = mismatch(checkpoint, partial)
    if problem is not None:
        partial.unlink()
        raise EvalkitError(
            f"the downloaded file is not the published one: {problem}", where=checkpoint.url, exit_code=1,
            hint=f"It was deleted. Look at {checkpoint.page}: the authors may have moved or replaced the file",
        )  # fmt: skip
    move_into_place(partial, target)
    return find(checkpoint.name, target)
