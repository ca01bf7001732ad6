"""Scores of one benchmark: every metric, the curves, the ranking, and published numbers next to the measured ones."""

from __future__ import annotations

from typing import NamedTuple

from evalkit.comparison.metric_labels import metric_name, unit_digits
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    ReportedTracker,
    Section,
    Table,
    build_table,
    name_cell,
    number_cell,
    text_column,
)
from evalkit.reports.document.published import PublishedNumber, find_published
from evalkit.reports.document.view import View
from evalkit.reports.sections.scores_figures import curve_figures, eao_interval, ranking_figures
from evalkit.reports.sections.summary import difference_cell
from evalkit.reports.tables.score_tables import scores_table
from evalkit.types import Score

_PUBLISHED_NOTE = (
    "Published numbers are claims by their sources; a row without a measured value has no raw results to check it "
    "against."
)
_NO_CURVES = "No curves: the metrics of this profile do not summarize curves."


class _PublishedRow(NamedTuple):
    """A published number and the measured score that it can be compared with."""

    tracker: ReportedTracker
    head: str
    number: PublishedNumber
    measured: Score | None
    digits: int


def scores_section(view: View, dataset: str) -> Section:
    """Return the tables and figures of all scores; only a sentence if no tracker has scores."""
    key, title = f"{dataset}-scores", "Scores"
    scores = view.scores(dataset)
    if not scores:
        return Section(key, title, chapter=dataset, skipped=(_why_no_scores(view, dataset),))
    return Section(
        key,
        title,
        tables=(scores_table(view, scores), *_published_tables(view, dataset, scores)),
        figures=(*curve_figures(view, dataset), *ranking_figures(view, dataset)),
        skipped=(*_no_curves(scores), *_too_short_for_eao(view, dataset, scores)),
        chapter=dataset,
    )


def _why_no_scores(view: View, dataset: str) -> str:
    """Return the reason why no tracker has scores: the groundtruth is withheld, or there are no results."""
    comparison = view.comparison
    reasons = dict.fromkeys(reason for (name, _), reason in comparison.skipped.items() if name == dataset)
    reason = comparison.unscored.get(dataset) or "; ".join(reasons)
    return f"No scores: {reason}." if reason else "No tracker has scores on this benchmark."


def _published_tables(view: View, dataset: str, scores: list[Score]) -> list[Table]:
    """Return one table of the published numbers in the metrics of the first profile; none without such numbers."""
    rows = _published_rows(view, dataset, [score for score in scores if score.profile == scores[0].profile])
    if not rows:
        return []
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
    title = "Published and measured values"
    return [build_table(f"{dataset}-published", title, columns, rows, notes=(_PUBLISHED_NOTE,))]


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


def _no_curves(scores: list[Score]) -> tuple[str, ...]:
    return () if any(score.curve is not None for score in scores) else (_NO_CURVES,)


def _too_short_for_eao(view: View, dataset: str, scores: list[Score]) -> tuple[str, ...]:
    """Return a sentence if EAO averages over lengths that none of the sequences has.

    In the multi-start protocol these lengths count as failures and make every EAO small.
    """
    found, interval = view.dataset(dataset), eao_interval(view, dataset)
    has_eao = any((score.metric, score.profile) == ("eao", "vot-multistart") for score in scores)
    if found is None or interval is None or not has_eao:
        return ()
    first, last = interval
    longest = max(len(sequence) for sequence in found.sequences)
    if longest >= last:
        return ()
    return (f"EAO averages over lengths between {first} and {last} frames; the longest sequence here has {longest}.",)
