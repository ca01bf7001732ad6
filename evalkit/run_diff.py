"""Compare two runs frame by frame: where they begin to differ, by how much, and how their settings differ.

Reads result files row by row; needs neither the benchmark nor torch.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.errors import EvalkitError, listed
from evalkit.geometry import overlap
from evalkit.io.rows import number, read_bytes, split, text_lines
from evalkit.io.text_table import aligned_lines
from evalkit.results import run_record
from evalkit.types import Floats, finite_or_none

_OTHER_FILES = re.compile(r"_time\.txt$|_confidence\.txt$|_longterm\.txt$")
_OTHER_FOLDERS = {"times", "confidence", "failures"}
_LONGEST_VALUE = 60
"""Characters of a setting's value that are shown."""
_HEADS = ("sequence", "frames", "first", "differing", "first px", "max px", "max at", "min overlap")


@dataclass(frozen=True)
class SequenceDifference:
    """One result file in both runs.

    Attributes:
        frames: Number of rows of the shorter file.
        first: First row that differs, counted from 1; None if all are equal.
        differing: Number of rows that differ.
        first_pixels, most_pixels: Largest difference of a coordinate in the first row that differs, and in any row;
            None where the rows are of different kinds (a failure and a region).
        most_frame: The row with the largest difference.
        least_overlap: Smallest overlap of the two boxes in any row; None where the rows are not boxes.
        note: Another difference: the numbers of rows.
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
class RunDiff:
    """The differences of two runs.

    Attributes:
        a, b: The folders.
        sequences: One entry per result file that both runs have.
        only_a, only_b: Result files that only one run has.
        differences: Differences of identity and environment, one "key: a → b" each.
    """

    a: Path
    b: Path
    sequences: tuple[SequenceDifference, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both runs have the same result files with equal rows."""
        return not (self.only_a or self.only_b or self.differing())

    def differing(self) -> list[SequenceDifference]:
        """Return the result files in which the runs differ."""
        return [one for one in self.sequences if one.first or one.note]

    def records(self) -> list[dict[str, Any]]:
        """Return one flat JSON record per result file, and one per other difference."""
        runs = {"run_a": str(self.a), "run_b": str(self.b)}
        missing = [
            {**runs, "sequence": name, "note": f"only in {folder}"}
            for folder, names in ((self.a, self.only_a), (self.b, self.only_b))
            for name in names
        ]
        rows = [{**runs, **asdict(one)} for one in self.sequences]
        return [*rows, *missing, *({**runs, "difference": one} for one in self.differences)]


def diff(a: Path, b: Path, *, tolerance: float = 0.0) -> RunDiff:
    """Compare two folders of results, ``<results>/<BENCHMARK>/<tracker>``, in any layout with rows of text.

    Args:
        tolerance: Pixels by which coordinates may differ and still count as equal.

    Raises:
        EvalkitError: A folder is missing or holds no results, or the two have no sequence in common.
    """
    files_a, files_b = _result_files(a), _result_files(b)
    common = [name for name in files_a if name in files_b]
    if not common:
        raise EvalkitError(
            "the two runs have no sequence in common", where=f"{a} and {b}",
            found=f"{listed(list(files_a), 3)} and {listed(list(files_b), 3)}",
            hint="Give two folders of results on the same benchmark, <results>/<BENCHMARK>/<tracker>",
        )  # fmt: skip
    return RunDiff(
        a,
        b,
        sequences=tuple(_compare_files(name, files_a[name], files_b[name], tolerance) for name in common),
        only_a=tuple(name for name in files_a if name not in files_b),
        only_b=tuple(name for name in files_b if name not in files_a),
        differences=tuple(_setting_differences(a, b)),
    )


def render_diff(found: RunDiff, form: str) -> str:
    """Return the differences of two runs as text.

    Args:
        form: ``table`` or ``json``.
    """
    if form == "json":
        content = {"version": 1, "records": found.records()}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    differing = found.differing()
    rows = [_HEADS, *map(_row, differing)]
    notes = [f"{one.sequence}: {one.note}" for one in differing if one.note]
    notes += [
        f"only in {folder}: {', '.join(names)}"
        for folder, names in ((found.a, found.only_a), (found.b, found.only_b))
        if names
    ]
    blocks = [
        f"{found.a} compared with {found.b}: {len(differing)} of {len(found.sequences)} sequences differ",
        "\n".join(aligned_lines(rows, right=range(1, len(_HEADS)))) if differing else "",
        "\n".join(notes),
        "\n".join(["Other differences:", *(f"  {line}" for line in found.differences)]) if found.differences else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def _row(one: SequenceDifference) -> tuple[str, ...]:
    def shown(value: float | None, digits: str) -> str:
        return "-" if value is None else format(value, digits)

    return (
        one.sequence, str(one.frames), shown(one.first, "d"), str(one.differing), shown(one.first_pixels, ".3g"),
        shown(one.most_pixels, ".3g"), shown(one.most_frame, "d"), shown(one.least_overlap, ".3f"),
    )  # fmt: skip


def _result_files(folder: Path) -> dict[str, Path]:
    """Return the result files by their path inside the run, without suffix."""
    if not folder.is_dir():
        raise EvalkitError("no such folder of results", where=folder, expected="<results>/<BENCHMARK>/<tracker>")
    found = {
        str(path.relative_to(folder).with_suffix("")): path
        for path in sorted(folder.rglob("*.txt"))
        if not _OTHER_FILES.search(path.name) and not _OTHER_FOLDERS & set(path.relative_to(folder).parts[:-1])
    }
    if not found:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
        raise EvalkitError(
            "this folder holds no result files", where=folder, expected="<results>/<BENCHMARK>/<tracker>",
            found=listed(inside, 5) if inside else None,
        )  # fmt: skip
    return found


def _compare_files(name: str, a: Path, b: Path, tolerance: float) -> SequenceDifference:
    sequence = _sequence_name(name)
    data_a, data_b = read_bytes(a), read_bytes(b)
    lines_a, lines_b = text_lines(data_a, a), text_lines(data_b, b)
    count = min(len(lines_a), len(lines_b))
    note = None if len(lines_a) == len(lines_b) else f"{len(lines_a)} rows and {len(lines_b)} rows"
    if data_a == data_b:
        return SequenceDifference(sequence, count, note=note)
    changes = [_largest_difference(x, y, a, b) for x, y in zip(lines_a, lines_b, strict=False)]
    beyond = [index for index, change in enumerate(changes) if change > tolerance]
    if not beyond:
        return SequenceDifference(sequence, count, note=note)
    most = max(beyond, key=lambda index: changes[index])
    overlaps = [_overlap_of_rows(lines_a[index], lines_b[index], a, b) for index in beyond]
    return SequenceDifference(
        sequence,
        count,
        first=beyond[0] + 1,
        differing=len(beyond),
        first_pixels=finite_or_none(changes[beyond[0]]),
        most_pixels=finite_or_none(changes[most]),
        most_frame=most + 1,
        least_overlap=min((one for one in overlaps if one is not None), default=None),
        note=note,
    )


def _sequence_name(name: str) -> str:
    """Return a readable name: files of GOT-10k and VOT repeat the name of their folder."""
    path = Path(name)
    return path.name if path.name.startswith(path.parent.name + "_") else name


def _values(line: str, where: Path) -> Floats | None:
    if line.startswith("m"):  # a mask, run-length encoded
        return None
    return np.array([number(field, where) for field in split(line)])


def _largest_difference(x: str, y: str, a: Path, b: Path) -> float:
    """Return the largest difference of a value of two rows; infinite for rows of different kinds."""
    if x == y:
        return 0.0
    before, after = _values(x, a), _values(y, b)
    if before is None or after is None or before.shape != after.shape:
        return math.inf
    unknown = np.isnan(before), np.isnan(after)
    if (unknown[0] != unknown[1]).any():
        return math.inf
    return float(np.nanmax(np.abs(before - after), initial=0.0)) if not unknown[0].all() else 0.0


def _overlap_of_rows(x: str, y: str, a: Path, b: Path) -> float | None:
    before, after = _values(x, a), _values(y, b)
    if before is None or after is None or before.shape != (4,) or after.shape != (4,):
        return None
    value = float(overlap(before, after))
    return None if math.isnan(value) else value


def _setting_differences(a: Path, b: Path) -> Sequence[str]:
    records = [run_record.load(folder) for folder in (a, b)]
    without = [str(folder) for folder, one in zip((a, b), records, strict=True) if one is None]
    if without:
        return [f"the settings of {' and '.join(without)} are unknown: no run.json"]
    first, second = (_flat_settings(one) for one in records if one is not None)
    return [
        f"{key}: {_value_text(before)} → {_value_text(after)}"
        for key, before, after in run_record.differences(first, second)
    ]


def _flat_settings(content: dict[str, Any]) -> dict[str, Any]:
    environments = [run_record.flat(one) for one in content["environments"]]
    keys = dict.fromkeys(key for one in environments for key in one)
    joined = {key: " + ".join(dict.fromkeys(str(one.get(key)) for one in environments)) for key in keys}
    return {**run_record.flat(content["identity"]), **joined}


def _value_text(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
