"""Tables of aligned columns for terminals and other fixed-width text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

GAP = "  "
"""Separates two columns."""


def aligned_lines(
    rows: Sequence[Sequence[str]], *, right: Collection[int] = (), max_width: int | None = None
) -> list[str]:
    """Pad cells so that columns line up, and join each row into one line.

    Args:
        rows: Cells by row, the head included; all rows have the same number of cells.
        right: Indices of the columns that are aligned to the right, usually those of numbers; the others are aligned
            to the left.
        max_width: Characters after which a cell is cut off; None to keep cells whole.

    Returns:
        One line per row without trailing spaces; no lines for no rows.

    Raises:
        ValueError: The rows differ in their number of cells.

    >>> aligned_lines([("tracker", "fps"), ("mosse", "37.0")], right={1})
    ['tracker   fps', 'mosse    37.0']
    """
    cut = [[cell[:max_width] for cell in row] for row in rows]
    return [GAP.join(cells).rstrip() for cells in padded_rows(cut, right=right)]


def padded_rows(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[list[str]]:
    """Return the cells of a table padded to the width of their columns; see ``aligned_lines``."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_padded(row, widths, right) for row in rows]


def _padded(row: Sequence[str], widths: Sequence[int], right: Collection[int]) -> list[str]:
    return [
        cell.rjust(width) if place in right else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
