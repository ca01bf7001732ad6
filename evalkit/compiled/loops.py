"""Inner loops that numba compiles where it is installed: ``pip install evalkit-sot[fast]``.

They are plain Python with the same results as the NumPy code that is used without numba, and slow unless compiled.
numba inlines the functions whose names begin with an underscore. No function may create an array: they are compiled
without reference counting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_MAX_DIGITS = 15  # integers with so many digits, and powers of ten up to 22, are exact as floats
_POWERS = 10.0 ** np.arange(_MAX_DIGITS + 1)

_NEWLINE, _RETURN, _TAB, _SPACE, _COMMA, _MINUS, _DOT, _ZERO, _NINE, _SEMICOLON = 10, 13, 9, 32, 44, 45, 46, 48, 57, 59
_LOWER_CASE = 32  # the bit that distinguishes lower from upper case letters
_N, _A = 110, 97


def parse_decimals(data: Bytes, columns: int, values: Floats) -> int:
    """Read rows of plain decimals, or ``nan``, with exactly one separator between them.

    Args:
        data: Text; lines end in LF or CRLF, the last one in LF.
        columns: Number of values in each row.
        values: Receives the values; at least half as long as ``data``.

    Returns:
        The number of values; -1 if the text has any other form, which the caller must then read with slower code.
    """
    count = 0
    column = 0
    position = 0
    while position < data.size:
        value, position = _read_number(data, position)
        if position < 0:
            return -1
        values[count] = value
        count += 1
        column += 1
        ends_row, position = _skip_separator(data, position)
        if position < 0 or ends_row != (column == columns):
            return -1
        if ends_row:
            column = 0
    return count


def _read_number(data: Bytes, position: int) -> tuple[float, int]:
    """Return a number and the position after it; the position -1 if there is no plain decimal."""
    negative = data[position] == _MINUS
    if negative:
        position += 1
    number, digits, decimals, end = _read_digits(data, position)
    if digits == 0:
        if decimals < 0 and not negative and _is_nan(data, position):
            return np.nan, position + 3
        return 0.0, -1
    if digits > _MAX_DIGITS:
        return 0.0, -1
    value = float(number)
    if decimals > 0:
        value = value / _POWERS[decimals]
    return (-value if negative else value), end


def _read_digits(data: Bytes, position: int) -> tuple[int, int, int, int]:
    """Return the digits as an integer, their number, the number after the point (-1: no point), and the end."""
    number = 0
    digits = 0
    decimals = -1
    while position < data.size:
        byte = int(data[position])
        if _ZERO <= byte <= _NINE:
            number = number * 10 + (byte - _ZERO)
            digits += 1
            if decimals >= 0:
                decimals += 1
        elif byte == _DOT and decimals < 0:
            decimals = 0
        else:
            break
        position += 1
    return number, digits, decimals, position


def _is_nan(data: Bytes, position: int) -> bool:
    return (
        position + 2 < data.size
        and data[position] | _LOWER_CASE == _N
        and data[position + 1] | _LOWER_CASE == _A
        and data[position + 2] | _LOWER_CASE == _N
    )


def _skip_separator(data: Bytes, position: int) -> tuple[bool, int]:
    """Return whether a separator ends the row and the position after it; the position -1 if there is none."""
    if position >= data.size:
        return False, -1
    byte = int(data[position])
    if byte == _RETURN and position + 1 < data.size and data[position + 1] == _NEWLINE:
        return True, position + 2
    if byte == _NEWLINE:
        return True, position + 1
    separates = byte in (_COMMA, _SEMICOLON, _TAB, _SPACE)
    return False, position + 1 if separates else -1


def histogram(values: Floats, thresholds: Floats, counts: Ints) -> None:
    """Add to ``counts[i]`` the number of values that exceed exactly ``i`` thresholds; NaN is not counted.

    Args:
        values: Shape (N,).
        thresholds: Rising, about evenly spaced.
        counts: One longer than ``thresholds``.
    """
    size = thresholds.size
    first = thresholds[0]
    scale = (size - 1) / (thresholds[size - 1] - first)
    for value in values:
        if value == value:
            guess = (value - first) * scale
            index = 0 if guess < 0 else size if guess >= size else int(guess)
            while index < size and thresholds[index] < value:
                index += 1
            while index > 0 and thresholds[index - 1] >= value:
                index -= 1
            counts[index] += 1


def count_pixels(a: Ints, b: Ints, size: Ints, toolkit: bool, counts: Ints, scratch: Ints) -> None:
    """Count the pixels of polygons ``a`` and ``b`` and those that both cover; see ``scanline.count``.

    Args:
        a, b: Shape (N, K, 2): corners on the grid; K may differ between them.
        size: Shape (N, 2): columns and rows, from 0, that count.
        toolkit: Use the rasteriser of vot-toolkit instead of that of ``region.c``.
        counts: Shape (N, 3); receives the pixels of ``a``, of ``b``, and of both.
        scratch: Shape (5, K) with the larger K; its content does not matter.
    """
    nodes, begins, ends = scratch[0], scratch[1:3], scratch[3:5]
    for pair in range(a.shape[0]):
        _count_pair(a[pair], b[pair], size[pair], toolkit, nodes, begins, ends, counts[pair])


def _count_pair(
    a: Ints, b: Ints, size: Ints, toolkit: bool, nodes: Ints, begins: Ints, ends: Ints, counts: Ints
) -> None:
    """Count the pixels of two polygons.

    Args:
        nodes: Receives the crossings of one row.
        begins, ends: Receive the first and the last columns of the intervals that each polygon covers in one row.
    """
    counts[2] = 0
    top_a, bottom_a, upright_a, counts[0] = _outline(a, size, toolkit, begins[0], ends[0])
    top_b, bottom_b, upright_b, counts[1] = _outline(b, size, toolkit, begins[1], ends[1])
    low, high = min(top_a, top_b), max(bottom_a, bottom_b)
    # The pixels of an upright rectangle are counted already: only the rows of the other polygon are looked at.
    if upright_a:
        low, high = max(low, top_b), min(high, bottom_b)
    if upright_b:
        low, high = max(low, top_a), min(high, bottom_a)
    for row in range(low, high + 1):
        found_a = found_b = 0
        if top_a <= row <= bottom_a:
            found_a, pixels = _row_intervals(a, upright_a, row, size[0], toolkit, nodes, begins[0], ends[0])
            counts[0] += pixels
        if top_b <= row <= bottom_b:
            found_b, pixels = _row_intervals(b, upright_b, row, size[0], toolkit, nodes, begins[1], ends[1])
            counts[1] += pixels
        counts[2] += _common_pixels(begins, ends, found_a, found_b)


def _outline(corners: Ints, size: Ints, toolkit: bool, begins: Ints, ends: Ints) -> tuple[int, int, bool, int]:
    """Return the first and the last row of a polygon, and whether it is an upright rectangle and of how many pixels.

    An upright rectangle covers the same interval in every row, which is put into ``begins`` and ``ends``.
    """
    top, bottom = _rows(corners, size[1])
    if not _is_upright(corners):
        return top, bottom, False, 0
    left, right = corners[0, 0], corners[1, 0]
    begin, end = max(min(left, right), 0), min(max(left, right), size[0] - 1)
    # region.c fills nothing without width or height.
    empty = not toolkit and (left == right or corners[0, 1] == corners[2, 1])
    if begin > end or empty:
        return top, top - 1, True, 0
    begins[0], ends[0] = begin, end
    return top, bottom, True, max(bottom - top + 1, 0) * (end - begin + 1)


def _rows(corners: Ints, height: int) -> tuple[int, int]:
    """Return the first and the last row of a polygon inside of an image of that height."""
    low = high = corners[0, 1]
    for index in range(1, corners.shape[0]):
        low, high = min(low, corners[index, 1]), max(high, corners[index, 1])
    return max(low, 0), min(high, height - 1)


def _is_upright(corners: Ints) -> bool:
    return bool(
        corners.shape[0] == 4
        and corners[0, 0] == corners[3, 0]
        and corners[1, 0] == corners[2, 0]
        and corners[0, 1] == corners[1, 1]
        and corners[2, 1] == corners[3, 1]
    )


def _row_intervals(
    corners: Ints, upright: bool, row: int, width: int, toolkit: bool, nodes: Ints, begins: Ints, ends: Ints
) -> tuple[int, int]:
    """Put the intervals that a polygon covers in a row into ``begins`` and ``ends``.

    Returns:
        The number of intervals, and of their pixels; those of an upright rectangle are known and counted already.
    """
    if upright:
        return 1, 0
    count = _crossings(corners, row, toolkit, nodes)
    return _intervals_between(nodes, count, width, toolkit, begins, ends)


def _crossings(corners: Ints, row: int, toolkit: bool, nodes: Ints) -> int:
    """Put the columns where edges cross a row into ``nodes``, sorted, and return their number."""
    count = 0
    last = corners.shape[0] - 1
    for index in range(corners.shape[0]):
        x1, y1, x2, y2 = corners[index, 0], corners[index, 1], corners[last, 0], corners[last, 1]
        last = index
        if min(y1, y2) <= row <= max(y1, y2) and (y1 != y2 or toolkit):
            node = x1
            if y1 != y2 and x1 != x2:
                node = int(x1 + (row - y1) / (y2 - y1) * (x2 - x1))
            _insert(nodes, count, node)
            count += 1
    return count


def _insert(nodes: Ints, count: int, node: int) -> None:
    """Insert a node into ``count`` sorted ones."""
    place = count
    while place > 0 and nodes[place - 1] > node:
        nodes[place] = nodes[place - 1]
        place -= 1
    nodes[place] = node


def _intervals_between(nodes: Ints, count: int, width: int, toolkit: bool, begins: Ints, ends: Ints) -> tuple[int, int]:
    """Put the intervals between crossings into ``begins`` and ``ends``; return their number and their pixels."""
    found = pixels = 0
    covered = -1
    index = 0
    while index + 1 < count and nodes[index] < width:
        begin, end = nodes[index], nodes[index + 1]
        if begin == end and not (toolkit and index + 2 == count):
            index += 1
            continue
        index += 2
        begin = max(begin, covered + 1)
        covered = max(covered, end)
        end = min(end, width - 1)
        if begin <= end:
            begins[found], ends[found] = begin, end
            found += 1
            pixels += end - begin + 1
    return found, pixels


def _common_pixels(begins: Ints, ends: Ints, found_a: int, found_b: int) -> int:
    """Return the number of pixels that both polygons cover in a row."""
    pixels = 0
    for i in range(found_a):
        for j in range(found_b):
            pixels += max(min(ends[0, i], ends[1, j]) - max(begins[0, i], begins[1, j]) + 1, 0)
    return pixels
