"""What every layout offers, and what all of them need: naming files and putting trajectories together."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DamagedResults, EvalkitError
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_lines, format_number, format_rows, parse_values, read_bytes
from evalkit.names import canonical
from evalkit.types import Boxes, FrameState, Sequence, Trajectory

_SETTLED_NS = 2 * 10**9


class Layout(Protocol):
    """One way of laying out a tracker's results on a benchmark."""

    name: str

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        """Store a trajectory.

        Raises:
            EvalkitError: The folder cannot be written to, or the layout has no form for such a trajectory.
        """

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        """All repetitions, or all anchors, of a sequence; empty when there are none.

        Raises:
            EvalkitError: A file is there and cannot be understood.
        """

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        """Whether everything of this repetition is there."""


def find_file(folder: Path, name: str, suffix: str, *, exact_name: bool = False) -> Path | None:
    """Return ``<folder>/<name><suffix>``, or the only file there whose name is another spelling of it.

    Args:
        exact_name: Do not look for other spellings, which belong to another sequence of the benchmark.

    Raises:
        EvalkitError: Several files match.
    """
    exact = folder / f"{name}{suffix}"
    if exact.is_file():
        return exact
    if exact_name:
        return None
    key = canonical(name)
    names = matching(names_in(folder), suffix=suffix)
    near = sorted(other for other in names if canonical(other.removesuffix(suffix)) == key)
    if len(near) > 1:
        raise DamagedResults(f"several files could be the result of {name}", where=folder, found=", ".join(near))
    return folder / near[0] if near else None


def find_result(folder: Path, sequence: Sequence, suffix: str) -> Path | None:
    """Return the file of a sequence by its name, or by one of the other names that toolkits use; None if there is none.

    Raises:
        EvalkitError: Several files match.
    """
    for name in (sequence.name, *sequence.other_names):
        found = find_file(folder, name, suffix, exact_name=sequence.exact_name)
        if found is not None:
            return found
    return None


def names_in(folder: Path) -> tuple[str, ...]:
    """Names of what a folder holds, none where there is no folder.

    This is asked once per sequence of folders with a file per sequence, so a listing is kept until the folder changes;
    while it has changed so lately that its time might not tell, it is listed again.
    """
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return ()
    settled = time.time_ns() - changed > _SETTLED_NS
    return (_listing if settled else _listing.__wrapped__)(str(folder), changed)


@lru_cache(maxsize=64)
def matching(names: tuple[str, ...], *, prefix: str = "", suffix: str = "") -> tuple[str, ...]:
    """Names that begin and end so."""
    return tuple(name for name in names if name.startswith(prefix) and name.endswith(suffix))


@lru_cache(maxsize=16)
def _listing(folder: str, changed: int) -> tuple[str, ...]:
    return tuple(os.listdir(folder)) if os.path.isdir(folder) else ()  # noqa: PTH112, PTH208


def one_pass_trajectory(
    folder: Path,
    sequence: Sequence,
    protocol: str,
    boxes: Boxes,
    *,
    seconds: NDArray[np.float64] | None = None,
    confidence: NDArray[np.float64] | None = None,
    repetition: int = 1,
) -> Trajectory:
    """A trajectory that was started at its first row and never again."""
    count = len(boxes)
    states = np.full(count, FrameState.TRACKED, dtype=np.int8)
    states[:1] = FrameState.INITIALIZED
    unknown = np.full(count, np.nan)
    return Trajectory(
        tracker=folder.name,
        sequence=sequence.name,
        protocol=protocol,
        boxes=boxes,
        regions=None,
        confidence=unknown if confidence is None else confidence,
        seconds=unknown if seconds is None else seconds,
        states=states,
        repetition=repetition,
    )


def expected_rows(sequence: Sequence, trajectory: Trajectory) -> int:
    """Rows a complete trajectory has; an anchor outside the sequence gives one that none has."""
    anchors, anchor = sequence.annotation.anchors, trajectory.anchor
    if anchor is None or anchors is None:
        return len(sequence)
    if anchor >= len(anchors):
        return -1
    return len(sequence) - anchor if anchors[anchor] > 0 else anchor + 1


def without_omitted(sequence: Sequence, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of the evaluated frames, where a file also holds the ones before them.

    A file as long as the whole video is aligned to its evaluated part; one of any other length is left alone.
    """
    omitted = sequence.omitted_rows
    return rows[omitted:] if omitted and len(rows) == len(sequence) + omitted else rows


def read_column(path: Path, rows: int) -> NDArray[np.float64]:
    """One number per row of the result; an empty line, as VOT's value files have, is NaN.

    Raises:
        EvalkitError: The file does not hold ``rows`` numbers.
    """
    data = read_bytes(path).replace(b"\r\n", b"\n")
    if data[:1] == b"\n" or b"\n\n" in data:
        data = b"\n".join(line.strip() or b"nan" for line in data.removesuffix(b"\n").split(b"\n"))
    values = parse_values(data, where=path)
    if rows == 0 and len(values):
        raise EvalkitError(
            "the result that this file belongs to is empty", where=path, found=f"{len(values)} values, no box",
            hint="Remove both and run the sequence again",
        )  # fmt: skip
    if len(values) != rows:
        raise EvalkitError(
            "values and rows of the result do not match", where=path, found=len(values), expected=rows,
            hint="Without this file the result can be read, but without what it tells",
        )  # fmt: skip
    return values


def write_column(path: Path, values: NDArray[np.float64]) -> None:
    """One number a line; nothing is written, and an old file removed, where none is known."""
    if np.isnan(values).all():
        path.unlink(missing_ok=True)
    else:
        write_text(path, format_rows(values))


def write_values(path: Path, values: NDArray[np.float64]) -> None:
    """A ``.value`` file of VOT's toolkit: one number a line, empty where unknown; no file where none is known."""
    if np.isnan(values).all():
        path.unlink(missing_ok=True)
    else:
        write_text(path, format_lines("" if value != value else format_number(value) for value in values.tolist()))
