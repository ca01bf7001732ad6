"""LaTeX report: tables for a paper with booktabs rules, the best value in bold, the second best underlined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from evalkit.reports.document.escaping import latex
from evalkit.reports.document.formats import document_format

if TYPE_CHECKING:
    from evalkit.reports.document.model import Cell, Column, Document, Table

_LONG = 40
"""Rows above which a table becomes a longtable, which may break across pages."""

_LINE_WIDTH = 345.0
"""Width of a line of the article class, in points."""

_COLUMN_WIDTH, _PAGE_WIDTH = 223.0, 458.0
"""Width of a column and of the page of the article class with two columns, in points, less a reserve for bold print."""

_WIDEST_CELL = 26
"""Characters above which a column of text is broken into lines."""

_NARROWEST_COLUMN = 40.0
"""Width that a column with broken lines keeps at least, in points."""


class _TableStyle(NamedTuple):
    """Print size, widths and arrangement of a table.

    Attributes:
        size: LaTeX's command for the size of the print.
        character: Width of a character, in points.
        gap: Space on each side of a column, in points.
        stacked: Whether details are set below the values.
    """

    size: str
    character: float
    gap: float
    stacked: bool = False


_STYLES = (
    _TableStyle("", 5.2, 6.0),
    _TableStyle(r"\small", 4.8, 4.0),
    _TableStyle(r"\footnotesize", 4.4, 3.0),
    _TableStyle(r"\scriptsize", 4.1, 2.5),
    _TableStyle(r"\footnotesize", 4.4, 3.0, stacked=True),
    _TableStyle(r"\scriptsize", 4.1, 2.5, stacked=True),
    _TableStyle(r"\tiny", 3.6, 2.0, stacked=True),
)
"""Most readable first."""


class _Layout(NamedTuple):
    """A style, the columns whose text is broken into lines, and the points left for these; negative if too wide."""

    style: _TableStyle
    broken: frozenset[int]
    room: float

    @property
    def fits(self) -> bool:
        """True if the table is no wider than the line."""
        return self.room >= len(self.broken) * _NARROWEST_COLUMN


@document_format("latex", summary="booktabs tables for a paper", aliases=("tex",), suffix=".tex")
def write_latex(document: Document) -> str:
    """Return all tables; they compile with the packages booktabs and longtable, as the first lines say."""
    about = ": ".join(filter(None, (document.title, document.subtitle)))
    lines = [f"% {latex(about)}", "% \\usepackage{booktabs,longtable}", ""]
    lines += [latex_paper_table(table) if table.grouped else latex_table(table) for table in document.tables()]
    lines += [f"% {latex(notice)}" for notice in document.notices]
    return "\n".join(lines).rstrip("\n")


def latex_table(table: Table) -> str:
    """Return a table with its caption, label and notes, set small enough for the width of an article's page.

    A table that is too wide in the smallest print is split into several; each begins with the names of the rows.
    """
    return "\n".join(_latex_part(part) for part in _split_by_width(table))


def _latex_part(table: Table) -> str:
    layout = _choose_layout(table)
    lines = _longtable(table, layout) if len(table.rows) > _LONG else _tabular(table, layout)
    return "\n".join(_too_wide(layout) + lines) + "\n"


def _split_by_width(table: Table) -> list[Table]:
    """Return the table in the fewest parts that fit an article's page; parts of one column may still be too wide."""
    names = table.naming_columns if 0 < table.naming_columns < len(table.columns) else 1
    others = range(names, len(table.columns))
    for count in range(1, len(others) + 1):
        size = -(-len(others) // count)
        groups = [(*range(names), *others[start : start + size]) for start in range(0, len(others), size)]
        parts = [_part(table, columns, number, len(groups)) for number, columns in enumerate(groups, 1)]
        if all(_choose_layout(part).fits for part in parts):
            return parts
    return parts if others else [table]


def _part(table: Table, columns: Sequence[int], number: int, count: int) -> Table:
    """Return some columns of a table as part ``number`` of ``count``; the notes are below the last part."""
    if count == 1:
        return table
    return replace(
        table.with_columns(columns), key=table.key if number == 1 else f"{table.key}-{number}",
        title=f"{table.title} ({number} of {count})",
        notes=table.notes if number == count else (),
    )  # fmt: skip


def latex_paper_table(table: Table) -> str:
    """Return a table with groups of columns for a paper of two columns: as wide as a column if it fits, else a page."""
    layout = _choose_layout(table, _COLUMN_WIDTH)
    environment = "table" if layout.fits else "table*"
    if not layout.fits:
        layout = _choose_layout(table, _PAGE_WIDTH)
    lines = [
        rf"\begin{{{environment}}}[t]", rf"\centering{_size(layout.style)}", _caption(table),
        rf"\begin{{tabular}}{{{_column_types(table, layout)}}}", r"\toprule", *_group_heads(table),
        *_head(table)[1:], *_rows(table, layout), r"\bottomrule", r"\end{tabular}", *_notes(table),
        rf"\end{{{environment}}}",
    ]  # fmt: skip
    return "\n".join(_too_wide(layout) + lines) + "\n"


def _too_wide(layout: _Layout) -> list[str]:
    return [] if layout.fits else ["% Wider than the text of an article: rotate the page or leave columns out."]


def _group_heads(table: Table) -> list[str]:
    """Return the row with the names of the groups, and the rules below them; nothing without groups."""
    groups = [(name, list(columns)) for name, columns in groupby(range(len(table.columns)), _group_of(table))]
    if not any(name for name, _ in groups):
        return []
    heads = [rf"\multicolumn{{{len(columns)}}}{{c}}{{{latex(name)}}}" if name else " & " * (len(columns) - 1)
             for name, columns in groups]  # fmt: skip
    rules = [rf"\cmidrule(lr){{{columns[0] + 1}-{columns[-1] + 1}}}" for name, columns in groups if name]
    return [" & ".join(heads) + r" \\", "".join(rules)]


def _group_of(table: Table) -> Callable[[int], str]:
    return lambda place: table.columns[place].group


def _longtable(table: Table, layout: _Layout) -> list[str]:
    return [
        rf"{{{_size(layout.style)}\begin{{longtable}}{{{_column_types(table, layout)}}}", _caption(table) + r" \\",
        *_head(table), r"\endfirsthead", *_head(table), r"\endhead", *_rows(table, layout), r"\bottomrule",
        r"\end{longtable}}", *_notes(table),
    ]  # fmt: skip


def _tabular(table: Table, layout: _Layout) -> list[str]:
    return [
        r"\begin{table}", rf"\centering{_size(layout.style)}", _caption(table),
        rf"\begin{{tabular}}{{{_column_types(table, layout)}}}", *_head(table), *_rows(table, layout), r"\bottomrule",
        r"\end{tabular}", *_notes(table), r"\end{table}",
    ]  # fmt: skip


def _size(style: _TableStyle) -> str:
    return style.size and rf"{style.size}\setlength{{\tabcolsep}}{{{style.gap:g}pt}}"


def _caption(table: Table) -> str:
    label = "".join(character if character.isalnum() or character == "-" else "-" for character in table.key)
    return rf"\caption{{{latex(table.title)}}}\label{{tab:{label}}}"


def _column_types(table: Table, layout: _Layout) -> str:
    width = max(layout.room / len(layout.broken), _NARROWEST_COLUMN) if layout.broken else 0.0
    types = ["r" if column.numeric else "l" for column in table.columns]
    return "".join(f"p{{{width:.0f}pt}}" if place in layout.broken else kind for place, kind in enumerate(types))


def _head(table: Table) -> list[str]:
    return [r"\toprule", " & ".join(map(_head_text, table.columns)) + r" \\", r"\midrule"]


def _head_text(column: Column) -> str:
    return latex(column.head + column.arrow).replace(
        r"P\_norm", r"P\textsubscript{norm}" if column.group else r"P\_norm"
    )


def _rows(table: Table, layout: _Layout) -> list[str]:
    return [_row(row, layout) for row in table.rows]


def _row(row: Sequence[Cell], layout: _Layout) -> str:
    stacked = layout.style.stacked
    cells = (latex_cell(cell, wraps=place in layout.broken, stacked=stacked) for place, cell in enumerate(row))
    return " & ".join(cells) + r" \\"


def _notes(table: Table) -> list[str]:
    return [r"\par\footnotesize " + latex(note) for note in table.notes]


def _choose_layout(table: Table, width: float = _LINE_WIDTH) -> _Layout:
    """Return the most readable layout that fits a line of this width, in points, else the narrowest one."""
    columns = range(len(table.columns))
    broken = frozenset(place for place in columns if _widest(cell.full for cell in _cells(table, place)) > _WIDEST_CELL)
    layouts = [_Layout(style, broken, _room(table, style, broken, width)) for style in _STYLES]
    fitting = (one for one in layouts if one.room >= len(broken) * _WIDEST_CELL * one.style.character)
    return next(fitting, layouts[-1])


def _room(table: Table, style: _TableStyle, broken: frozenset[int], width: float) -> float:
    """Return the points that are left for the columns with broken lines."""
    columns = range(len(table.columns))
    taken = sum(_column_width(table, place, style) for place in columns if place not in broken)
    return width - 2 * style.gap * len(columns) - taken


def _column_width(table: Table, place: int, style: _TableStyle) -> float:
    """Return the points that a column takes unbroken; details are always in the smallest print."""
    text = _widest(cell.text for cell in _cells(table, place)) * style.character
    detail = _widest(cell.detail for cell in _cells(table, place)) * _STYLES[-1].character
    cell = max(text, detail) if style.stacked else text + detail
    column = table.columns[place]
    members = sum(one.group == column.group for one in table.columns) if column.group else 1
    head = max(_characters(column.head + column.arrow), _characters(column.group) / members)
    return max(head * style.character, cell)


def _cells(table: Table, place: int) -> list[Cell]:
    return [row[place] for row in table.rows]


def _widest(texts: Iterable[str]) -> float:
    return max(map(_characters, texts), default=0.0)


def _characters(text: str) -> float:
    """Return the width of a text in digits: capital letters are wider."""
    return len(text) + 0.4 * sum(map(str.isupper, text))


def latex_cell(cell: Cell, *, wraps: bool = False, stacked: bool = False) -> str:
    """Return a cell with its detail in small print.

    Args:
        cell: The cell.
        wraps: Whether the text of the column is broken into lines.
        stacked: Whether the detail is set below the text.
    """
    text = _marked(cell)
    detail = rf"{{\tiny {latex(cell.detail)}}}" if cell.detail else ""
    if wraps:
        broken = text.replace("/", r"/\allowbreak ").replace(r"\_", r"\_\allowbreak ")
        # \raggedright changes the line break, which must still end the row; \par would add an empty line to the cell.
        return rf"\raggedright\let\\\tabularnewline {' '.join(filter(None, (broken, detail)))}"
    if stacked and detail:
        side = "l" if cell.value is None else "r"
        return rf"\begin{{tabular}}[t]{{@{{}}{side}@{{}}}}{text}\\ {detail}\end{{tabular}}"
    # At the start of a row LaTeX would take a bracket for an argument of the line break before it.
    guarded = f"{{}}{text}" if text.startswith("[") else text
    return f"{guarded} {detail}" if detail else guarded


def _marked(cell: Cell) -> str:
    text = latex(cell.text) if cell.text != "-" else "--"
    return {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}"}.get(cell.mark, text)
