"""Read the files of a submission archive as the evaluation servers do, and list what they reject or score as zero.

TrackingNet: ``metrics.py`` of its devkit (SilvioGiancola/TrackingNet-devkit), which is the server's code. GOT-10k:
``ExperimentGOT10k.report`` of got-10k/toolkit 0.1.3; the server also takes one folder around the sequences, and
requires times. VOT: ``vot.tracker.results`` and ``vot.region.io`` of votchallenge/toolkit 56f0053.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evalkit.errors import EvalkitError, listed
from evalkit.results import layouts
from evalkit.results.layouts.vot import experiment_folder
from evalkit.results.submission_rules import expected_length, vot_problems
from evalkit.types import Dataset, Floats, Sequence

_IGNORED = "__MACOSX"  # the folder that a Mac adds to archives
_SEPARATORS = {b"\t": "tabs", b" ": "spaces", b";": "semicolons"}


def find_problems(root: Path, dataset: Dataset, protocol: str, *, backslashes: bool = False) -> list[str]:
    """Return the problems of an unpacked archive, one sentence each.

    Args:
        root: Folder with the unpacked files.
        dataset: The benchmark, of a family that has a server.
        protocol: Name of the protocol of the results.
        backslashes: True if the archive separates folders by backslashes, which are slashes in ``root``.
    """
    if dataset.family == "trackingnet":
        return list(_problems_on_trackingnet(root, dataset))
    if backslashes:
        return ["the archive separates folders by backslashes, as programs on Windows may; the server finds no folders"]
    parts = () if dataset.family == "got10k" else experiment_folder(Path(), protocol).parts
    folder = _results_folder(root, dataset, parts)
    if folder is None:
        return [_nothing_found(root, dataset, parts)]
    find = _problems_on_got10k if dataset.family == "got10k" else _problems_on_vot
    return [problem for sequence in dataset.sequences for problem in find(folder, root, dataset, sequence, protocol)]


def _results_folder(root: Path, dataset: Dataset, parts: tuple[str, ...]) -> Path | None:
    """Return the folder that contains ``<parts>/<sequence>``: the archive's own, or one folder in it."""
    names = _folder_names(dataset)
    inside = [path for path in sorted(root.iterdir()) if path.is_dir() and path.name != _IGNORED]
    found = [folder for folder in (root, *inside) if any((folder.joinpath(*parts) / name).is_dir() for name in names)]
    return found[0] if found else None


def _folder_names(dataset: Dataset) -> list[str]:
    return list(dict.fromkeys(sequence.video or sequence.name for sequence in dataset.sequences))


def _nothing_found(root: Path, dataset: Dataset, parts: tuple[str, ...]) -> str:
    names = _folder_names(dataset)
    expected = Path(*parts, names[0]).as_posix()
    deeper = sorted(path for path in root.rglob("*") if path.is_dir() and path.name in names)
    if deeper:
        return f"no results where the server looks for {expected} (found {deeper[0].relative_to(root).as_posix()})"
    found = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file()]
    return f"no result of any sequence in a folder such as {expected} (found {listed(found)})"


def _problems_on_trackingnet(root: Path, dataset: Dataset) -> Iterator[str]:
    """Yield the problems of members whose path contains ``<id>.txt``, at any depth: there has to be exactly one."""
    files = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.txt")) if path.is_file()}
    members = {name: path for name, path in files.items() if _IGNORED not in name}
    for sequence in dataset.sequences:
        found = [name for name in members if f"{sequence.name}.txt" in name]
        if not found:
            yield f"{sequence.name}: no result"
        elif len(found) > 1:
            yield f"{sequence.name}: {len(found)} members, the server takes the sequence for empty ({listed(found)})"
        else:
            yield from _problems_of_table(members[found[0]], found[0], sequence)


def _problems_of_table(path: Path, name: str, sequence: Sequence) -> Iterator[str]:
    """Yield the problems of a file that pandas reads; the first row is replaced, and surplus rows are ignored."""
    import pandas as pd

    try:
        table = pd.read_csv(path, sep=",", names=["x", "y", "width", "height"])
        rows = table.astype(float).to_numpy()
    except (ValueError, UnicodeError) as error:  # also those of pandas
        yield _unreadable(path, name, error)
        return
    if not isinstance(table.index, pd.RangeIndex):
        yield f"{name}: wrong number of values in a row (found more than 4, expected 4)"
        return
    expected = expected_length(sequence)
    if expected is not None and len(rows) < expected:
        yield f"{sequence.name}: {len(rows)} rows, expected {expected}"
    yield from _not_finite(rows[:expected], sequence.name)


def _problems_on_got10k(folder: Path, root: Path, dataset: Dataset, sequence: Sequence, protocol: str) -> Iterator[str]:
    """Yield the problems of ``<sequence>/<sequence>_[0-9]*.txt``; each such file is a repetition."""
    name = sequence.name
    files = sorted((folder / name).glob(f"{name}_[0-9]*.txt"))
    if not files:
        yield f"{name}: no result"
        return
    for path in files:
        place = path.relative_to(root).as_posix()
        if not re.fullmatch(rf"{re.escape(name)}_\d+\.txt", path.name):
            yield f"{place}: the server takes this file for a further repetition"
        yield from _problems_of_boxes(path, place, sequence)
    times = folder / name / f"{name}_time.txt"
    seconds = _read_matrix(times) if times.is_file() else np.empty((0, 0))
    if isinstance(seconds, ValueError):
        yield _unreadable(times, times.relative_to(root).as_posix(), seconds)
    elif not (seconds > 0).any():
        yield f"{name}: times are missing, which the server requires (parallel runs have none)"


def _problems_of_boxes(path: Path, place: str, sequence: Sequence) -> Iterator[str]:
    rows = _read_matrix(path)
    if isinstance(rows, ValueError):
        yield _unreadable(path, place, rows)
        return
    if rows.size and rows.shape[1] != 4:
        yield f"{place}: wrong number of values in a row (found {rows.shape[1]}, expected 4)"
        return
    expected = expected_length(sequence)
    if not len(rows) or (expected is not None and len(rows) != expected):
        yield f"{sequence.name}: {len(rows)} rows, expected {expected or 'more'}"
    yield from _not_finite(rows, sequence.name)


def _read_matrix(path: Path) -> Floats | ValueError:
    """Read a file as the toolkit does; blank lines and lines after ``#`` are skipped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file
            rows: Floats = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError as error:
        return error
    return rows


def _problems_on_vot(folder: Path, root: Path, dataset: Dataset, sequence: Sequence, protocol: str) -> Iterator[str]:
    """Yield the problems of ``<experiment>/<sequence>/<sequence>_001.txt`` or ``.bin``; other files are not read."""
    place = experiment_folder(folder, protocol) / (sequence.video or sequence.name)
    if not place.is_dir():  # the layout would also find another spelling of the name
        yield f"{sequence.name}: no result"
        return
    for path in sorted(place.glob(f"{sequence.name}_[0-9]*.txt")):
        separator = _wrong_separator(path)
        if separator:
            yield f"{path.relative_to(root).as_posix()}: separated by {separator}; servers accept commas only"
    try:
        runs = layouts.get(dataset.layout).read(folder, sequence, protocol)
        yield from vot_problems(dataset, sequence.name, runs)
    except EvalkitError as error:
        yield str(error).replace(f"{root}/", "")


def _not_finite(rows: Floats, name: str) -> Iterator[str]:
    wrong = np.flatnonzero(~np.isfinite(rows[1:]).all(axis=1))  # the first row is given, not scored
    if len(wrong):
        yield f"{name}: row {wrong[0] + 2} is not finite"


def _unreadable(path: Path, name: str, error: ValueError) -> str:
    separator = _wrong_separator(path)
    if separator:
        return f"{name}: separated by {separator}; servers accept commas only"
    return f"{name}: cannot be read as rows of four numbers ({str(error).splitlines()[0]})"


def _wrong_separator(path: Path) -> str | None:
    # Spaces next to a comma are accepted by every server.
    lines = (line.strip().replace(b", ", b",").replace(b" ,", b",") for line in path.read_bytes().splitlines())
    found = (name for line in lines for separator, name in _SEPARATORS.items() if separator in line)
    return next(found, None)
