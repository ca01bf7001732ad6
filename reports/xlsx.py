"""Workbook report: one sheet a table, numbers as numbers, and text as text even if it begins like a formula."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from evalkit.reports.document.formats import document_format

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from evalkit.reports.document.model import Cell, Document, Table

_EPOCH = datetime(2000, 1, 1)
"""Date in every workbook, so that the same document gives the same file."""

_NAME_LENGTH = 31
"""Characters that a sheet's name may have."""

_FORBIDDEN_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@document_format("xlsx", summary="a workbook with one sheet a table", aliases=("excel",), suffix=".xlsx")
def write_xlsx(document: Document) -> bytes:
    """Return a workbook with all tables and, in its last sheet, all scores and costs as flat records."""
    import openpyxl

    from evalkit.reports.table import records

    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = _EPOCH
    book.properties.creator = "evalkit"
    book.remove(book.worksheets[0])
    names: set[str] = set()
    for table in document.tables():
        _fill_table(book.create_sheet(_sheet_name(table.key, names)), table)
    _fill_records(book.create_sheet(_sheet_name("records", names)), records(document.scores, document.costs))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _sheet_name(key: str, taken: set[str]) -> str:
    """Return a valid name that is not taken yet; it is added to those that are."""
    plain = _FORBIDDEN_IN_NAMES.sub("_", key)
    name = plain[:_NAME_LENGTH]
    while name.casefold() in taken:
        name = f"{plain[: _NAME_LENGTH - 4]}~{len(taken)}"
    taken.add(name.casefold())
    return name


def _fill_table(sheet: Worksheet, table: Table) -> None:
    heads = [column.title for column in table.columns]
    _fill_head(sheet, heads)
    for number, row in enumerate(table.rows, start=2):
        for place, cell in enumerate(row):
            _put_cell(sheet, number, place + 1, cell, table.columns[place].digits)
    for number, note in enumerate(table.notes, start=len(table.rows) + 3):
        _put(sheet, number, 1, note)
    sheet.freeze_panes = "B2"
    _fit_widths(sheet, [heads, *([cell.full for cell in row] for row in table.rows)])


def _fill_head(sheet: Worksheet, heads: Sequence[str]) -> None:
    from openpyxl.styles import Font

    for place, head in enumerate(heads, start=1):
        _put(sheet, 1, place, head).font = Font(bold=True)


def _put_cell(sheet: Worksheet, row: int, column: int, cell: Cell, digits: int) -> None:
    from openpyxl.styles import Font

    if cell.value is None:
        written = _put(sheet, row, column, cell.full)
    else:
        written = _put(sheet, row, column, cell.value)
        written.number_format = "0" + ("." + "0" * digits if digits else "")
    if cell.mark in ("best", "second"):
        written.font = Font(bold=cell.mark == "best", underline="single" if cell.mark == "second" else None)


def _put(sheet: Worksheet, row: int, column: int, value: Any) -> Any:
    """Write a value and return its cell of the sheet."""
    written = sheet.cell(row, column)
    if isinstance(value, str):
        written.value = _CONTROL_CHARACTERS.sub("", value)
        written.data_type = "s"  # else text that begins with "=" would be computed
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


def _fit_widths(sheet: Worksheet, rows: Iterable[Sequence[str]]) -> None:
    from openpyxl.utils import get_column_letter

    for place, texts in enumerate(zip(*rows, strict=True), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = min(60, 2 + max(map(len, texts)))
