"""A workbook: one sheet a table, numbers as numbers, names as text whatever they begin with."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.reports._comparison.document import Cell, Column, Table
from evalkit.types import Cost, Score

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_EPOCH = datetime(2000, 1, 1)
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@registry.report("xlsx", summary="a workbook, one sheet a table", aliases=("excel",), suffix=".xlsx")
def as_xlsx(
    comparison: Comparison | None = None,
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
) -> bytes:
    import openpyxl

    from evalkit.reports._comparison.compose import compose
    from evalkit.reports._comparison.plain import compose_scores
    from evalkit.reports.table import records

    document = compose_scores(scores, costs, notices) if comparison is None else compose(comparison)
    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = _EPOCH
    book.properties.creator = "evalkit"
    book.remove(book.worksheets[0])
    names: set[str] = set()
    for table in document.tables():
        _fill(book.create_sheet(_sheet_name(table.key, names)), table)
    _fill_records(book.create_sheet(_sheet_name("records", names)), records(scores, costs))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _sheet_name(key: str, taken: set[str]) -> str:
    """A name of at most 31 characters that is not taken yet."""
    plain = _FORBIDDEN.sub("_", key)
    name = plain[:31]
    while name.casefold() in taken:
        name = f"{plain[:27]}~{len(taken)}"
    taken.add(name.casefold())
    return name


def _fill(sheet: Worksheet, table: Table) -> None:
    from openpyxl.styles import Font

    _put_row(sheet, 1, [Cell(column.title) for column in table.columns], table.columns)
    for number, row in enumerate(table.rows, start=2):
        _put_row(sheet, number, row, table.columns)
    for number, note in enumerate(table.notes, start=len(table.rows) + 3):
        _put(sheet, number, 1, note)
    for head in sheet[1]:
        head.font = Font(bold=True)
    sheet.freeze_panes = "B2"
    _fit(sheet, [[column.title for column in table.columns], *([cell.full for cell in row] for row in table.rows)])


def _put_row(sheet: Worksheet, number: int, row: Sequence[Cell], columns: Sequence[Column]) -> None:
    from openpyxl.styles import Font

    for place, (cell, column) in enumerate(zip(row, columns, strict=True), start=1):
        written = _put(sheet, number, place, cell.full if cell.value is None else cell.value)
        if cell.value is not None:
            written.number_format = "0" + ("." + "0" * column.digits if column.digits else "")
        if cell.mark in ("best", "second"):
            written.font = Font(bold=cell.mark == "best", underline="single" if cell.mark == "second" else None)


def _put(sheet: Worksheet, row: int, column: int, value: Any) -> Any:
    written = sheet.cell(row, column)
    if isinstance(value, str):
        written.value = _CONTROL.sub("", value)
        written.data_type = "s"  # else a name that begins with "=" would be computed
    else:
        written.value = value
    return written


def _fill_records(sheet: Worksheet, records: Sequence[dict[str, Any]]) -> None:
    heads = list(dict.fromkeys(name for record in records for name in record))
    for place, name in enumerate(heads, start=1):
        _put(sheet, 1, place, name)
    for number, record in enumerate(records, start=2):
        for place, name in enumerate(heads, start=1):
            value = record.get(name)
            _put(sheet, number, place, ", ".join(value) if isinstance(value, list) else value)
    sheet.freeze_panes = "A2"


def _fit(sheet: Worksheet, rows: Iterable[Sequence[str]]) -> None:
    from openpyxl.utils import get_column_letter

    for place, texts in enumerate(zip(*rows, strict=True), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = min(60, 2 + max(map(len, texts)))
