"""``<seq>/<seq>_001.txt`` with one ``x,y,w,h`` a line, and ``<seq>/<seq>_time.txt`` with one column a repetition.

The form of the GOT-10k toolkit and server. Confidences lie beside the boxes as in VOT: ``<seq>_001_confidence.value``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_rows, read_bytes, read_rows, split, text_lines
from evalkit.results.layouts.base import one_pass_trajectory, read_column, write_values
from evalkit.types import Sequence, Trajectory


class Got10k:
    """See the module."""

    name = "got10k"

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = _place(folder, trajectory.protocol) / trajectory.sequence
        if trajectory.anchor is not None:
            raise EvalkitError("this layout has no place for anchors", where=place, hint="Use the layout `vot`")
        stem = f"{trajectory.sequence}_{trajectory.repetition:03d}"
        write_times(place / f"{trajectory.sequence}_time.txt", trajectory.seconds, trajectory.repetition)
        write_values(place / f"{stem}_confidence.value", trajectory.confidence)
        write_text(place / f"{stem}.txt", format_rows(trajectory.boxes))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        place = _place(folder, protocol) / sequence.name
        return [
            _read(folder, sequence, protocol, place, repetition) for repetition in repetitions(place, sequence.name)
        ]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return (_place(folder, protocol) / sequence.name / f"{sequence.name}_{repetition:03d}.txt").is_file()


def _place(folder: Path, protocol: str) -> Path:
    return folder if protocol == "one_pass" else folder / protocol


def _read(folder: Path, sequence: Sequence, protocol: str, place: Path, repetition: int) -> Trajectory:
    stem = f"{sequence.name}_{repetition:03d}"
    boxes = read_rows(place / f"{stem}.txt")
    confidence = place / f"{stem}_confidence.value"
    return one_pass_trajectory(
        folder,
        sequence,
        protocol,
        boxes,
        seconds=read_times(place / f"{sequence.name}_time.txt", len(boxes), repetition),
        confidence=read_column(confidence, len(boxes)) if confidence.is_file() else None,
        repetition=repetition,
    )


def repetitions(place: Path, name: str, suffix: str = "txt") -> list[int]:
    """Numbers of the repetitions that lie in a sequence's folder, rising."""
    pattern = re.compile(re.escape(name) + r"_(\d{3})\." + suffix)
    matches = (pattern.fullmatch(path.name) for path in place.glob("*")) if place.is_dir() else ()
    return sorted(int(match[1]) for match in matches if match)


def read_times(path: Path, rows: int, repetition: int) -> NDArray[np.float64] | None:
    """The column of a repetition; None where the file or the column is missing.

    Raises:
        EvalkitError: The table is ragged, or its length is not ``rows``.
    """
    if not path.is_file():
        return None
    table = _read_table(path)
    if len(table) != rows:
        raise EvalkitError(
            "times and rows of the result do not match", where=path, found=len(table), expected=rows,
            hint="Without this file the result can be scored, but without its speed",
        )  # fmt: skip
    return table[:, repetition - 1] if repetition <= table.shape[1] else None


def write_times(path: Path, seconds: NDArray[np.float64], repetition: int) -> None:
    """Put one repetition's times into the table, which grows by columns; unknown ones are NaN."""
    table = _read_table(path) if path.is_file() else np.empty((len(seconds), 0))
    if len(table) != len(seconds):
        table = np.empty((len(seconds), 0))
    if np.isnan(seconds).all() and repetition > table.shape[1]:
        return
    missing = max(repetition - table.shape[1], 0)
    table = np.hstack([table, np.full((len(seconds), missing), np.nan)])
    table[:, repetition - 1] = seconds
    write_text(path, format_rows(table))


def _read_table(path: Path) -> NDArray[np.float64]:
    lines = text_lines(read_bytes(path), path)
    return read_rows(path, columns=max(len(split(lines[0])), 1) if lines else 1)


LAYOUT = Got10k()
