"""Where two runs part: result files side by side, row by row. Needs neither the benchmark nor torch."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.geometry import overlap
from evalkit.io.rows import number, read_bytes, split, text_lines
from evalkit.results import run_record

_BESIDE = re.compile(r"_time\.txt$|_confidence\.txt$|_longterm\.txt$")
_BESIDE_FOLDERS = {"times", "confidence", "failures"}


@dataclass(frozen=True)
class SequencePair:
    """One result file of both runs.

    Attributes:
        frames: Rows of the shorter one.
        first: First row that differs, counted from 1; None where all are equal.
        differing: Number of rows that differ.
        first_pixels, most_pixels: Largest difference of a coordinate there, and in any row; None where rows are of
            different kinds (a failure against a region).
        most_frame: The row with the largest one.
        least_overlap: Smallest overlap of the two boxes in any row; None where rows are not boxes.
        note: What else is wrong: another number of rows.
    """

    sequence: str
    frames: int
    first: int | None = None
    differing: int = 0
    first_pixels: float | None = None
    most_pixels: float | None = None
    most_frame: int | None = None
    least_overlap: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Divergence:
    """Two runs side by side.

    Attributes:
        sequences: One entry per result file that both have.
        only_a, only_b: Result files that one run has.
        differences: Identity and environment, one "key: a → b" each.
    """

    a: Path
    b: Path
    sequences: tuple[SequencePair, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.only_a or self.only_b or any(one.first or one.note for one in self.sequences))

    def records(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self.sequences]


def diff(a: Path, b: Path, *, tolerance: float = 0.0) -> Divergence:
    """Compare two result folders, ``<results>/<BENCHMARK>/<tracker>``, of any layout with text rows.

    Args:
        tolerance: Coordinates that differ by no more are equal, in pixels.

    Raises:
        EvalkitError: A folder is missing or holds no results, or the two have no sequence in common.
    """
    files_a, files_b = _files(a), _files(b)
    common = [name for name in files_a if name in files_b]
    if not common:
        raise EvalkitError(
            "the two runs have no sequence in common", where=f"{a} and {b}",
            found=f"{', '.join(list(files_a)[:3])} and {', '.join(list(files_b)[:3])}",
            hint="Both are folders of one tracker on the same benchmark, <results>/<BENCHMARK>/<tracker>",
        )  # fmt: skip
    return Divergence(
        a, b, tuple(_pair(name, files_a[name], files_b[name], tolerance) for name in common),
        tuple(name for name in files_a if name not in files_b),
        tuple(name for name in files_b if name not in files_a), tuple(_manifests(a, b)),
    )  # fmt: skip


def _files(folder: Path) -> dict[str, Path]:
    """Result files by their path inside the run, without suffix."""
    if not folder.is_dir():
        raise EvalkitError(
            "there is no such folder of results", where=folder, expected="<results>/<BENCHMARK>/<tracker>"
        )
    found = {
        str(path.relative_to(folder).with_suffix("")): path
        for path in sorted(folder.rglob("*.txt"))
        if not _BESIDE.search(path.name) and not _BESIDE_FOLDERS & set(path.relative_to(folder).parts[:-1])
    }
    if not found:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
        raise EvalkitError(
            "this folder holds no result files", where=folder, expected="<results>/<BENCHMARK>/<tracker>",
            found=", ".join(inside[:5]) or None,
        )  # fmt: skip
    return found


def _pair(name: str, a: Path, b: Path, tolerance: float) -> SequencePair:
    sequence = _sequence(name)
    data_a, data_b = read_bytes(a), read_bytes(b)
    lines_a, lines_b = text_lines(data_a, a), text_lines(data_b, b)
    count = min(len(lines_a), len(lines_b))
    note = None if len(lines_a) == len(lines_b) else f"{len(lines_a)} rows against {len(lines_b)}"
    if data_a == data_b:
        return SequencePair(sequence, count, note=note)
    changes = [_pixels(x, y, a, b) for x, y in zip(lines_a, lines_b, strict=False)]
    beyond = [index for index, change in enumerate(changes) if change > tolerance]
    if not beyond:
        return SequencePair(sequence, count, note=note)
    most = max(beyond, key=lambda index: changes[index])
    overlaps = [_overlap(lines_a[index], lines_b[index], a, b) for index in beyond]
    known = [one for one in overlaps if one is not None]
    return SequencePair(
        sequence, count, first=beyond[0] + 1, differing=len(beyond), first_pixels=_or_none(changes[beyond[0]]),
        most_pixels=_or_none(changes[most]), most_frame=most + 1, least_overlap=min(known, default=None), note=note,
    )  # fmt: skip


def _sequence(name: str) -> str:
    """A readable name: GOT-10k's and VOT's files repeat their folder's name."""
    path = Path(name)
    return path.name if path.name.startswith(path.parent.name + "_") else name


def _values(line: str, where: Path) -> NDArray[np.float64] | None:
    if line.startswith("m"):  # a mask, as runs of pixels
        return None
    return np.array([number(field, where) for field in split(line)])


def _pixels(x: str, y: str, a: Path, b: Path) -> float:
    """Largest difference of a value; infinite for rows of different kinds."""
    if x == y:
        return 0.0
    before, after = _values(x, a), _values(y, b)
    if before is None or after is None or before.shape != after.shape:
        return float("inf")
    unknown = np.isnan(before), np.isnan(after)
    if (unknown[0] != unknown[1]).any():
        return float("inf")
    return float(np.nanmax(np.abs(before - after), initial=0.0)) if not unknown[0].all() else 0.0


def _overlap(x: str, y: str, a: Path, b: Path) -> float | None:
    before, after = _values(x, a), _values(y, b)
    if before is None or after is None or before.shape != (4,) or after.shape != (4,):
        return None
    value = float(overlap(before, after))
    return None if math.isnan(value) else value


def _manifests(a: Path, b: Path) -> Sequence[str]:
    loaded = [run_record.load(folder) for folder in (a, b)]
    if loaded[0] is None or loaded[1] is None:
        without = [str(folder) for folder, one in zip((a, b), loaded, strict=True) if one is None]
        return [f"nothing is known of how {' and '.join(without)} came about: no run.json"]
    first, second = (_facts(one) for one in loaded if one is not None)
    changed = run_record.differences(first, second)
    return [f"{key}: {_short(before)} → {_short(after)}" for key, before, after in changed]


def _facts(content: dict[str, Any]) -> dict[str, Any]:
    environments = [run_record.flat(one) for one in content["environments"]]
    keys = dict.fromkeys(key for one in environments for key in one)
    joined = {key: " + ".join(dict.fromkeys(str(one.get(key)) for one in environments)) for key in keys}
    return {**run_record.flat(content["identity"]), **joined}


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
