"""Markdown report: tables for a README or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from evalkit.reports.document.escaping import markdown
from evalkit.reports.document.formats import document_format

if TYPE_CHECKING:
    from evalkit.reports.document.model import Cell, Document, Figure, Section, Table


@document_format("markdown", summary="tables for a README or a pull request", aliases=("md",), suffix=".md")
def write_markdown(document: Document) -> str:
    """Return the whole report, with figures replaced by their descriptions, because Markdown cannot hold figures."""
    return "\n\n".join(_tables_blocks(document) if document.tables_only else _report_blocks(document))


def _tables_blocks(document: Document) -> Iterator[str]:
    """Yield tables without headings, and the notices, which a report has in a table."""
    for table in document.tables():
        yield _bold(table.title)
        yield markdown_table(table)
    yield from map(markdown, document.notices)


def _report_blocks(document: Document) -> Iterator[str]:
    yield f"# {markdown(document.title)}"
    yield markdown(document.subtitle)
    chapter = ""
    for section in document.sections:
        if section.chapter not in ("", chapter):
            yield f"## {markdown(section.chapter)}"
        chapter = section.chapter
        yield from _section_blocks(section)


def _section_blocks(section: Section) -> Iterator[str]:
    yield f"{'###' if section.chapter else '##'} {markdown(section.title)}"
    yield from _bullets(section.introduction)
    for table in section.tables:
        yield from _titled_table(table, named=table.title != section.title)
    yield from map(_figure_line, section.figures)
    for name, properties in section.properties:
        yield _bold(name)
        yield _properties_table(properties)
    yield from (f"*{markdown(sentence)}*" for sentence in section.skipped)


def _titled_table(table: Table, *, named: bool) -> Iterator[str]:
    if named:
        yield _bold(table.title)
    yield markdown_table(table)
    yield from _bullets(table.notes)


def _bold(text: str) -> str:
    return f"**{markdown(text)}**"


def _bullets(sentences: Iterable[str]) -> Iterator[str]:
    """Yield one block with a list; none without sentences."""
    if lines := [f"- {markdown(sentence)}" for sentence in sentences]:
        yield "\n".join(lines)


def _figure_line(figure: Figure) -> str:
    return f"*Figure: {markdown(figure.title)}. {markdown(figure.description)}*"


def _properties_table(properties: Iterable[tuple[str, str]]) -> str:
    return _table_lines(
        ["property", "value"], ["---", "---"], ([markdown(key), markdown(value)] for key, value in properties)
    )


def markdown_table(table: Table) -> str:
    """Return a table without its title and notes."""
    return _table_lines(
        [markdown(column.title) for column in table.columns],
        ["---:" if column.numeric else "---" for column in table.columns],
        ([markdown_cell(cell) for cell in row] for row in table.rows),
    )


def _table_lines(heads: list[str], alignments: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, alignments, *rows))


def markdown_cell(cell: Cell) -> str:
    """Return a cell with its detail; the best value in bold, the second best underlined."""
    text = markdown(cell.text)
    marked = {"best": f"**{text}**", "second": f"<u>{text}</u>"}.get(cell.mark, text)
    return f"{marked} {markdown(cell.detail)}" if cell.detail else marked
