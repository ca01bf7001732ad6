"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it into place.

    Raises:
        EvalkitError: The folder cannot be written to, or the disk is full; an earlier file stays as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:  # Ctrl-C as well leaves nothing behind
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise EvalkitError(
            f"cannot write this file: {error.strerror}",
            where=path,
            hint="Choose another folder, or make room and rights for this one",
        ) from error


def write_text(path: Path, text: str) -> None:
    """As ``write_bytes``, UTF-8, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """As ``write_text``: sorted keys, indented by 2, no NaN, a final newline."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")
