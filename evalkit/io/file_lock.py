"""An exclusive lock on a file that several processes may replace.

Not the ``filelock`` package: its lock file stays in the folder after use, which for a baseline is a folder under
version control, and it does not say which process holds the lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class FileLockedError(Exception):
    """Another process holds the lock; the message names it."""


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file. A process that is killed holds it no longer.

    The lock is the file ``.<name>.lock`` in the same folder, which exists only while it is held.

    Raises:
        FileLockedError: Another process holds the lock.
        OSError: The folder cannot be written to.
    """
    lock = path.with_name(f".{path.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+", encoding="utf-8") as stream:
        if not acquire(stream):
            stream.seek(0)
            raise FileLockedError(stream.read().strip())
        stream.truncate(0)
        stream.write(f"process {os.getpid()}")
        stream.flush()
        try:
            yield
        finally:
            # Removed while it is locked: a process that had it open finds it removed, and the next creates a new one.
            with contextlib.suppress(OSError):  # on systems that cannot remove open files it stays, unlocked
                lock.unlink()


def acquire(stream: IO[str]) -> bool:
    """Lock an open file until it is closed; return False if another process has locked or removed it.

    On file systems without locks it is never locked by another process.
    """
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    # If its owner removed it between our opening and locking it, no other process would see our lock.
    return _lock(stream) is not False and os.fstat(stream.fileno()).st_nlink > 0


def _lock(stream: IO[str]) -> bool | None:
    """Lock an open file; return False if another process has locked it, None on file systems without locks."""
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in _WITHOUT_LOCKS else False
    return True


@contextlib.contextmanager
def locked_until_closed(path: Path) -> Iterator[None]:
    """Create a file and hold its lock while the block runs; a process that is killed holds it no longer."""
    with path.open("a+", encoding="utf-8") as stream:
        acquire(stream)
        yield


def is_free(path: Path) -> bool:
    """Return whether it is certain that no process holds the lock of a file; never certain without locks.

    Raises:
        OSError: The file cannot be opened.
    """
    if os.name == "nt":
        return False
    with path.open("a+", encoding="utf-8") as stream:
        return _lock(stream) is True
