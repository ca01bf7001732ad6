"""The baseline file: versioned, one line a fact, replaced whole or not at all, and by one writer at a time."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from evalkit import __version__
from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.regression.records import RESTORE, TrackerRecord, Trackers, from_plain, to_plain

VERSION = 2
"""2 keeps a ratio of CPU times for each pair of processes; 1 kept blocks of one process, and is still read."""
OLDEST = 1


@dataclass(frozen=True)
class Baseline:
    """What was agreed upon.

    Attributes:
        history: One entry an update, the oldest first: ``date``, ``reason``, ``evalkit``, ``changes``.
    """

    suite: str
    trackers: Mapping[str, TrackerRecord]
    history: tuple[Mapping[str, Any], ...] = ()

    def updated(self, trackers: Trackers, reason: str, changes: list[str]) -> Baseline:
        """With new records, and the reason for them."""
        entry = {
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "reason": reason,
            "evalkit": __version__,
            "changes": changes,
        }
        return Baseline(self.suite, dict(trackers), (*self.history, entry))


def load(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        EvalkitError: It is missing, damaged, or of another version of the format; what to do is said.
    """
    content = _read(path)
    version = content.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise EvalkitError("this baseline is damaged: it has no version", where=path, hint=RESTORE)
    if version > VERSION:
        raise EvalkitError(
            "this baseline was written by a newer evalkit", where=path, found=f"version {version}",
            expected=f"version {VERSION}", hint="Update evalkit; the file is left as it is",
        )  # fmt: skip
    if version < OLDEST:
        raise EvalkitError(
            "this baseline was written by an older evalkit", where=path, found=f"version {version}",
            expected=f"version {VERSION}",
            hint="Move it away and write a new one with --update --reason, from a commit known to be good",
        )  # fmt: skip
    trackers, history = content.get("trackers"), content.get("history")
    if not isinstance(trackers, dict) or not isinstance(history, list):
        raise EvalkitError("this baseline is damaged: trackers or history are missing", where=path, hint=RESTORE)
    return Baseline(str(content.get("suite")), from_plain(trackers, where=path), tuple(history))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvalkitError(
            "there is no baseline yet", where=path,
            hint='Write the first one with --update --reason "first baseline"',
        ) from None  # fmt: skip
    except (OSError, ValueError) as error:
        raise EvalkitError(f"this baseline is damaged: {error}", where=path, hint=RESTORE) from error
    if not isinstance(content, dict):
        raise EvalkitError("this baseline is damaged: it is not a JSON object", where=path, hint=RESTORE)
    return content


def save(path: Path, baseline: Baseline) -> None:
    """Replace the file; interrupted at any moment, the old one is still there.

    Raises:
        EvalkitError: It cannot be written.
    """
    content = {
        "version": VERSION,
        "suite": baseline.suite,
        "trackers": to_plain(baseline.trackers),
        "history": list(baseline.history),
    }
    write_text(path, compact(content) + "\n")


def compact(value: Any, indent: int = 0) -> str:
    """JSON with sorted keys, one key a line, except that flat values that fit stay on one line.

    >>> print(compact({"b": {"x": 1, "y": [1, 2]}, "a": None}))
    {
     "a": null,
     "b": {"x": 1, "y": [1, 2]}
    }
    """
    line = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, (dict, list)) or not value or (indent and _flat(value)):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {compact(value[key], indent + 1)}" for key in sorted(value)
        ]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + compact(item, indent + 1) for item in value) + "\n" + " " * indent + "]"


def _flat(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return not any(isinstance(item, dict) for item in items) and len(value) <= 16


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Be the only one who updates a baseline.

    Raises:
        EvalkitError: Somebody else does at this moment, or its folder cannot be written to. A writer that was killed
            leaves nothing locked.
    """
    lock = path.with_name(f".{path.name}.lock")
    with _opened(lock, path) as stream:
        if not _locked(stream):
            stream.seek(0)
            raise EvalkitError(
                "another update of this baseline is under way", where=path, found=stream.read().strip() or None,
                hint="Wait for it to end; its result may be what you want",
            )  # fmt: skip
        stream.truncate(0)
        stream.write(f"process {os.getpid()}")
        stream.flush()
        try:
            yield
        finally:
            # Removed while locked: whoever opens it later makes a new one, and whoever had it open finds it gone.
            with contextlib.suppress(OSError):  # where open files cannot be removed it stays, unlocked
                lock.unlink()


def _opened(lock: Path, path: Path) -> IO[str]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("a+", encoding="utf-8")
    except OSError as error:
        raise EvalkitError(
            f"this baseline cannot be written: {error.strerror}", where=path, hint="Name another with --baseline"
        ) from error


def _locked(stream: IO[str]) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    # Removed by its former owner between opening and locking: nobody else would see our lock.
    return os.fstat(stream.fileno()).st_nlink > 0
