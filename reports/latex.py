"""Tables for a paper: booktabs, best in bold, second underlined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.reports._comparison.document import Cell, Document, Table
from evalkit.reports._comparison.text import latex
from evalkit.types import Cost, Score

_LONG = 40
"""Rows beyond which a table is left to the appendix of a paper: it becomes a longtable."""

_LINE = 345.0
"""Width of a line of the article class, in points."""

_WORDY = 26
"""Characters beyond which a column of text is broken into lines."""


class _Print(NamedTuple):
    """A way to set a table: size of print, width of a character and space beside a column in points, details below."""

    size: str
    letter: float
    gap: float
    stacked: bool = False


_PRINTS = (
    _Print("", 5.2, 6.0),
    _Print(r"\small", 4.8, 4.0),
    _Print(r"\footnotesize", 4.4, 3.0),
    _Print(r"\scriptsize", 4.1, 2.5),
    _Print(r"\footnotesize", 4.4, 3.0, stacked=True),
    _Print(r"\scriptsize", 4.1, 2.5, stacked=True),
    _Print(r"\tiny", 3.6, 2.0, stacked=True),
)
"""Best first."""


@registry.report("latex", summary="booktabs tables for a paper", aliases=("tex",), suffix=".tex")
def as_latex(
    comparison: Comparison | None = None,
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
) -> str:
    from evalkit.reports._comparison.compose import compose
    from evalkit.reports._comparison.plain import compose_scores

    if comparison is None:
        return write(compose_scores(scores, costs, notices))
    return write(compose(comparison))


def write(document: Document) -> str:
    """Everything a document has in tables; it compiles with booktabs and longtable loaded, as its head says."""
    lines = [f"% {latex(document.title)}: {latex(document.subtitle)}", "% \\usepackage{booktabs,longtable}", ""]
    lines += [table_text(table) for table in document.tables()]
    lines += [f"% {latex(notice)}" for notice in document.notices]
    return "\n".join(lines).rstrip("\n")


def table_text(table: Table) -> str:
    """One table with its caption, label and notes; set small enough for the width of an article's page."""
    chosen, wordy, room = _layout(table)
    share = f"p{{{max(room / len(wordy), 40):.0f}pt}}" if wordy else ""
    form = "".join(
        share if place in wordy else "r" if column.numeric else "l" for place, column in enumerate(table.columns)
    )
    size = chosen.size and rf"{chosen.size}\setlength{{\tabcolsep}}{{{chosen.gap:g}pt}}"
    heads = " & ".join(latex(column.title) for column in table.columns) + r" \\"
    rows = [
        " & ".join(cell_text(cell, wraps=place in wordy, stacked=chosen.stacked) for place, cell in enumerate(row))
        + r" \\"
        for row in table.rows
    ]
    notes = [r"\par\footnotesize " + latex(note) for note in table.notes]
    caption = rf"\caption{{{latex(table.title)}}}\label{{tab:{_label(table.key)}}}"
    top = [r"\toprule", heads, r"\midrule"]
    remark = [] if room >= 0 else ["% Wider than an article's line: turn the page or leave columns out."]
    if len(rows) > _LONG:
        body = [rf"{{{size}\begin{{longtable}}{{{form}}}", caption + r" \\", *top, r"\endfirsthead", *top, r"\endhead",
                *rows, r"\bottomrule", r"\end{longtable}}", *notes]  # fmt: skip
    else:
        body = [r"\begin{table}", rf"\centering{size}", caption, rf"\begin{{tabular}}{{{form}}}", *top,
                *rows, r"\bottomrule", r"\end{tabular}", *notes, r"\end{table}"]  # fmt: skip
    return "\n".join([*remark, *body]) + "\n"


def _layout(table: Table) -> tuple[_Print, frozenset[int], float]:
    """How to set a table, which columns are broken into lines, and the points left for these; negative: too wide."""
    places = range(len(table.columns))
    wordy = frozenset(
        place for place in places if max((len(row[place].full) for row in table.rows), default=0) > _WORDY
    )

    def left(chosen: _Print) -> float:
        taken = sum(_width(table, place, chosen) for place in places if place not in wordy)
        return _LINE - 2 * chosen.gap * len(places) - taken

    fitting = [one for one in _PRINTS if left(one) >= len(wordy) * _WORDY * one.letter]
    chosen = fitting[0] if fitting else _PRINTS[-1]
    return chosen, wordy, left(chosen)


def _width(table: Table, place: int, chosen: _Print) -> float:
    """Points that a column takes unbroken; details are always in the smallest print."""
    text = max((len(row[place].text) for row in table.rows), default=0) * chosen.letter
    detail = max((len(row[place].detail) for row in table.rows), default=0) * _PRINTS[-1].letter
    cell = max(text, detail) if chosen.stacked else text + detail
    return max(len(table.columns[place].title) * chosen.letter, cell)


def cell_text(cell: Cell, *, wraps: bool = False, stacked: bool = False) -> str:
    """A cell with its detail in small print.

    Args:
        wraps: Whether the column is broken into lines.
        stacked: Whether the detail stands below.
    """
    text = latex(cell.text) if cell.text != "-" else "--"
    marked = {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}"}.get(cell.mark, text)
    detail = rf"{{\tiny {latex(cell.detail)}}}"
    if wraps:
        broken = marked.replace("/", r"/\allowbreak ").replace(r"\_", r"\_\allowbreak ")
        return rf"{{\raggedright {broken}{f' {detail}' if cell.detail else ''}\par}}"
    if cell.detail and stacked:
        side = "l" if cell.value is None else "r"
        return rf"\begin{{tabular}}[t]{{@{{}}{side}@{{}}}}{marked}\\ {detail}\end{{tabular}}"
    # A bracket at the head of a row would be taken for an argument of the line break before it.
    guarded = f"{{}}{marked}" if marked.startswith("[") else marked
    return f"{guarded} {detail}" if cell.detail else guarded


def _label(key: str) -> str:
    return "".join(character if character.isalnum() or character == "-" else "-" for character in key)
