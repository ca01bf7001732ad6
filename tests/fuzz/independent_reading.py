"""An independent, slow and strict reading of result files, to find files that are read as wrong numbers.

Each function returns the file in its plainest spelling, or None for a file that must be refused.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Sequence

_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?[nN][aA][nN]")
_BLANK = " \t\n\r\f\v"

Reading = Callable[[bytes], bytes | None]


def _lines(data: bytes) -> list[str] | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    lines = [line.strip(_BLANK) for line in re.split(r"\r\n|\n|\r", text)]
    while lines and not lines[-1]:
        del lines[-1]
    return lines


def _numbers(line: str) -> list[float] | None:
    fields = re.split(rf"[{_BLANK}]*[,;][{_BLANK}]*|[{_BLANK}]+", line)
    if fields[-1] == "":
        del fields[-1]
    if not all(_DECIMAL.fullmatch(field) for field in fields):
        return None
    values = [float(field) for field in fields]
    return None if any(math.isinf(value) for value in values) else values


def _text(rows: Sequence[Sequence[float]]) -> bytes:
    return "".join(",".join(map(repr, row)) + "\n" for row in rows).encode()


def table(columns: int, rows: int) -> Reading:
    """Return the reading of a text file with a number of rows and columns."""

    def read(data: bytes) -> bytes | None:
        found = [_numbers(line) for line in _lines(data) or []]
        valid = [row for row in found if row is not None and len(row) == columns]
        return _text(valid) if len(valid) == len(found) == rows else None

    return read


def column(rows: int) -> Reading:
    """Return the reading of a file with one number a line, where an empty line is NaN."""

    def read(data: bytes) -> bytes | None:
        lines = [line.strip() for line in re.split(rb"\r\n|\n|\r", data)]
        while len(lines) > rows and not lines[-1]:
            del lines[-1]
        return table(1, rows)(b"\n".join(line or b"nan" for line in lines))

    return read


def vot_text(rows: int, codes: Sequence[int] = (0, 1, 2)) -> Reading:
    """Return the reading of a text file with a box, a polygon or one of the codes a line."""

    def read(data: bytes) -> bytes | None:
        found = [_numbers(line) for line in _lines(data) or []]
        if len(found) != rows:
            return None
        lines = []
        for row in found:
            if row is None or not (len(row) == 1 or (len(row) >= 4 and len(row) % 2 == 0)):
                return None
            if len(row) == 1 and row[0] not in codes:
                return None
            if any(math.isnan(value) for value in row):
                row = [0]
            lines.append(",".join(repr(value) if len(row) > 1 else str(int(value)) for value in row))
        return ("\n".join(lines) + "\n").encode()

    return read


def groundtruth(rows: int) -> Reading:
    """Return the reading of a groundtruth, in which a single row is that of the first frame."""

    def read(data: bytes) -> bytes | None:
        first = vot_text(1, ())(data)
        return vot_text(rows, (0,))(data) if first is None else first + b"0\n" * (rows - 1)

    return read


def otb_json(rows: int) -> Reading:
    """Return the reading of OTB's JSON with one segment of boxes, as far as it decides about numbers."""

    def read(data: bytes) -> bytes | None:
        try:
            content = json.loads(data.decode("utf-8-sig"))
            (segment,) = content if isinstance(content, list) else [content]
            boxes = [[math.nan if value is None else value for value in row] for row in segment["res"]]
        except (ValueError, RecursionError, TypeError, KeyError):
            return None
        plain = all(len(row) == 4 and all(map(_is_plain, row)) for row in boxes)
        if not plain or len(boxes) != rows or segment.get("resType", "rect") != "rect":
            return None
        segment = {"res": [[float(value) for value in row] for row in boxes], "type": "rect"}
        return json.dumps([segment]).replace("NaN", "null").encode()

    return read


def _is_plain(value: object) -> bool:
    return type(value) in (int, float) and (value != value or abs(value) <= sys.float_info.max)
