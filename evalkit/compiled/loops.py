"""Inner loops that numba compiles, where it is installed: ``pip install evalkit-sot[fast]``.

Written as plain Python, with the results of the NumPy forms that do their work without numba. Nothing here is fast
before it is compiled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_DIGITS = 15  # integers of so many digits, and powers of ten up to 22, are exact as floats
_POWERS = 10.0 ** np.arange(_DIGITS + 1)


def parse_decimals(data: Bytes, columns: int, values: Floats) -> int:
    """Read rows of plain decimals, or ``nan``, with exactly one separator between them.

    Args:
        data: Text; lines end in LF or CRLF, the last one in LF.
        values: Filled; at least half as long as ``data``.

    Returns:
        How many values were read; -1 where anything is unusual, which is left to others to judge.
    """
    count = 0
    column = 0
    position = 0
    size = data.size
    while position < size:
        negative = data[position] == 45
        if negative:
            position += 1
        number = 0
        digits = 0
        decimals = -1
        while position < size:
            byte = int(data[position])
            if 48 <= byte <= 57:
                number = number * 10 + (byte - 48)
                digits += 1
                if decimals >= 0:
                    decimals += 1
            elif byte == 46 and decimals < 0:
                decimals = 0
            else:
                break
            position += 1
        if digits == 0 and decimals < 0 and not negative and position + 2 < size:
            if data[position] | 32 != 110 or data[position + 1] | 32 != 97 or data[position + 2] | 32 != 110:
                return -1
            values[count] = np.nan
            position += 3
        elif digits == 0 or digits > _DIGITS:
            return -1
        else:
            value = float(number)
            if decimals > 0:
                value = value / _POWERS[decimals]
            values[count] = -value if negative else value
        count += 1
        column += 1
        if position >= size:
            return -1
        byte = int(data[position])
        if byte == 13 and position + 1 < size and data[position + 1] == 10:
            position += 1
            byte = int(data[position])
        if byte == 10:
            if column != columns:
                return -1
            column = 0
        elif not (byte == 44 or byte == 59 or byte == 9 or byte == 32) or column == columns:
            return -1
        position += 1
    return count


def histogram(values: Floats, thresholds: Floats, counts: Ints) -> None:
    """Add to ``counts[i]`` how many values have exactly ``i`` thresholds below them; NaN is not counted.

    Args:
        thresholds: Rising, about evenly spaced.
        counts: One longer than ``thresholds``.
    """
    size = thresholds.size
    first = thresholds[0]
    scale = (size - 1) / (thresholds[size - 1] - first)
    for value in values:
        if value != value:
            continue
        guess = (value - first) * scale
        index = 0 if guess < 0 else size if guess >= size else int(guess)
        while index < size and thresholds[index] < value:
            index += 1
        while index > 0 and thresholds[index - 1] >= value:
            index -= 1
        counts[index] += 1


def count_pixels(a: Ints, b: Ints, size: Ints, toolkit: bool, counts: Ints) -> None:
    """Fill ``counts``, shape (N, 3), with the pixels of polygon a, of b, and of both; see ``scanline.count``."""
    longest = max(a.shape[1], b.shape[1])
    corners = np.array([a.shape[1], b.shape[1]])
    xs = np.empty((2, longest), dtype=np.int64)
    ys = np.empty((2, longest), dtype=np.int64)
    upright = np.empty(2, dtype=np.bool_)
    top = np.empty(2, dtype=np.int64)
    bottom = np.empty(2, dtype=np.int64)
    nodes = np.empty(longest, dtype=np.int64)
    begins = np.empty((2, longest), dtype=np.int64)
    ends = np.empty((2, longest), dtype=np.int64)
    found = np.empty(2, dtype=np.int64)
    counts[:] = 0
    for pair in range(a.shape[0]):
        width = size[pair, 0]
        for which in range(2):
            for index in range(corners[which]):
                xs[which, index] = a[pair, index, 0] if which == 0 else b[pair, index, 0]
                ys[which, index] = a[pair, index, 1] if which == 0 else b[pair, index, 1]
            x, y = xs[which, : corners[which]], ys[which, : corners[which]]
            top[which], bottom[which] = y.min(), y.max()
            upright[which] = corners[which] == 4 and x[0] == x[3] and x[1] == x[2] and y[0] == y[1] and y[2] == y[3]
            top[which], bottom[which] = max(top[which], 0), min(bottom[which], size[pair, 1] - 1)
            if upright[which]:
                # The same interval in every row; without width or height, region.c fills none.
                begin, end = max(min(x[0], x[1]), 0), min(max(x[0], x[1]), width - 1)
                if begin > end or (not toolkit and (x[0] == x[1] or y[0] == y[2])):
                    bottom[which] = top[which] - 1
                begins[which, 0], ends[which, 0] = begin, end
                counts[pair, which] = max(bottom[which] - top[which] + 1, 0) * (end - begin + 1)
        low, high = min(top[0], top[1]), max(bottom[0], bottom[1])
        for which in range(2):
            if upright[which]:
                # Its own pixels are counted: only the other's rows are left to look at.
                low, high = max(low, top[1 - which]), min(high, bottom[1 - which])
        for row in range(low, high + 1):
            for which in range(2):
                inside = top[which] <= row <= bottom[which]
                found[which] = 1 if inside and upright[which] else 0
                if not inside or upright[which]:
                    continue
                # Crossings of the row with edges, sorted as they come.
                count = 0
                last = corners[which] - 1
                for index in range(corners[which]):
                    x1, y1, x2, y2 = xs[which, index], ys[which, index], xs[which, last], ys[which, last]
                    last = index
                    if (y1 > row and y2 > row) or (y1 < row and y2 < row) or (y1 == y2 and not toolkit):
                        continue
                    node = x1
                    if y1 != y2 and x1 != x2:
                        node = int(x1 + (row - y1) / (y2 - y1) * (x2 - x1))
                    place = count
                    while place > 0 and nodes[place - 1] > node:
                        nodes[place] = nodes[place - 1]
                        place -= 1
                    nodes[place] = node
                    count += 1
                # Intervals between them.
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
                        begins[which, found[which]] = begin
                        ends[which, found[which]] = end
                        found[which] += 1
                        counts[pair, which] += end - begin + 1
            for i in range(found[0]):
                for j in range(found[1]):
                    common = min(ends[0, i], ends[1, j]) - max(begins[0, i], begins[1, j]) + 1
                    counts[pair, 2] += max(common, 0)
