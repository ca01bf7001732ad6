"""Registers report formats that write a whole document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from evalkit import registry

if TYPE_CHECKING:
    from evalkit.comparison import Comparison
    from evalkit.comparison.table_options import TableOptions
    from evalkit.reports.document.model import Document
    from evalkit.types import Cost, Score

Writer: TypeAlias = "Callable[[Document], str | bytes]"
"""Writes a document in one format: text, or the bytes of a file."""


def document_format(
    name: str, *, summary: str, suffix: str, aliases: tuple[str, ...] = ()
) -> Callable[[Writer], Callable[..., str | bytes]]:
    """Return a decorator that registers a function from documents to text or bytes as a report format.

    The decorated function becomes the factory of the format: called with a comparison, or with scores and costs alone,
    it builds the document and passes it to the original function::

        @document_format("titles", summary="the titles of all tables", suffix=".txt")
        def write_titles(document: Document) -> str:
            return "\\n".join(table.title for table in document.tables())

    Args:
        name: Name of the format in ``evalkit list reports``.
        summary: One line for ``evalkit list reports``.
        suffix: Suffix of the files that ``evalkit report --output`` writes in this format, with its dot.
        aliases: Further names.

    Raises:
        ValueError: A name is taken.
    """

    def register(write: Writer) -> Callable[..., str | bytes]:
        def factory(
            comparison: Comparison | None = None,
            scores: Sequence[Score] = (),
            costs: Sequence[Cost] = (),
            notices: Sequence[str] = (),
            rows: Sequence[dict[str, Any]] = (),
            table: TableOptions | None = None,
            page_bytes: int | None = None,
        ) -> str | bytes:
            from evalkit.reports.document.build import build_document

            return write(build_document(comparison, scores, costs, notices, rows, table, page_bytes))

        for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(factory, attribute, getattr(write, attribute))
        return registry.report(name, summary=summary, suffix=suffix, aliases=aliases)(factory)

    return register
