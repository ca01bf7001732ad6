"""Find the user's own files that a command line starts: the program, its script or modules, and files in arguments."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from evalkit.registry.source_files import SCRIPT_SUFFIXES, expanded, imported_files, is_installed
from evalkit.trackers._program.process import Command

_MATLAB = ("matlab", "octave")


def command_files(command: Command, paths: Sequence[str] = ()) -> list[Path]:
    """Return the files that a command line names, scripts first, except installed ones.

    These are the program, its script, the modules of ``-m NAME`` and ``-c CODE``, and files in arguments such as
    ``--config=FILE``.

    Args:
        command: The command line; relative paths are relative to its folder.
        paths: Further folders that the program searches for modules.
    """
    folder = command.folder or Path.cwd()
    folders = [folder, *map(Path, paths), *_python_path(command)]
    found = [path.resolve() for path in (*_named_files(command.words, folder), *_modules(command.words, folders))]
    own = [path for path in dict.fromkeys(found) if not is_installed(path)]
    return sorted(own, key=lambda path: path.suffix not in SCRIPT_SUFFIXES)


def _python_path(command: Command) -> list[Path]:
    value = command.environment.get("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    return [Path(part) for part in value.split(os.pathsep) if part]


def _named_files(words: Sequence[str], folder: Path) -> Iterator[Path]:
    program = shutil.which(words[0]) if words else None
    names = [*([program] if program else []), *words, *(word.partition("=")[2] for word in words if "=" in word)]
    for name in filter(None, names):
        path = folder / expanded(name)
        if len(name) <= 255 and path.is_file():
            yield path


def _modules(words: Sequence[str], folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of the modules that a Python program is started with, and the functions of MATLAB and Octave."""
    for option, value in pairwise(words):
        if option == "-m":
            yield from imported_files(f"import {value}, {value}.__main__", folders)
        elif option == "-c":
            yield from imported_files(value, folders)
    if words and Path(words[0]).stem.casefold() in _MATLAB:
        yield from (path for folder in folders for path in sorted(folder.glob("*.m")))
