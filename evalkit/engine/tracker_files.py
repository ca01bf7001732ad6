"""Record which files a result is made by: the tracker's code, and the weights and settings that it reads.

An edited tracker must not be answered with the results of its former version. ``run.json`` therefore records the files
with their hashes, and a run whose files differ is another run; those of a runtime or a protocol that is not evalkit's
count as well. evalkit's own trackers have no such files: they change with evalkit's version, which is recorded but not
compared, and their checkpoint is recorded with its hash.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from evalkit import registry
from evalkit.registry import Entry, Registry
from evalkit.registry.source_files import (
    DATA_SUFFIXES,
    WEIGHT_SUFFIXES,
    is_installed,
    loaded_project_files,
    project_files,
)

E = TypeVar("E", bound=Entry)

_DIGITS = 16
_LARGE = 1_000_000


class OpenedFiles:
    """The files that this process opened while it was watched.

    Attributes:
        read: Files that were opened for reading.
        written: Files that were opened for writing; they are a product, not a part, of the tracker.
    """

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.written: set[str] = set()

    def inputs(self, home: Path, ignored: Iterable[Path] = ()) -> list[Path]:
        """Return the files that were read and not written, sorted: in ``home`` all, elsewhere weights and settings.

        Args:
            home: Folder of the tracker.
            ignored: Folders of data and results, whose files are not a part of the tracker.
        """
        paths = {Path(os.path.realpath(name)) for name in self.read - self.written}
        return sorted(
            path
            for path in paths
            if path.is_file() and _is_input(path, home) and not any(map(path.is_relative_to, ignored))
        )

    def weights(self) -> list[str]:
        """Return the names of the files of weights that were read, also of those written first, sorted."""
        names = (Path(name) for name in self.read if Path(name).suffix in WEIGHT_SUFFIXES)
        return sorted({path.name for path in names if not is_installed(path)})


def _is_input(path: Path, home: Path) -> bool:
    inside = path.is_relative_to(home)
    parts = path.relative_to(home).parts if inside else path.parts
    if is_installed(path) or path.suffix == ".pyc":
        return False
    if path.suffix in WEIGHT_SUFFIXES:
        return True
    # Files of hidden folders are settings of libraries and of version control.
    return (inside or path.suffix in DATA_SUFFIXES) and not any(part.startswith(".") for part in parts)


_watching: list[OpenedFiles] = []


@contextmanager
def watch_opened_files() -> Iterator[OpenedFiles]:
    """Record which files Python opens in this process until the context ends."""
    _install_hook()
    found = OpenedFiles()
    _watching.append(found)
    try:
        yield found
    finally:
        _watching.remove(found)


@cache
def _install_hook() -> None:
    sys.addaudithook(_note_opened)  # it cannot be removed, and does nothing while no file is watched


def _note_opened(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event != "open":
        return
    path, mode, flags = arguments
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, (str, os.PathLike)):
        return
    writes = any(letter in mode for letter in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))
    name = os.path.abspath(path)  # noqa: PTH100 - of a path that may not exist any more
    for found in _watching:
        (found.written if writes else found.read).add(name)


def is_own_code(tracker: str) -> bool:
    """Return whether a tracker is made of files of the user's or of an installed package, not of evalkit's.

    Raises:
        UnknownName: There is no such tracker.
    """
    entry = registry.tracker.find(tracker)
    return entry.program_files is not None or not registry.tracker.is_builtin(entry)


def tracker_files(
    tracker: str,
    opened: OpenedFiles,
    *,
    plugins: Sequence[Path] = (),
    further: Iterable[Path] = (),
    ignored: Iterable[Path] = (),
) -> Files:
    """Return the files that a tracker is made of; of evalkit's own trackers only those of ``plugins``.

    Args:
        tracker: Name of the tracker.
        opened: Files that were opened while it was built.
        plugins: Files of the runtime and the protocol, where these are not evalkit's; see ``plugin_files``.
        further: Further files that its answers depend on: a given checkpoint, and those that the tracker lists.
        ignored: Folders of data and results.

    Raises:
        UnknownName: There is no such tracker.
    """
    if not is_own_code(tracker):
        return Files(plugins[0].parent if plugins else Path.cwd(), plugins)
    entry, variant = registry.tracker.find_variant(tracker)
    if entry.program_files is not None:
        starts = list(entry.program_files(variant or ""))
        paths = [path for start in starts for path in project_files(start, starts)]
        opened = OpenedFiles()  # by evalkit, for a tracker that is another process
    else:
        starts = _start_of_entry(entry)
        paths = [path for start in starts for path in loaded_project_files(start)]
    home = starts[0].resolve().parent if starts else Path.cwd()
    return Files(home, [*paths, *plugins, *opened.inputs(home, ignored), *further], opened.weights())


def plugin_files(plugins: Registry[E], name: str) -> list[Path]:
    """Return the files of a runtime or protocol of the user's or of an installed package; none for evalkit's own.

    Raises:
        UnknownName: The registry has no such entry.
    """
    entry = plugins.find(name)
    if plugins.is_builtin(entry):
        return []
    return [path for start in _start_of_entry(entry) for path in loaded_project_files(start)]


def _start_of_entry(entry: Entry) -> list[Path]:
    return [path for path in (entry.file, _module_file(entry.module)) if path is not None][:1]


class Files:
    """The files that a tracker is made of.

    Args:
        home: Folder of the tracker; files inside it are named relative to it.
        paths: The files.
        weights: Names of the files of weights that it opened while it was built.
    """

    def __init__(self, home: Path, paths: Iterable[Path], weights: Iterable[str] = ()) -> None:
        self.home = home.resolve()
        self.paths = sorted({path.resolve() for path in paths if path.is_file()})
        self.weights = sorted(weights)

    def hashes(self, recorded: Iterable[str] = ()) -> dict[str, str]:
        """Return 16 hexadecimal digits of the SHA-256 of each file, by its name.

        Args:
            recorded: Names of further files, which earlier runs recorded; those inside ``home`` are found again.
        """
        paths = {*self.paths, *((self.home / name).resolve() for name in recorded)}
        digests: dict[str, list[str]] = {}
        for path in sorted(paths):
            if path.is_file():
                digests.setdefault(self.name(path), []).append(_sha256(path))
        return {name: _combined(found) for name, found in sorted(digests.items())}

    def digest(self) -> str | None:
        """Return one fingerprint of all files; None if there are none."""
        return _combined([""] + [f"{name}={digest}" for name, digest in self.hashes().items()]) if self.paths else None

    def name(self, path: Path) -> str:
        """Return the name of a file: relative to ``home`` inside it, without its folder outside of it.

        Folders outside differ between the machines that share the work of one run.
        """
        return path.relative_to(self.home).as_posix() if path.is_relative_to(self.home) else path.name


def _combined(digests: list[str]) -> str:
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()[:_DIGITS]


def _sha256(path: Path) -> str:
    stat = path.stat()
    # Two versions of a small file may have the same size and, on a coarse clock, the same time.
    small = stat.st_size < _LARGE
    return _compute_sha256(path) if small else _cached_sha256(path, stat.st_mtime_ns, stat.st_size)


@cache
def _cached_sha256(path: Path, modified: int, size: int) -> str:
    return _compute_sha256(path)


def _compute_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
    except OSError:
        return "unreadable"


def _module_file(name: str) -> Path | None:
    file = getattr(sys.modules.get(name), "__file__", None)
    return Path(file).resolve() if file else None
