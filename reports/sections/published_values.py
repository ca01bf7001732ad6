"""Published values of one benchmark next to the measured ones."""

from __future__ import annotations

from typing import NamedTuple

from evalkit.comparison.metric_labels import metric_name, unit_digits
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    ReportedTracker,
    Section,
    build_table,
    name_cell,
    number_cell,
    text_column,
)
from evalkit.reports.document.published import PublishedNumber, find_published
from evalkit.reports.document.view import View
from evalkit.reports.sections.summary import difference_cell
from evalkit.types import Score

_PUBLISHED_NOTE = (
    "Published numbers are claims by their sources; a row without a measured value has no raw results to check it "
    "against."
)


class _PublishedRow(NamedTuple):
    """A published number and the measured score that it can be compared with."""

    tracker: ReportedTracker
    head: str
    number: PublishedNumber
    measured: Score | None
    digits: int


def published_values_section(view: View, dataset: str) -> Section:
    """Return the table of published numbers in the metrics of the first profile; empty without such numbers."""
    key, title = f"{dataset}-published", "Published and measured values"
    scores = view.scores(dataset)
    rows = _published_rows(view, dataset, [score for score in scores if score.profile == scores[0].profile])
    if not rows:
        return Section(key, title, chapter=dataset)
    columns: list[ColumnOf[_PublishedRow]] = [
        (text_column("tracker"), lambda row: name_cell(row.tracker)),
        (text_column("metric"), lambda row: Cell(row.head)),
        (Column("measured"), lambda row: _measured_cell(row)),
        (Column("published"), lambda row: number_cell(row.number.plain, row.digits)),
        (Column("difference"), lambda row: difference_cell(row.measured, row.number.plain, row.digits)),
        (text_column("source"), lambda row: Cell(row.number.source)),
        (text_column("certainty"), lambda row: Cell(row.number.certainty)),
        (text_column("note"), lambda row: Cell(row.number.note)),
    ]
    table = build_table(f"{dataset}-published", title, columns, rows, notes=(_PUBLISHED_NOTE,))
    return Section(key, title, tables=(table,), chapter=dataset)


def _measured_cell(row: _PublishedRow) -> Cell:
    return number_cell(None if row.measured is None else row.measured.value, row.digits)


def _published_rows(view: View, dataset: str, scores: list[Score]) -> list[_PublishedRow]:
    measured = {(score.tracker, score.metric): score for score in scores}
    kinds = {score.metric: score for score in scores}
    return [
        _PublishedRow(one, metric_name(kind), number, measured.get((one.label, metric)), unit_digits(kind.unit))
        for one in view.trackers
        for metric, kind in kinds.items()
        for number in find_published(view.published, one.name, dataset, metric)
    ]
