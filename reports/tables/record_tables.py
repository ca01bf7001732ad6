"""Tables of flat records: one column for each field that differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.reports.document.model import Cell, Column, ColumnOf, Table, build_table, counted, number_cell, text_column

_UNTITLED = ("unit", "higher_is_better", "metric_version")
"""Fields that are neither shown in a column nor in the title where all records agree."""


def record_tables(rows: Sequence[dict[str, Any]]) -> Iterator[Table]:
    """Yield one table with a row for each record; fields on which all records agree are named in its title."""
    if not rows:
        return
    fields = list(dict.fromkeys(field for row in rows for field in row))
    same = _same_fields(rows, fields)
    shared = [str(rows[0][field]) for field in fields if field in same and field not in _UNTITLED]
    title = f"{', '.join(shared)} ({counted(len(rows), 'row')})" if shared else counted(len(rows), "row")
    columns = [_column(field, rows) for field in fields if field not in same and field not in _UNTITLED]
    yield build_table("records", title, columns, rows)


def _same_fields(rows: Sequence[dict[str, Any]], fields: Sequence[str]) -> set[str]:
    """Return the fields on which all records agree; values and points always have a column."""
    found = {field for field in fields if len({str(row.get(field)) for row in rows}) == 1}
    return found - {"value", "x", "y"}


def _column(field: str, rows: Sequence[dict[str, Any]]) -> ColumnOf[dict[str, Any]]:
    if all(isinstance(row.get(field), int | float | None) for row in rows):
        return Column(field), lambda row: number_cell(row.get(field))
    return text_column(field), lambda row: Cell(str(row.get(field, "-")))
