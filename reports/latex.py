"""Tables for a paper: booktabs, best in bold, second underlined."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.reports._comparison.document import Cell, Column, Document, Table
from evalkit.reports._comparison.text import latex
from evalkit.types import Cost, Score

_LONG = 40
"""Rows beyond which a table is left to the appendix of a paper: it becomes a longtable."""


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
    """One table with its caption, label and notes."""
    heads = " & ".join(latex(column.title) for column in table.columns) + r" \\"
    rows = [" & ".join(map(cell_text, row)) + r" \\" for row in table.rows]
    notes = [r"\par\footnotesize " + latex(note) for note in table.notes]
    caption = rf"\caption{{{latex(table.title)}}}\label{{tab:{_label(table.key)}}}"
    form = _form(table.columns)
    if len(rows) > _LONG:
        body = [rf"\begin{{longtable}}{{{form}}}", caption + r" \\", r"\toprule", heads, r"\midrule", r"\endhead",
                *rows, r"\bottomrule", r"\end{longtable}", *notes]  # fmt: skip
    else:
        body = [r"\begin{table}", r"\centering", caption, rf"\begin{{tabular}}{{{form}}}", r"\toprule", heads,
                r"\midrule", *rows, r"\bottomrule", r"\end{tabular}", *notes, r"\end{table}"]  # fmt: skip
    return "\n".join(body) + "\n"


def cell_text(cell: Cell) -> str:
    text = latex(cell.text) if cell.text != "-" else "--"
    marked = {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}"}.get(cell.mark, text)
    return f"{marked} {latex(cell.detail)}" if cell.detail else marked


def _form(columns: Sequence[Column]) -> str:
    return "".join("r" if column.numeric else "l" for column in columns)


def _label(key: str) -> str:
    return "".join(character if character.isalnum() or character == "-" else "-" for character in key)
