"""Write files atomically: a reader finds the whole new file or the old one, never a part of it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError

_TEMPORARY = re.compile(r"\..+\.\d+\.tmp")


def is_temporary(path: Path) -> bool:
    """Return whether a file is one that ``replacing`` writes before it renames it, by its name."""
    return _TEMPORARY.fullmatch(path.name) is not None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the block a temporary path next to ``path`` to write to, and rename that file to ``path`` at its end.

    The folder is created if necessary. If the block fails or is interrupted, the temporary file is deleted and an
    earlier file at ``path`` is left as it was.

    Raises:
        EvalkitError: The folder cannot be written to, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _rename(temporary, path)
        except BaseException:  # also after Ctrl-C no temporary file remains
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _cannot_write(path, error) from error


def move_into_place(temporary: Path, path: Path) -> None:
    """Flush a finished file to the disk, then rename it to ``path``, replacing a file that is there.

    Args:
        temporary: A file in the same folder as ``path``; if this fails, it stays.
        path: The final name.

    Raises:
        EvalkitError: The folder cannot be written to, or the disk is full.
    """
    try:
        _rename(temporary, path)
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically.

    Raises:
        EvalkitError: The folder cannot be written to, or the disk is full; an earlier file stays as it was.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write text atomically as UTF-8, with its line ends unchanged; errors are those of ``write_bytes``."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON atomically: sorted keys, indented by 2, no NaN, a final newline.

    Raises:
        EvalkitError: As ``write_bytes``.
        ValueError: ``value`` contains NaN or infinity.
    """
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def _rename(temporary: Path, path: Path) -> None:
    with temporary.open("rb+") as stream:
        os.fsync(stream.fileno())
    temporary.replace(path)


def _cannot_write(path: Path, error: OSError) -> EvalkitError:
    cure = "free some disk space" if error.errno == errno.ENOSPC else "check the permissions of this one"
    return EvalkitError(
        f"cannot write this file: {error.strerror or error}", where=path, hint=f"Choose another folder, or {cure}"
    )
