"""Files of times and confidences next to the boxes: one number a row, or one column a repetition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DamagedResults
from evalkit.io.atomic import write_text
from evalkit.io.rows import (
    format_lines,
    format_number,
    format_rows,
    parse_values,
    read_bytes,
    read_rows,
    split,
    text_lines,
)


def read_column(path: Path, rows: int) -> NDArray[np.float64]:
    """Read a file with one number per row of the result; an empty line, as in VOT's ``.value`` files, is NaN.

    Returns:
        Shape (rows,).

    Raises:
        EvalkitError: The file does not hold ``rows`` numbers.
    """
    data = read_bytes(path).replace(b"\r\n", b"\n")
    if data[:1] == b"\n" or b"\n\n" in data:
        data = b"\n".join(line.strip() or b"nan" for line in data.removesuffix(b"\n").split(b"\n"))
    values = parse_values(data, where=path)
    if rows == 0 and len(values):
        raise DamagedResults(
            "the result that this file belongs to is empty", where=path, found=f"{len(values)} values, no box",
            hint="Remove both and run the sequence again",
        )  # fmt: skip
    if len(values) != rows:
        raise DamagedResults(
            "the number of values differs from the number of boxes", where=path, found=len(values), expected=rows,
            hint="Without this file the boxes can be read, but its values are then unknown",
        )  # fmt: skip
    return values


def write_column(path: Path, values: NDArray[np.float64]) -> None:
    """Write one number a line. If all are NaN, no file is written and an old one is removed."""
    if np.isnan(values).all():
        path.unlink(missing_ok=True)
    else:
        write_text(path, format_rows(values))


def write_value_file(path: Path, values: NDArray[np.float64]) -> None:
    """Write a ``.value`` file of VOT's toolkit: one number a line, empty for NaN.

    If all are NaN, no file is written and an old one is removed.
    """
    if np.isnan(values).all():
        path.unlink(missing_ok=True)
    else:
        write_text(path, format_lines("" if value != value else format_number(value) for value in values.tolist()))


def read_time_table(path: Path, rows: int, repetition: int) -> NDArray[np.float64] | None:
    """Read one repetition's column of a table of times, as GOT-10k's toolkit writes it.

    Returns:
        Shape (rows,), seconds; None if the file or the column does not exist.

    Raises:
        EvalkitError: The table is ragged, or its length is not ``rows``.
    """
    if not path.is_file():
        return None
    table = _read_table(path)
    if len(table) != rows:
        raise DamagedResults(
            "the number of times differs from the number of boxes", where=path, found=len(table), expected=rows,
            hint="Without this file the boxes can be scored, but no speed is reported",
        )  # fmt: skip
    return table[:, repetition - 1] if repetition <= table.shape[1] else None


def write_time_table(path: Path, seconds: NDArray[np.float64], repetition: int) -> None:
    """Write one repetition's times as a column of a table; columns between are added as needed, NaN where unknown."""
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
