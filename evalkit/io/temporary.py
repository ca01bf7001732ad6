"""Temporary folders that are removed even if the process that made them is killed: by the next one that makes one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from evalkit.io.file_lock import is_free, locked_until_closed

_PREFIX = "evalkit-"
_LOCK = ".in-use"
_NEW_SECONDS = 60.0
"""Age up to which a folder may not have its lock yet."""


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give an empty folder, and remove it at the end with its content.

    Folders of processes that were killed are removed too: theirs are the only ones whose lock nobody holds.
    """
    _remove_left_over()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        lock = Path(name) / _LOCK
        with locked_until_closed(lock):
            (Path(name) / "files").mkdir()
            yield Path(name) / "files"


def _remove_left_over() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError):  # of another user, or removed meanwhile
            if time.time() - lock.stat().st_mtime > _NEW_SECONDS and is_free(lock):
                shutil.rmtree(lock.parent, ignore_errors=True)
