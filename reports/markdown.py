"""Tables for a README or a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.reports._comparison.document import Cell, Document, Section, Table
from evalkit.reports._comparison.text import markdown
from evalkit.types import Cost, Score


@registry.report("markdown", summary="tables for a README or a pull request", aliases=("md",), suffix=".md")
def as_markdown(
    comparison: Comparison | None = None,
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
) -> str:
    from evalkit.reports._comparison.compose import compose
    from evalkit.reports._comparison.plain import compose_scores

    if comparison is None:
        document = compose_scores(scores, costs, notices)
        blocks = [f"**{markdown(table.title)}**\n\n{table_text(table)}" for table in document.tables()]
        return "\n\n".join([*blocks, *map(markdown, document.notices)])
    return write(compose(comparison))


def write(document: Document) -> str:
    """The whole report; figures are named with what they show, because Markdown cannot hold them."""
    blocks = [f"# {markdown(document.title)}", markdown(document.subtitle)]
    chapter = ""
    for section in document.sections:
        if section.chapter != chapter and section.chapter:
            blocks.append(f"## {markdown(section.chapter)}")
        chapter = section.chapter
        blocks += _section(section)
    return "\n\n".join(blocks)


def _section(section: Section) -> list[str]:
    blocks = [f"{'###' if section.chapter else '##'} {markdown(section.title)}"]
    if section.lead:
        blocks.append("\n".join(f"- {markdown(sentence)}" for sentence in section.lead))
    for table in section.tables:
        blocks += [f"**{markdown(table.title)}**"] if table.title != section.title else []
        blocks.append(table_text(table))
        blocks += ["\n".join(f"- {markdown(note)}" for note in table.notes)] if table.notes else []
    blocks += [f"*Figure: {markdown(figure.title)}. {markdown(figure.description)}*" for figure in section.figures]
    for name, facts in section.facts:
        rows = "\n".join(f"| {markdown(key)} | {markdown(value)} |" for key, value in facts)
        blocks.append(f"**{markdown(name)}**\n\n| what | value |\n| --- | --- |\n{rows}")
    return [*blocks, *(f"*{markdown(sentence)}*" for sentence in section.skipped)]


def table_text(table: Table) -> str:
    rows = [
        [markdown(column.title) for column in table.columns],
        ["---:" if column.numeric else "---" for column in table.columns],
        *([cell_text(cell) for cell in row] for row in table.rows),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def cell_text(cell: Cell) -> str:
    text = markdown(cell.text)
    marked = {"best": f"**{text}**", "second": f"<u>{text}</u>"}.get(cell.mark, text)
    return f"{marked} {markdown(cell.detail)}" if cell.detail else marked
