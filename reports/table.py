"""Scores and costs for a terminal, for machines, for a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from evalkit import registry
from evalkit.reports._comparison.document import Table
from evalkit.reports._comparison.text import spreadsheet
from evalkit.types import Cost, Score

JSON_VERSION = 1


def records(scores: Iterable[Score] = (), costs: Iterable[Cost] = ()) -> list[dict[str, Any]]:
    """Flat records of scores, then of costs."""
    return [*(score.record() for score in scores), *(cost.record() for cost in costs)]


@registry.report("json", summary="one JSON object, one flat record a row", suffix=".json")
def as_json(scores: Sequence[Score] = (), costs: Sequence[Cost] = (), rows: Sequence[dict[str, Any]] = ()) -> str:
    content = {"version": JSON_VERSION, "records": [*records(scores, costs), *rows]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


@registry.report("csv", summary="one flat record a row", suffix=".csv")
def as_csv(scores: Sequence[Score] = (), costs: Sequence[Cost] = ()) -> str:
    import pandas as pd

    frame = pd.DataFrame(records(scores, costs))
    text = frame.map(lambda value: spreadsheet(value) if isinstance(value, str) else value)
    return str(text.to_csv(index=False)).rstrip("\n")


@registry.report("table", summary="aligned text for a terminal")
def as_table(scores: Sequence[Score] = (), costs: Sequence[Cost] = (), notices: Sequence[str] = ()) -> str:
    from evalkit.reports._comparison.plain import compose_scores

    document = compose_scores(scores, costs, notices)
    blocks = [
        "\n".join([table.title, align(table), *(f"  {note}" for note in table.notes)]) for table in document.tables()
    ]
    return "\n\n".join([*blocks, *(["\n".join(notices)] if notices else [])])


def align(table: Table) -> str:
    """Columns of equal width, two spaces between; control characters of names are shown, not obeyed."""
    rows = [[column.title for column in table.columns], *([cell.full for cell in row] for row in table.rows)]
    shown = [["".join(one if one.isprintable() else repr(one)[1:-1] for one in text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column.numeric else text.ljust(width)
            for text, width, column in zip(row, widths, table.columns, strict=True)
        ).rstrip()
        for row in shown
    )
