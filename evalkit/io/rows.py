"""Read and write text files of numbers, in which nearly every benchmark and toolkit stores boxes.

All separators, line ends and encodings that toolkits use are read; anything that cannot be read exactly is an error
with file, line and value. Regular files, which nearly all are, are parsed without a Python loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit import compiled
from evalkit.errors import EvalkitError
from evalkit.types import Floats

_BLANK = " \t\n\r\f\v"
_SEPARATOR = re.compile(r"\s*[,;]\s*|\s+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?nan", re.IGNORECASE | re.ASCII)
"""Python's ``float`` also accepts the digits of other scripts, which no other program that reads these files does."""

# Kinds of bytes in a regular file.
_DIGIT, _FIELD, _LINE, _DOT, _MINUS, _LETTER, _OTHER = range(7)
_KIND = np.full(256, _OTHER, np.uint8)
_KIND[np.frombuffer(b"0123456789", np.uint8)] = _DIGIT
_KIND[np.frombuffer(b"+eEnNaA", np.uint8)] = _LETTER
_KIND[np.frombuffer(b",;\t ", np.uint8)] = _FIELD
_KIND[ord("\n")], _KIND[ord(".")], _KIND[ord("-")] = _LINE, _DOT, _MINUS
_TO_LINES = bytes.maketrans(b",;\t ", b"\n\n\n\n")
_TO_SPACES = bytes.maketrans(b",;\t\n", b"    ")

_SECONDS_PER_BYTE = 7e-9  # of parsing without machine code

_MAX_DIGITS = 18  # of integers of 64 bits
_MAX_EXACT_DIGITS = 15  # of integers that are exact as floats; powers of ten are up to 22
_POWERS = np.array([10.0**exponent for exponent in range(_MAX_DIGITS + 1)])
_HAS_LONG_DOUBLES = np.finfo(np.longdouble).nmant >= 63  # on Windows, long doubles are doubles


def read_rows(path: Path, *, columns: int = 4) -> Floats:
    """Read a text file of numbers, one row a line.

    Numbers have ASCII digits and are separated by comma, semicolon, tab or space. Lines end in LF or CRLF; blank lines
    at the end and a UTF-8 byte order mark are ignored. ``nan`` in any case is NaN.

    Args:
        columns: Number of values in each row.

    Returns:
        Shape (N, columns); (0, columns) for an empty file.

    Raises:
        EvalkitError: The file cannot be read, or a line does not hold ``columns`` finite numbers or NaN.
    """
    return parse_rows(read_bytes(path), columns=columns, where=path)


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises:
        EvalkitError: The file does not exist or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise EvalkitError("this file does not exist", where=path) from None
    except OSError as error:
        raise EvalkitError(f"this file cannot be read: {error.strerror}", where=path) from None


def parse_rows(data: bytes, *, columns: int = 4, where: object = None) -> Floats:
    """Parse the content of a file as ``read_rows`` does.

    Args:
        where: File name for error messages.
    """
    regular = _parse_regular(data, columns)
    if regular is not None:
        return regular
    rows = [_parse_line(line, columns, f"{where}:{number}") for number, line in enumerate(text_lines(data, where), 1)]
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def read_values(path: Path) -> Floats:
    """Read a text file that holds one number a line, or all in one line, as files of flags do.

    Returns:
        Shape (N,).

    Raises:
        EvalkitError: As ``read_rows``.
    """
    return parse_values(read_bytes(path), where=path)


def parse_values(data: bytes, *, where: object = None) -> Floats:
    """Parse the content of a file as ``read_values`` does.

    Args:
        where: File name for error messages.
    """
    line, _, more = data.strip().partition(b"\n")
    if more:
        return parse_rows(data, columns=1, where=where)[:, 0]
    column = _parse_regular(line.translate(_TO_LINES), 1)
    if column is not None:
        return column[:, 0]
    fields = [field for text in text_lines(data, where) for field in split(text)]
    return np.array([number(field, where) for field in fields], dtype=np.float64)


def text_lines(data: bytes, where: object = None) -> list[str]:
    """Return the lines of a text file, stripped, without the blank ones at its end.

    Raises:
        EvalkitError: The content is not UTF-8 text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EvalkitError("not a UTF-8 text file", where=where) from None
    lines = [line.strip(_BLANK) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def split(line: str) -> list[str]:
    """Return the fields of one line; a separator at its end is allowed, an empty field stays empty.

    >>> split("1, 2;3\\t4,")
    ['1', '2', '3', '4']
    """
    fields = _SEPARATOR.split(line.strip(_BLANK))
    if fields and not fields[-1]:
        fields.pop()
    return fields


def number(field: str, where: object = None) -> float:
    """Return the value of a decimal number or of ``nan``.

    Raises:
        EvalkitError: The field is neither, or too large for a float.
    """
    if not _NUMBER.fullmatch(field):
        expected = None if field.isascii() else "ASCII digits"
        raise EvalkitError("not a number", where=where, found=repr(field), expected=expected)
    value = float(field)
    if value in (float("inf"), float("-inf")):
        raise EvalkitError("number too large", where=where, found=field)
    return value


def format_rows(rows: ArrayLike, *, separator: str = ",") -> str:
    """Return rows as text, one line each; every number has the shortest digits that are read back as the same float.

    Args:
        rows: Shape (N, K), or (N,) for one column; NaN becomes ``nan``.

    >>> format_rows([[1.0, 2.5], [float("nan"), 1 / 3]])
    '1,2.5\\nnan,0.3333333333333333\\n'
    """
    table = np.asarray(rows, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, None]
    return format_lines(separator.join(map(format_number, row)) for row in table.tolist())


def format_lines(lines: Iterable[object]) -> str:
    """Return the text of a file that has one line for each item."""
    return "".join(f"{line}\n" for line in lines)


def format_number(value: float) -> str:
    """Return the shortest digits that are read back as the same float, without a final ``.0``."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def _parse_line(line: str, columns: int, where: str) -> list[float]:
    fields = split(line)
    if not line:
        raise EvalkitError("empty line between rows", where=where)
    if len(fields) != columns:
        raise EvalkitError("wrong number of values in a row", where=where, found=len(fields), expected=columns)
    return [number(field, where) for field in fields]


def _parse_regular(data: bytes, columns: int) -> Floats | None:
    """Parse rows with exactly one separator between numbers; None for any other text, also for invalid one."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    data = data.rstrip() + b"\n"
    if compiled.worthwhile(len(data) * _SECONDS_PER_BYTE):
        values = _parse_compiled(data, columns)
        if values is not None:
            return values
    kinds = _KIND[np.frombuffer(data, np.uint8)]
    fields = _fields(kinds, columns)
    if fields is None:
        return None
    values = _decimals(data, kinds, *fields)
    if values is None:
        values = _floats(data)
    return None if values is None else values.reshape(-1, columns)


def _parse_compiled(data: bytes, columns: int) -> Floats | None:
    """Parse rows of plain decimals by machine code; None for any other text."""
    found = np.empty(len(data) // 2 + 1)
    count = compiled.kernel("parse_decimals")(np.frombuffer(data, np.uint8), columns, found)
    return found[:count].reshape(-1, columns).copy() if count >= 0 else None


def _fields(kinds: NDArray[np.uint8], columns: int) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Return start and end of each field; None where the text is not rows of ``columns`` fields."""
    ends = np.flatnonzero((kinds == _FIELD) | (kinds == _LINE))
    if ends.size % columns or (kinds == _OTHER).any():
        return None
    grid = kinds[ends].reshape(-1, columns)
    starts = np.concatenate(([0], ends[:-1] + 1))
    regular = (grid[:, -1] == _LINE).all() and (grid[:, :-1] == _FIELD).all() and (starts < ends).all()
    return (starts, ends) if regular else None


def _decimals(data: bytes, kinds: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> Floats | None:
    """Parse plain decimals as integers without their points, divided by powers of ten; None for other numbers."""
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
        or most > _MAX_DIGITS
        or negative.sum() != (kinds == _MINUS).sum()
    ):
        return None
    integers = np.fromstring(data.translate(_TO_SPACES, b"."), dtype=np.int64, sep=" ")
    decimals = np.zeros(len(ends), dtype=np.intp)
    decimals[dotted] = ends[dotted] - dots - 1
    if most <= _MAX_EXACT_DIGITS:
        # Both are exact, so that the quotient is the float nearest to the decimal, as a correct parser returns it.
        quotients: Floats = integers / _POWERS[decimals]
        return quotients
    return _long_decimals(data, integers, decimals, starts, ends) if _HAS_LONG_DOUBLES else None


def _long_decimals(
    data: bytes,
    integers: NDArray[np.int64],
    decimals: NDArray[np.intp],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
) -> Floats:
    """Parse decimals of up to 18 digits: divide with at least 64 bits, then round to the 53 bits of a float.

    Rounding twice gives another float than rounding once only where the first result is midway between two floats.
    These few are parsed again, one by one.
    """
    wide = integers.astype(np.longdouble) / _POWERS.astype(np.longdouble)[decimals]
    values = wide.astype(np.float64)
    parts = np.abs(wide - values) / np.spacing(np.abs(values)).astype(np.longdouble)
    for index in np.flatnonzero((parts == 0.5) | (parts == 0.25)):
        values[index] = float(data[starts[index] : ends[index]])
    return values


def _floats(data: bytes) -> Floats | None:
    try:
        values = np.array(list(map(float, data.translate(_TO_SPACES).split())))
    except ValueError:
        return None
    return None if np.isinf(values).any() else values
