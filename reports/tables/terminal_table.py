"""Tables as aligned text of a limited width: intervals go below the values, columns that do not fit go below too."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from evalkit.io.text_table import GAP, padded_rows
from evalkit.reports.document.escaping import terminal
from evalkit.reports.document.model import Cell, Table

_BOLD, _NOT_BOLD = "\x1b[1m", "\x1b[22m"


@dataclass(frozen=True)
class TerminalStyle:
    """How a terminal shows tables.

    Attributes:
        width: Largest number of characters in a line; None for any number.
        bold: Whether the best value of a column is bold.
    """

    width: int | None = None
    bold: bool = False

    def wrapped(self, text: str, *, indent: str = "") -> list[str]:
        """Return the lines of a sentence; continued lines are indented by two more characters."""
        shown = terminal(text) if self.bold else text
        if self.width is None:
            return [indent + shown]
        return textwrap.wrap(
            shown, self.width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip


def table_lines(table: Table, style: TerminalStyle) -> list[str]:
    """Return title, rows and notes of a table.

    Where the lines would be wider than the terminal, the intervals are shown in a table of their own below the values,
    and columns that still do not fit in further tables, each with the columns that name the row.
    """
    lines = style.wrapped(table.title)
    blocks = [_rows(table, style)]
    if not _fits(blocks[0], style):
        values = _with_cells(table, lambda cell: Cell(cell.text, cell.value, cell.mark))
        blocks = [_rows(part, style) for part in _parts(values, style)]
        if any(cell.detail for row in table.rows for cell in row):
            blocks += [["", "95 % intervals", *_rows(part, style)] for part in _parts(_intervals(table), style)]
    lines += [line for block in blocks for line in block]
    for note in table.notes:
        lines += style.wrapped(note, indent="  ")
    return lines


def _with_cells(table: Table, change: Callable[[Cell], Cell]) -> Table:
    return replace(table, rows=tuple(tuple(change(cell) for cell in row) for row in table.rows))


def _intervals(table: Table) -> Table:
    """Return the table of the intervals alone, of the columns that have some."""
    named = table.naming_columns
    kept = [
        place for place in range(len(table.columns)) if place < named or any(row[place].detail for row in table.rows)
    ]
    chosen = table.with_columns(kept)
    rows = tuple(
        tuple(cell if place < named else Cell(cell.detail or "-") for place, cell in enumerate(row))
        for row in chosen.rows
    )
    return replace(chosen, rows=rows)


def _parts(table: Table, style: TerminalStyle) -> Iterator[Table]:
    """Yield tables of neighbouring columns that fit into the width, each with the columns that name the row."""
    named = list(range(table.naming_columns))
    taken: list[int] = []
    for place in range(len(named), len(table.columns)):
        if taken and not _fits(_rows(table.with_columns([*named, *taken, place]), style), style):
            yield table.with_columns([*named, *taken])
            taken = []
        taken.append(place)
    yield table.with_columns([*named, *taken])


def _fits(lines: Sequence[str], style: TerminalStyle) -> bool:
    return style.width is None or max(map(_length, lines)) <= style.width


def _length(line: str) -> int:
    return len(line.replace(_BOLD, "").replace(_NOT_BOLD, ""))


def _rows(table: Table, style: TerminalStyle) -> list[str]:
    """Return the head and the rows as lines."""
    heads = [terminal(column.title) for column in table.columns]
    texts = [heads, *([terminal(cell.full) for cell in row] for row in table.rows)]
    right = {place for place, column in enumerate(table.columns) if column.numeric}
    padded = padded_rows(texts, right=right)
    if style.bold:
        for cells, row in zip(padded[1:], table.rows, strict=True):
            cells[:] = [_bold(text, cell) for text, cell in zip(cells, row, strict=True)]
    return [GAP.join(cells).rstrip() for cells in padded]


def _bold(text: str, cell: Cell) -> str:
    shown = terminal(cell.text)
    return text.replace(shown, f"{_BOLD}{shown}{_NOT_BOLD}", 1) if cell.mark == "best" else text
