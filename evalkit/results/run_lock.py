"""The lock of a run: who writes into a results folder, on this machine and on others that share the file system.

Each process that writes has a file ``.writing-<host>-<process>-<number>.lock`` in the folder. It holds an operating
system's lock on it, which ends with the process, and touches it every few seconds. A file is stale if its lock is free
and, where it is another machine's (some file systems do not share locks), it was not touched for ``STALE_SECONDS``.

Shards share a run: they exclude runs that are not shards, and the same shard, but not each other.

Not the ``filelock`` package: it knows neither shards, nor who holds a lock, nor locks of machines that died.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from evalkit.errors import EvalkitError
from evalkit.io.file_lock import FileLockedError, acquire, exclusive_lock
from evalkit.io.json import InvalidJsonError, parse_json

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 120.0
"""Age from which the lock of another machine no longer counts, where the file system does not share locks."""
_GUARD_SECONDS = 30.0
_RETRY_SECONDS = 0.02
_PATTERN = ".writing-*.lock"
_NUMBERS = itertools.count(1)


def is_lock_file(path: Path) -> bool:
    """Return whether a file of a results folder is a lock, by its name."""
    return path.name.startswith(".") and path.name.endswith(".lock")


class RunLock:
    """A held lock on a results folder; ``hold`` makes it.

    Attributes:
        folder: The folder with the run's ``run.json``.
    """

    def __init__(self, folder: Path, path: Path, stream: IO[str]) -> None:
        self.folder = folder
        self._path = path
        self._stream = stream
        self._ended = threading.Event()
        threading.Thread(target=self._touch, name="run-lock", daemon=True).start()

    @property
    def is_held(self) -> bool:
        """False once the folder was deleted, also if another run has created it again."""
        try:
            there, own = self._path.stat(), os.fstat(self._stream.fileno())
        except (OSError, ValueError):
            return False
        return (there.st_ino, there.st_dev) == (own.st_ino, own.st_dev)

    @property
    def is_alone(self) -> bool:
        """True where no other shard writes into the folder."""
        return not any(_others(self.folder, self._path))

    def release(self) -> None:
        """Give up the lock."""
        self._ended.set()
        with contextlib.suppress(OSError):
            if self.is_held:
                self._path.unlink()
        self._stream.close()

    def _touch(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self._path)


@contextlib.contextmanager
def hold(folder: Path, *, shard: str | None = None) -> Iterator[RunLock]:
    """Hold the lock of a results folder, which is created if necessary and removed at the end if it is empty.

    Args:
        folder: The folder of one run.
        shard: ``I/N`` for a shard, which other shards may write next to.

    Raises:
        EvalkitError: Another run writes into the folder, or it cannot be written to.
    """
    with guard(folder):
        lock = _acquire(folder, shard)
    try:
        yield lock
    finally:
        lock.release()
        with contextlib.suppress(OSError):  # nothing was stored
            folder.rmdir()


@contextlib.contextmanager
def guard(folder: Path) -> Iterator[None]:
    """Be the only process that changes the records of a results folder; others wait for it.

    Raises:
        EvalkitError: Another process does not finish, or the folder cannot be written to.
    """
    with contextlib.ExitStack() as stack:
        for attempt in itertools.count():
            try:
                stack.enter_context(exclusive_lock(folder / "run.json"))
                break
            except (FileLockedError, FileNotFoundError) as error:  # the folder may be removed meanwhile
                if attempt * _RETRY_SECONDS > _GUARD_SECONDS:
                    raise EvalkitError(
                        "another process keeps this folder locked", where=folder, found=str(error) or None,
                        hint="Wait until it ends",
                    ) from error  # fmt: skip
                time.sleep(_RETRY_SECONDS)
            except OSError as error:
                raise EvalkitError(
                    f"cannot write into this folder: {error.strerror or error}", where=folder,
                    hint="Choose another folder with --results",
                ) from error  # fmt: skip
        yield


def _acquire(folder: Path, shard: str | None) -> RunLock:
    # Absolute: it is touched while a tracker may have changed the current folder.
    path = folder.absolute() / f".writing-{_host()}-{os.getpid()}-{next(_NUMBERS)}.lock"
    stream = path.open("a+", encoding="utf-8")
    try:
        acquire(stream)
        content = {"host": _host(), "process": os.getpid(), "shard": shard}
        stream.write(json.dumps(content))
        stream.flush()
        for other in _others(folder, path):
            if shard is None or other.get("shard") in (None, shard):
                raise _refused(folder, other, shard)
    except BaseException:
        path.unlink(missing_ok=True)
        stream.close()
        raise
    return RunLock(folder, path, stream)


def _refused(folder: Path, other: dict[str, Any], shard: str | None) -> EvalkitError:
    what = f"shard {other['shard']}" if other.get("shard") else "another run"
    same = " the same" if shard is not None and other.get("shard") == shard else ""
    return EvalkitError(
        f"{what} is writing into this folder", where=folder,
        found=f"process {other.get('process')} on {other.get('host')}{' is doing' + same + ' shard' if same else ''}",
        hint="Wait until it ends, or use --name to keep both results",
    )  # fmt: skip


def _others(folder: Path, own: Path) -> Iterator[dict[str, Any]]:
    """Yield the content of each other lock that is alive, and delete those that are not."""
    for path in sorted(folder.absolute().glob(_PATTERN)):
        if path != own and (content := _content_if_alive(path, own)) is not None:
            yield content


def _content_if_alive(path: Path, own: Path) -> dict[str, Any] | None:
    try:
        with path.open("r+", encoding="utf-8") as stream:
            free = acquire(stream)
            content = _parse(stream.read())
            if not _is_dead(content, free, path, own):
                return content
            if free:  # else a child of a dead process keeps the lock open
                path.unlink()
    except OSError:  # it was released meanwhile
        return {} if path.exists() else None
    return None


def _is_dead(content: dict[str, Any], free: bool, path: Path, own: Path) -> bool:
    if content.get("host") == _host():
        return free or not _process_exists(content.get("process"))
    # By the clock of the file system, which both files have.
    return free and own.stat().st_mtime - path.stat().st_mtime > STALE_SECONDS


def _parse(text: str) -> dict[str, Any]:
    try:
        content = parse_json(text)
    except InvalidJsonError:
        return {}
    return content if isinstance(content, dict) else {}


def _process_exists(number: object) -> bool:
    if not isinstance(number, int) or os.name == "nt":
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _host() -> str:
    return "".join(sign if sign.isalnum() or sign in "-." else "_" for sign in platform.node())[:64] or "unknown"
