"""Find the result files of a sequence: by its exact name first, then by another spelling that only it can have."""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from evalkit.errors import DamagedResults
from evalkit.names import canonical
from evalkit.types import Sequence

_STABLE_AFTER_NS = 2 * 10**9


def find_file(folder: Path, sequence: Sequence, suffix: str) -> Path | None:
    """Return the file ``<name><suffix>`` of a sequence; None if there is none.

    ``<name>`` is the sequence's name or one of its ``other_names``, exact or else in another spelling. A sequence with
    ``exact_name`` is found by exact names only: another spelling would be that of another sequence.

    Raises:
        DamagedResults: Several files are other spellings of the name.
    """
    for name in (sequence.name, *sequence.other_names):
        exact = folder / f"{name}{suffix}"
        if exact.is_file():
            return exact
        other = None if sequence.exact_name else _other_spelling(folder, name, suffix, sequence)
        if other is not None:
            return folder / f"{other}{suffix}"
    return None


def find_folder(folder: Path, sequence: Sequence) -> Path | None:
    """Return the folder of a sequence in ``folder``, with its name matched as by ``find_file``; None if there is none.

    Of an object of a video, it is the folder with the exact name of the video.

    Raises:
        DamagedResults: Several names are other spellings of the sequence's.
    """
    if sequence.video is not None:
        return folder / sequence.video if (folder / sequence.video).is_dir() else None
    for name in (sequence.name, *sequence.other_names):
        exact = folder / name
        if exact.is_dir():
            return exact
        other = None if sequence.exact_name else _other_spelling(folder, name, "", sequence)
        if other is not None and (folder / other).is_dir():
            return folder / other
    return None


def find_numbered_files(
    folder: Path, sequence: Sequence, *, digits: int, suffixes: tuple[str, ...] = (".txt",)
) -> dict[int, Path]:
    """Return the files ``<name>_<number><suffix>`` of a sequence by their numbers, rising.

    Args:
        folder: The sequence's own folder; it need not exist.
        digits: Number of digits of the number.
        suffixes: Of files that differ only in their suffix, the one with the earlier suffix is taken.

    Raises:
        DamagedResults: Several names are other spellings of the sequence's.
    """
    pattern = re.compile(rf"(.+)_(\d{{{digits}}})")
    found: defaultdict[str, dict[int, Path]] = defaultdict(dict)
    for suffix in reversed(suffixes):
        for name in list_names(folder, suffix=suffix):
            match = pattern.fullmatch(name.removesuffix(suffix))
            if match:
                found[match[1]][int(match[2])] = folder / name
    own = _choose(_by_spelling(tuple(sorted(found))), sequence, folder)
    return dict(sorted(found[own].items())) if own is not None else {}


def list_names(folder: Path, *, prefix: str = "", suffix: str = "") -> tuple[str, ...]:
    """Return the names of the entries of a folder that have that prefix and suffix; none if there is no folder.

    The listing is kept until the folder changes, because it is asked for once per sequence. A folder that changed in
    the last two seconds is listed anew: its time stamp may be too coarse to show a further change.
    """
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return ()
    stable = time.time_ns() - changed > _STABLE_AFTER_NS
    names = (_listing if stable else _listing.__wrapped__)(str(folder), changed)
    return _filtered(names, prefix, suffix)


@lru_cache(maxsize=16)
def _listing(folder: str, changed: int) -> tuple[str, ...]:
    return tuple(sorted(os.listdir(folder))) if os.path.isdir(folder) else ()  # noqa: PTH112, PTH208


@lru_cache(maxsize=64)
def _filtered(names: tuple[str, ...], prefix: str, suffix: str) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith(prefix) and name.endswith(suffix))


def _other_spelling(folder: Path, name: str, suffix: str, sequence: Sequence) -> str | None:
    spellings = _spellings(list_names(folder, suffix=suffix), suffix)
    return _only(spellings.get(canonical(name), ()), sequence, folder, suffix)


def _choose(spellings: Mapping[str, tuple[str, ...]], sequence: Sequence, folder: Path) -> str | None:
    """Return the name that is the sequence's, exactly or in another spelling."""
    for name in (sequence.name, *sequence.other_names):
        alike = spellings.get(canonical(name), ())
        if name in alike:
            return name
        if not sequence.exact_name and (found := _only(alike, sequence, folder)):
            return found
    return None


def _only(names: tuple[str, ...], sequence: Sequence, folder: Path, suffix: str = "") -> str | None:
    if len(names) > 1:
        raise DamagedResults(
            f"several files could be the result of {sequence.name}", where=folder,
            found=", ".join(f"{name}{suffix}" for name in names), hint="Remove or rename all but one",
        )  # fmt: skip
    return names[0] if names else None


@lru_cache(maxsize=64)
def _spellings(names: tuple[str, ...], suffix: str) -> Mapping[str, tuple[str, ...]]:
    return _by_spelling(tuple(name.removesuffix(suffix) for name in names))


def _by_spelling(names: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Return the names by their canonical spelling."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found[canonical(name)].append(name)
    return {key: tuple(alike) for key, alike in found.items()}
