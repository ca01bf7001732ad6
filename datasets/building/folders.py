"""Find the folders and files of a benchmark, and the names of its sequences."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from evalkit.errors import EvalkitError, listed
from evalkit.io.rows import read_bytes, text_lines
from evalkit.names import NameIndex


def find_folders(root: Path | None, usual_names: Iterable[str], *, dataset: str) -> list[Path]:
    """Return the given folder, followed by those of its subfolders that have a usual name of the benchmark.

    Args:
        root: The folder from ``--data``, ``$EVALKIT_DATA`` or the configuration file: the benchmark's own, or one that
            contains it. A ``.json`` file is accepted too; the list is then empty (see ``find_json_indices``).
        usual_names: Names that the benchmark's folder usually has; case is ignored.
        dataset: Name of the dataset, for messages.

    Raises:
        EvalkitError: ``root`` is None, does not exist, or is a file of another kind.
    """
    if root is None:
        raise EvalkitError(
            f"no data folder is configured for {dataset}",
            hint="Give its folder, or a folder that contains it, with --data, $EVALKIT_DATA or the configuration file",
        )
    if root.is_file() and root.suffix == ".json":
        return []
    if not root.is_dir():
        raise EvalkitError(
            "not a folder", where=root, found="a file" if root.exists() else "nothing",
            expected=f"the folder that contains {dataset}, or its .json index", hint="Give another path with --data",
        )  # fmt: skip
    usual = {name.casefold() for name in usual_names}
    return [root, *sorted(path for path in root.iterdir() if path.name.casefold() in usual and path.is_dir())]


def expected_names(folders: Iterable[Path], list_file: str, official: Iterable[str]) -> list[str]:
    """Return the names of the sequences of a benchmark: the official ones, unless its folder lists others.

    A list that contains official names only is a part of the benchmark and does not change what is expected.

    Args:
        folders: Folders that may contain the list.
        list_file: Name of a text file with one sequence name per line, such as ``list.txt``.
        official: The official names, in order; may be empty where no list is published.
    """
    names = list(official)
    for folder in folders:
        path = folder / list_file
        if path.is_file():
            own = [line for line in text_lines(read_bytes(path), path) if line]
            if not set(own) <= set(names):
                return own
    return names


def file_stems(folder: Path, suffix: str) -> list[str]:
    """Return the names, without the suffix, of the files in a folder that have it; an empty list without a folder.

    Folders of tens of thousands of files take milliseconds.
    """
    try:
        listing = os.listdir(folder)  # noqa: PTH208 - a Path for each file is slow
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name.removesuffix(suffix) for name in listing if name.endswith(suffix))


def refuse_broken_links(paths: Iterable[Path]) -> None:
    """Raise an error for a link to nothing, where a folder's entries are the sequences: one would silently be missing.

    Raises:
        EvalkitError: One of the paths is such a link.
    """
    broken = sorted(str(path) for path in paths if path.is_symlink() and not path.exists())
    if broken:
        raise EvalkitError(
            "a link leads to nothing", where=broken[0], found=f"{len(broken)} such links" if broken[1:] else None,
            hint="Is the disk mounted? Restore what it leads to, or remove the link",
        )  # fmt: skip


def match_names(names: Iterable[str], found: Iterable[str], *, where: object) -> dict[str, str]:
    """Return, by sequence name, the name under which a sequence was found.

    An exact name comes first. Another spelling (case, ``-``, ``.``, ``_``) counts only where no other sequence of the
    benchmark shares it: UAV123's ``car1_1`` and ``car11`` are different sequences.

    Args:
        names: Names of all sequences of the benchmark.
        found: Names of folders, stems of files, keys of an index.
        where: Folder or file they were found in, for the message.

    Raises:
        EvalkitError: Two other spellings of one name were found, and the name itself was not.

    >>> match_names(["car1_1", "car11", "bike_1"], ["car11", "Bike-1", "readme"], where="anno")
    {'car11': 'car11', 'bike_1': 'Bike-1'}
    """
    index = NameIndex(names)
    matched: dict[str, str] = {}
    spellings: dict[str, list[str]] = {}
    for entry in found:
        name = index.find(entry)
        if name == entry:
            matched[name] = entry
        elif name is not None:
            spellings.setdefault(name, []).append(entry)
    for name, others in spellings.items():
        if name not in matched and len(others) > 1:
            raise EvalkitError(
                f"several entries could be the sequence {name}", where=where, found=listed(sorted(others)),
                expected=name, hint="Rename or remove all but one",
            )  # fmt: skip
        matched.setdefault(name, others[0])
    return matched


def no_sequences_error(dataset: str, root: Path | None, folders: Sequence[Path], expected: str) -> EvalkitError:
    """Return the error for a data folder without any sequence of the benchmark; it lists what the folder contains.

    Args:
        dataset: Name of the dataset.
        root: The path that the user gave.
        folders: Folders in which sequences were looked for, as returned by ``find_folders``.
        expected: Paths that would have been found, such as ``<sequence>/groundtruth.txt``.
    """
    what = f"no sequences of {dataset} were found"
    if not folders:
        return EvalkitError(what, where=root, expected=expected)
    entries = sorted({path.name for folder in folders for path in folder.iterdir() if not path.name.startswith(".")})
    return EvalkitError(
        what, where=", ".join(map(str, folders)), found=listed(entries), expected=expected,
        hint="Give the benchmark's own folder, or a folder that contains it, with --data",
    )  # fmt: skip
