"""Downloads that end whole and verified, or say why not; an interrupted one goes on where it stopped.

Proxies are taken from the environment (``https_proxy``, ``no_proxy``, ...), as Python's own library does.
"""

from __future__ import annotations

import errno
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from evalkit.checkpoints import catalogue
from evalkit.checkpoints.catalogue import Checkpoint, Found
from evalkit.errors import EvalkitError, suggestion

CHUNK = 1 << 16
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as dead."""

Progress = Callable[[int, int | None], None]
"""Told the bytes at hand and, where the server says, the bytes there will be."""


def fetch(checkpoint: Checkpoint, folder: Path | None = None, *, progress: Progress | None = None) -> Found:
    """Bring a published checkpoint into the cache, unless it is there already.

    Args:
        checkpoint: From the catalogue.
        folder: Where to keep it; the cache if None. It is stored under evalkit's name for it.
        progress: Called after every piece.

    Raises:
        EvalkitError: It has no direct address (how to get it is said); the connection, the disk or the server failed
            (the same command goes on from there); what came is not the file that was published.
    """
    folder = folder or catalogue.cache_directory()
    target = folder / f"{checkpoint.name}{Path(checkpoint.file).suffix}"
    if target.is_file() and problem(checkpoint, target) is None:
        return catalogue.find(checkpoint.name, target)
    if checkpoint.url is None:
        raise EvalkitError(
            "this checkpoint cannot be fetched automatically", where=checkpoint.name,
            hint=f"Open {checkpoint.page}, get {checkpoint.file} ({checkpoint.publisher}), and save it as {target}",
        )  # fmt: skip
    partial = target.with_name(target.name + ".part")
    download(checkpoint.url, partial, resume=_recognisable(checkpoint), progress=progress)
    wrong = problem(checkpoint, partial)
    if wrong is not None:
        partial.unlink()
        raise EvalkitError(
            f"what came is not the file that was published: {wrong}", where=checkpoint.url, exit_code=1,
            hint=f"It was thrown away. Look at {checkpoint.page}: the authors may have moved or replaced it",
        )  # fmt: skip
    partial.replace(target)
    return catalogue.find(checkpoint.name, target)


def problem(checkpoint: Checkpoint, path: Path) -> str | None:
    """In what a file differs from the published one; None where it is the same, or nothing to compare is known."""
    if checkpoint.bytes is not None and path.stat().st_size != checkpoint.bytes:
        return f"it has {path.stat().st_size} bytes and should have {checkpoint.bytes}"
    if checkpoint.sha256 is not None and catalogue.sha256(path) != checkpoint.sha256:
        return f"its sha256 is {catalogue.sha256(path)} and should be {checkpoint.sha256}"
    if checkpoint.git_blob is not None and catalogue.git_blob(path) != checkpoint.git_blob:
        return f"its git blob id is {catalogue.git_blob(path)} and should be {checkpoint.git_blob}"
    return None


def _recognisable(checkpoint: Checkpoint) -> bool:
    return checkpoint.sha256 is not None or checkpoint.git_blob is not None


def download(url: str, path: Path, *, resume: bool = False, progress: Progress | None = None) -> None:
    """Write what an address serves into a file.

    Args:
        url: http or https.
        path: Receives the bytes; what arrived before a failure stays in it.
        resume: Go on behind the bytes that are there. Only sensible where the whole can be verified afterwards.
        progress: Called after every piece.

    Raises:
        EvalkitError: See ``fetch``.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "evalkit"})  # noqa: S310 - the catalogue's own
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not resume:
            path.unlink(missing_ok=True)
        have = path.stat().st_size if path.is_file() else 0
        if have:
            request.add_header("Range", f"bytes={have}-")
        # An opener of its own: the library's keeps the proxies of its first use.
        with urllib.request.build_opener().open(request, timeout=TIMEOUT) as answer:
            _receive(answer, path, have if answer.status == http.client.PARTIAL_CONTENT else 0, url, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            # There is nothing behind what we have: either it is complete, which the caller verifies, or it is rubbish.
            return
        raise _failed(url, _refusal(error)) from error
    except urllib.error.URLError as error:
        raise _failed(url, f"the server cannot be reached: {error.reason}") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise _failed(url, f"the connection broke: {type(error).__name__}") from error
    except OSError as error:
        hint = "Make room" if error.errno == errno.ENOSPC else "Check the folder's rights"
        raise EvalkitError(
            f"cannot write this file: {error.strerror}", where=path,
            hint=f"{hint}, or choose another folder with EVALKIT_CACHE; the same command goes on from here",
        ) from error  # fmt: skip


def _receive(answer: http.client.HTTPResponse, path: Path, have: int, url: str, progress: Progress | None) -> None:
    if answer.headers.get_content_type() == "text/html":
        raise _failed(url, "the server sends a web page instead of the file")
    length = answer.headers.get("Content-Length")
    expected = None if length is None else have + int(length)
    with path.open("ab" if have else "wb") as stream:
        while piece := answer.read(CHUNK):
            stream.write(piece)
            have += len(piece)
            if progress is not None:
                progress(have, expected)
        stream.flush()
        os.fsync(stream.fileno())
    if expected is not None and have < expected:
        raise _failed(url, f"the connection closed after {have} of {expected} bytes")


def _refusal(error: urllib.error.HTTPError) -> str:
    if "redirect" in str(error.reason).casefold() or error.code in (301, 302, 303, 307, 308):
        return "the server redirects in a circle"
    return f"the server answers {error.code} {error.reason}"


def _failed(url: str, what: str) -> EvalkitError:
    return EvalkitError(what, where=url, exit_code=1, hint="The same command goes on where this one stopped")


def fetch_weights(name: str, *, output: Path | None = None, progress: Progress | None = None) -> Found:
    """See ``fetch``; ``name`` is one of the catalogue's.

    Raises:
        EvalkitError: As ``fetch``; or no checkpoint has that name.
    """
    return fetch(_published(name), output, progress=progress)


def list_weights() -> list[dict[str, object]]:
    """One record a published checkpoint: its source, and the file on this machine that would be used."""
    rows: list[dict[str, object]] = []
    for checkpoint in catalogue.catalogue().values():
        found = _at_hand(checkpoint)
        rows.append(
            {
                "name": checkpoint.name,
                "file": str(found.path) if found else None,
                "place": found.place if found else None,
                "identity": found.identity if found else None,
                "publisher": checkpoint.publisher,
                "source": checkpoint.url or checkpoint.page,
                "automatic": checkpoint.url is not None,
                "licence": checkpoint.licence or "no licence stated",
                "sha256": checkpoint.sha256,
                "git_blob": checkpoint.git_blob,
                "bytes": checkpoint.bytes,
            }
        )
    return rows


def verify_weights(name: str, file: Path | None = None) -> dict[str, object]:
    """Whether a file, or the one that would be used, is the published checkpoint, and holds finite tensors only.

    Raises:
        EvalkitError: No checkpoint has that name, or there is no file.
    """
    checkpoint = _published(name)
    found = catalogue.find(name, file)
    wrong = problem(checkpoint, found.path)
    if wrong is None and not _recognisable(checkpoint):
        wrong = "its publisher states no hash to compare with"
    try:
        catalogue.read_state(found.path)
    except EvalkitError as error:
        wrong = error.what
    return {
        "name": name,
        "file": str(found.path),
        "place": found.place,
        "sha256": found.sha256,
        "identity": found.identity,
        "verified": wrong is None,
        "problem": wrong,
    }


def _published(name: str) -> Checkpoint:
    known = catalogue.catalogue()
    if name not in known:
        raise EvalkitError(f"no checkpoint is named {name!r}", expected=", ".join(known), hint=suggestion(name, known))
    return known[name]


def _at_hand(checkpoint: Checkpoint) -> Found | None:
    try:
        return catalogue.find(checkpoint.name)
    except EvalkitError:
        return None
