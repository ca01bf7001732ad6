"""Scores and costs as aligned text for a terminal, as JSON, and as CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalkit import registry
from evalkit.reports.document.escaping import spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalkit.types import Cost, Score

JSON_VERSION = 1
"""Version of the JSON object; it rises when a field changes its name or meaning."""


def records(scores: Iterable[Score] = (), costs: Iterable[Cost] = ()) -> list[dict[str, Any]]:
    """Return the flat records of scores, then of costs."""
    return [*(score.record() for score in scores), *(cost.record() for cost in costs)]


@registry.report("json", summary="one JSON object with one flat record a row", suffix=".json")
def as_json(scores: Sequence[Score] = (), costs: Sequence[Cost] = (), rows: Sequence[dict[str, Any]] = ()) -> str:
    """Return strict JSON: ``{"version": 1, "records": [...]}``; values that do not exist are null.

    Args:
        scores: Written first.
        costs: Written after the scores.
        rows: Records of other things, written last.
    """
    content = {"version": JSON_VERSION, "records": [*records(scores, costs), *rows]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


@registry.report("csv", summary="one flat record a row", suffix=".csv")
def as_csv(scores: Sequence[Score] = (), costs: Sequence[Cost] = (), rows: Sequence[dict[str, Any]] = ()) -> str:
    """Return the records of JSON as rows; text that a spreadsheet would take for a formula gets an apostrophe."""
    import pandas as pd

    frame = pd.DataFrame([*records(scores, costs), *rows])
    text = frame.map(lambda value: spreadsheet(value) if isinstance(value, str) else value)
    return str(text.to_csv(index=False)).rstrip("\n")


@registry.report("table", summary="aligned text for a terminal")
def as_table(
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
    rows: Sequence[dict[str, Any]] = (),
    width: int | None = None,
    bold: bool = False,
) -> str:
    """Return the aligned tables with their titles and notes, then the notices.

    Args:
        width: Largest number of characters in a line; None for any number.
        bold: Whether the best value of a column is bold, by an escape sequence of terminals; all control characters of
            names are then written out.
    """
    from evalkit.reports.document.build import build_tables
    from evalkit.reports.tables.terminal_table import TerminalStyle, table_lines

    style = TerminalStyle(width, bold)
    blocks = [table_lines(table, style) for table in build_tables(scores, costs, notices, rows).tables()]
    blocks += [[line for notice in notices for line in style.wrapped(notice)]] if notices else []
    return "\n\n".join("\n".join(block) for block in blocks)
