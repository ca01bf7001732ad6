"""Text files of numbers, the form nearly every benchmark and toolkit writes boxes in.

Separators, line ends and encodings in circulation are all read; what cannot be read exactly is an error that names
file, line and value. Clean files, which nearly all are, are parsed without a Python loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit import compiled
from evalkit.errors import EvalkitError

_SEPARATOR = re.compile(r"\s*[,;]\s*|\s+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?nan", re.IGNORECASE)

# Kinds of bytes in a clean file.
_DIGIT, _FIELD, _LINE, _DOT, _MINUS, _LETTER, _OTHER = range(7)
_KIND = np.full(256, _OTHER, np.uint8)
_KIND[np.frombuffer(b"0123456789", np.uint8)] = _DIGIT
_KIND[np.frombuffer(b"+eEnNaA", np.uint8)] = _LETTER
_KIND[np.frombuffer(b",;\t ", np.uint8)] = _FIELD
_KIND[ord("\n")], _KIND[ord(".")], _KIND[ord("-")] = _LINE, _DOT, _MINUS
_TO_LINES = bytes.maketrans(b",;\t ", b"\n\n\n\n")
_TO_SPACES = bytes.maketrans(b",;\t\n", b"    ")

_SECONDS_PER_BYTE = 4e-9  # what parsing costs without machine code

_LONGEST = 18  # digits that surely fit a 64-bit integer
_EXACT = 15  # digits of integers that are exact as floats; powers of ten are up to 22
_POWERS = np.array([10.0**exponent for exponent in range(_LONGEST + 1)])
_EXTENDED = np.finfo(np.longdouble).nmant >= 63  # false where long doubles are doubles, as on Windows


def read_rows(path: Path, *, columns: int = 4) -> NDArray[np.float64]:
    """The numbers of a text file, one row a line.

    Separators are any of comma, semicolon, tab and space; LF or CRLF; with or without UTF-8 byte order mark;
    blank lines at the end are ignored. ``nan`` in any case is NaN.

    Returns:
        Shape (N, columns); (0, columns) for an empty file.

    Raises:
        EvalkitError: The file cannot be read, or a line does not hold ``columns`` finite numbers or NaN.
    """
    return parse_rows(read_bytes(path), columns=columns, where=path)


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        EvalkitError: It is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise EvalkitError("this file is missing", where=path) from None
    except OSError as error:
        raise EvalkitError(f"this file cannot be read: {error.strerror}", where=path) from None


def parse_rows(data: bytes, *, columns: int = 4, where: object = None) -> NDArray[np.float64]:
    """As ``read_rows``, of the content of a file."""
    clean = _parse_clean(data, columns)
    if clean is not None:
        return clean
    rows = [_parse_line(line, columns, f"{where}:{number}") for number, line in enumerate(text_lines(data, where), 1)]
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def read_values(path: Path) -> NDArray[np.float64]:
    """The numbers of a text file that holds one a line, or all in one line, as flags come in both.

    Returns:
        Shape (N,).

    Raises:
        EvalkitError: As ``read_rows``.
    """
    return parse_values(read_bytes(path), where=path)


def parse_values(data: bytes, *, where: object = None) -> NDArray[np.float64]:
    """As ``read_values``, of the content of a file."""
    line, _, more = data.strip().partition(b"\n")
    if more:
        return parse_rows(data, columns=1, where=where)[:, 0]
    column = _parse_clean(line.translate(_TO_LINES), 1)
    if column is not None:
        return column[:, 0]
    fields = [field for text in text_lines(data, where) for field in split(text)]
    return np.array([number(field, where) for field in fields], dtype=np.float64)


def text_lines(data: bytes, where: object = None) -> list[str]:
    """The lines of a text file, stripped, without the blank ones at its end.

    Raises:
        EvalkitError: It is not UTF-8 text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EvalkitError("this is not a UTF-8 text file", where=where) from None
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def split(line: str) -> list[str]:
    """The fields of one line; a separator at its end is allowed, an empty field stays empty.

    >>> split("1, 2;3\\t4,")
    ['1', '2', '3', '4']
    """
    fields = _SEPARATOR.split(line.strip())
    if fields and not fields[-1]:
        fields.pop()
    return fields


def number(field: str, where: object = None) -> float:
    """The value of a decimal number or ``nan``.

    Raises:
        EvalkitError: It is neither, or too large for a float.
    """
    if not _NUMBER.fullmatch(field):
        raise EvalkitError("this is not a number", where=where, found=repr(field))
    value = float(field)
    if value in (float("inf"), float("-inf")):
        raise EvalkitError("this number is too large", where=where, found=field)
    return value


def format_rows(rows: ArrayLike, *, separator: str = ",") -> str:
    """One line a row, each number by the shortest digits that read back as the same float; ``nan`` for NaN.

    >>> format_rows([[1.0, 2.5], [float("nan"), 1 / 3]])
    '1,2.5\\nnan,0.3333333333333333\\n'
    """
    table = np.asarray(rows, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, None]
    return format_lines(separator.join(map(format_number, row)) for row in table.tolist())


def format_lines(lines: Iterable[object]) -> str:
    """The lines of a text file, one an item, as ``str`` gives it."""
    return "".join(f"{line}\n" for line in lines)


def format_number(value: float) -> str:
    """The shortest digits that read back as the same float, without a final ``.0``."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def _parse_line(line: str, columns: int, where: str) -> list[float]:
    fields = split(line)
    if not line:
        raise EvalkitError("an empty line stands between rows", where=where)
    if len(fields) != columns:
        raise EvalkitError("wrong number of values in a row", where=where, found=len(fields), expected=columns)
    return [number(field, where) for field in fields]


def _parse_clean(data: bytes, columns: int) -> NDArray[np.float64] | None:
    """Rows with exactly one separator between numbers; None for anything else, damaged or merely unusual."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    data = data.rstrip() + b"\n"
    if compiled.worthwhile(len(data) * _SECONDS_PER_BYTE):
        found = np.empty(len(data) // 2 + 1)
        count = compiled.kernel("parse_decimals")(np.frombuffer(data, np.uint8), columns, found)
        if count >= 0:
            return found[:count].reshape(-1, columns).copy()
    kinds = _KIND[np.frombuffer(data, np.uint8)]
    ends = np.flatnonzero((kinds == _FIELD) | (kinds == _LINE))
    if ends.size % columns or (kinds == _OTHER).any():
        return None
    grid = kinds[ends].reshape(-1, columns)
    if (grid[:, -1] != _LINE).any() or (grid[:, :-1] != _FIELD).any():
        return None
    starts = np.concatenate(([0], ends[:-1] + 1))
    if (ends <= starts).any():
        return None
    values = _decimals(data, kinds, starts, ends)
    if values is None:
        values = _floats(data)
    return None if values is None else values.reshape(-1, columns)


def _decimals(
    data: bytes, kinds: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.float64] | None:
    """Plain decimals, read as integers without their points and divided by powers of ten; None for other numbers."""
    negative = kinds[starts] == _MINUS
    dots = np.flatnonzero(kinds == _DOT)
    dotted = np.searchsorted(ends, dots)
    digits = ends - starts - negative
    digits[dotted] -= 1
    most = digits.max()
    if (
        (kinds == _LETTER).any()
        or (np.diff(dotted) == 0).any()
        or digits.min() < 1
        or most > _LONGEST
        or negative.sum() != (kinds == _MINUS).sum()
    ):
        return None
    integers = np.fromstring(data.translate(_TO_SPACES, b"."), dtype=np.int64, sep=" ")
    decimals = np.zeros(len(ends), dtype=np.intp)
    decimals[dotted] = ends[dotted] - dots - 1
    if most <= _EXACT:
        # Both are exact, so that the quotient is the float nearest to the decimal, as from any correct parser.
        quotients: NDArray[np.float64] = integers / _POWERS[decimals]
        return quotients
    return _long_decimals(data, integers, decimals, starts, ends) if _EXTENDED else None


def _long_decimals(
    data: bytes,
    integers: NDArray[np.int64],
    decimals: NDArray[np.intp],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Decimals of up to 18 digits, divided with at least 64 bits and then rounded to a float's 53.

    Two roundings give another float than one only where the first lands on the middle between two floats; those few
    are read again, one by one.
    """
    wide = integers.astype(np.longdouble) / _POWERS.astype(np.longdouble)[decimals]
    values = wide.astype(np.float64)
    parts = np.abs(wide - values) / np.spacing(np.abs(values)).astype(np.longdouble)
    for index in np.flatnonzero((parts == 0.5) | (parts == 0.25)):
        values[index] = float(data[starts[index] : ends[index]])
    return values


def _floats(data: bytes) -> NDArray[np.float64] | None:
    try:
        values = np.array(list(map(float, data.translate(_TO_SPACES).split())))
    except ValueError:
        return None
    return None if np.isinf(values).any() else values
