"""Find the files of many sequences by path patterns such as ``anno/{name}.txt`` or ``{group}/{name}/img``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from evalkit.datasets.building.folders import match_names, refuse_broken_links
from evalkit.errors import EvalkitError, listed

_PLACEHOLDER = re.compile(r"\{(name|folder|group)\}")

Keys = Mapping[str, str]
"""Values of the placeholders for one sequence: ``name``; ``folder``, the folder of its images; ``group``, its class."""


def sequence_keys(name: str, folder: str = "", group: str | None = None) -> Keys:
    """Return the values of a sequence's placeholders.

    Args:
        name: Name of the sequence.
        folder: Folder of its images, where that has another name.
        group: Folder of its class; by default the part of the name before the last dash.

    >>> sequence_keys("Air Hockey-21")["group"]
    'Air Hockey'
    """
    return {"name": name, "folder": folder or name, "group": name.rpartition("-")[0] if group is None else group}


def find_paths(folder: Path, pattern: str, sequences: Mapping[str, Keys]) -> dict[str, Path]:
    """Return the existing files or folders that a pattern stands for, by sequence name.

    Names on disk are matched as by ``match_names``: exactly first, and in another spelling where no other sequence
    shares it.

    Args:
        folder: Folder that the pattern starts from.
        pattern: Relative path with the placeholders ``{name}``, ``{folder}`` and ``{group}``, at most one per part.
        sequences: By sequence name, the values of its placeholders.

    Raises:
        EvalkitError: Two files could be of the same sequence.
    """
    found = dict.fromkeys(sequences, folder)
    for part in pattern.split("/"):
        found = _descend(found, part, sequences)
    return found


def list_sequences(folder: Path, pattern: str) -> dict[str, Keys]:
    """Return the sequences for which a pattern's file exists, sorted by name, for benchmarks without a list of names.

    Args:
        folder: Folder that the pattern starts from.
        pattern: As for ``find_paths``, with ``{name}`` once or more and ``{group}`` before it or not at all.

    Raises:
        EvalkitError: Two groups have a sequence of the same name.
    """
    found: dict[str, Keys] = {}
    for keys in _walk(folder, pattern.split("/"), {}):
        other = found.get(keys["name"])
        if other is not None and other["group"] != keys["group"]:
            raise EvalkitError(
                "two folders have a sequence of the same name", where=folder,
                found=listed([f"{one['group']}/{one['name']}" for one in (other, keys)]), hint="Rename one of them",
            )  # fmt: skip
        found[keys["name"]] = keys
    return dict(sorted(found.items()))


def _descend(places: Mapping[str, Path], part: str, sequences: Mapping[str, Keys]) -> dict[str, Path]:
    """Return the paths one part of a pattern further; sequences without it are left out."""
    by_place: dict[Path, list[str]] = {}
    for name, place in places.items():
        by_place.setdefault(place, []).append(name)
    placeholder = _PLACEHOLDER.search(part)
    found: dict[str, Path] = {}
    for place, names in by_place.items():
        if placeholder is None:
            path = place / part
            found.update(dict.fromkeys(names, path) if path.exists() else {})
        else:
            found.update(_matched(place, part, {name: sequences[name][placeholder[1]] for name in names}))
    return {name: found[name] for name in places if name in found}


def _matched(place: Path, part: str, values: Mapping[str, str]) -> dict[str, Path]:
    """Return the entries of a folder by sequence name, given the value of the part's placeholder for each."""
    prefix, suffix = _affixes(part)
    wanted = set(values.values())
    if len(wanted) == 1:
        path = place / f"{prefix}{next(iter(wanted))}{suffix}"
        if path.exists():
            return dict.fromkeys(values, path)
    entries = match_names(wanted, _stems(place, prefix, suffix), where=place)
    paths = {value: place / f"{prefix}{stem}{suffix}" for value, stem in entries.items()}
    return {name: paths[value] for name, value in values.items() if value in paths}


def _walk(place: Path, parts: list[str], keys: Keys) -> Iterator[Keys]:
    """Yield the placeholders' values for every existing path below a folder."""
    if not parts:
        if place.exists():
            yield {"folder": keys["name"], "group": "", **keys}
        return
    placeholder = _PLACEHOLDER.search(parts[0])
    if placeholder is None or placeholder[1] in keys:
        path = place / parts[0].format(**keys)
        if path.exists():
            yield from _walk(path, parts[1:], keys)
        return
    prefix, suffix = _affixes(parts[0])
    for stem in sorted(_stems(place, prefix, suffix)):
        path = place / f"{prefix}{stem}{suffix}"
        refuse_broken_links([path])
        if len(parts) == 1 or path.is_dir():
            yield from _walk(path, parts[1:], {**keys, placeholder[1]: stem})


def _affixes(part: str) -> tuple[str, str]:
    prefix, _, suffix = _PLACEHOLDER.split(part, maxsplit=1)
    return prefix, suffix


def _stems(place: Path, prefix: str, suffix: str) -> Iterable[str]:
    """Return what stands for the placeholder in the names of a folder's entries; nothing without a folder."""
    try:
        listing = os.listdir(place)  # noqa: PTH208 - a Path for each of thousands of files is slow
    except (FileNotFoundError, NotADirectoryError):
        return []
    least = len(prefix) + len(suffix) + 1
    return [
        name[len(prefix) : len(name) - len(suffix)]
        for name in listing
        if len(name) >= least and name[0] != "." and name.startswith(prefix) and name.endswith(suffix)
    ]
