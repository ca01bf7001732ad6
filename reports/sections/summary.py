"""Summary: the leading score of each benchmark, the published value next to it, and what each tracker costs."""

from __future__ import annotations

from evalkit.comparison.cost_choice import TRACKING, is_invalid
from evalkit.comparison.metric_labels import metric_head, metric_hint, unit_digits
from evalkit.errors import listed
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
from evalkit.reports.document.published import PublishedNumber
from evalkit.reports.document.view import View
from evalkit.reports.tables.cost_columns import clock_note, cost_columns, macs_note
from evalkit.reports.tables.score_tables import score_cell
from evalkit.types import Score

_LEGEND = "Best in bold, second best underlined."
_SMALL_PRINT = (
    "Small print: the 95 % confidence interval over sequences; after a published value, the measured minus the "
    "published value."
)
_CITED = "† cited from a publication, not counted by evalkit."
_PUBLISHED = "(published): numbers of a paper without raw results, which the significance tests leave out."
_BUSY = "Some speeds were measured on a busy machine and are invalid; the table of times names them."


def summary_section(view: View) -> Section:
    """Return one table with a row for each tracker, best first on the first benchmark; nothing without trackers."""
    if not view.trackers:
        return Section("summary", "Summary")
    columns: list[ColumnOf[ReportedTracker]] = [(text_column("tracker"), name_cell)]
    for dataset in view.datasets:
        columns += _dataset_columns(view, dataset)
    columns += cost_columns(view, view.trackers)
    leading = view.leading(view.datasets[0]) if view.datasets else []
    places = {score.tracker: place for place, score in enumerate(leading)}
    rows = sorted(view.trackers, key=lambda one: places.get(one.label, len(places)))
    table = build_table("summary", "Summary", columns, rows, notes=_notes(view))
    return Section("summary", "Summary", tables=(table.with_best_marked(),))


def _dataset_columns(view: View, dataset: str) -> list[ColumnOf[ReportedTracker]]:
    """Return the leading score on a dataset, and the published one if any tracker has one."""
    scores = {score.tracker: score for score in view.leading(dataset)}
    if not scores:
        return []
    first = next(iter(scores.values()))
    digits = unit_digits(first.unit)
    head = f"{dataset} {metric_head(first)}"
    column = Column(head, first.higher_is_better, digits=digits, hint=metric_hint(first))
    columns: list[ColumnOf[ReportedTracker]] = [(column, lambda one: score_cell(scores.get(one.label), digits))]
    cited = {one.label: view.cited(one, dataset, first.metric) for one in view.trackers}
    if any(cited.values()):
        published = Column("published", digits=digits, hint="published value; small print: measured minus published")
        columns.append((published, lambda one: _published_cell(scores.get(one.label), cited[one.label], digits)))
    return columns


def _published_cell(score: Score | None, number: PublishedNumber | None, digits: int) -> Cell:
    if number is None:
        return Cell("-")
    difference = difference_cell(score, number.plain, digits)
    if difference.value is None:
        return number_cell(number.plain, digits)
    return Cell(f"{number.plain:.{digits}f}", number.plain, detail=f"({difference.text})")


def difference_cell(score: Score | None, published: float, digits: int) -> Cell:
    """Return the measured minus the published value; a dash if sequences are missing, as published values cover all."""
    if score is None or score.value is None or score.sequences != score.expected_sequences:
        return Cell("-")
    return Cell(f"{score.value - published:+.{digits}f}", score.value - published)


def _notes(view: View) -> list[str]:
    notes = (
        _legend(view),
        _partial_note(view),
        _CITED if _has_cited_costs(view) else "",
        _PUBLISHED if any(one.origin == "published" for one in view.trackers) else "",
        _BUSY if _has_invalid_speeds(view) else "",
        _macs_sentence(view),
        _fps_sentence(view),
    )
    return [note for note in notes if note]


def _legend(view: View) -> str:
    scored = any(view.leading(dataset) for dataset in view.datasets)
    return f"{_LEGEND} {_SMALL_PRINT}" if scored else _LEGEND


def _partial_note(view: View) -> str:
    partial = [found for dataset in view.datasets if (found := _partial_coverage(dataset, view.leading(dataset)))]
    return f"Partial: {'; '.join(partial)}." if partial else ""


def _partial_coverage(dataset: str, scores: list[Score]) -> str:
    """Return the number of scored sequences, by tracker where it differs; empty if all sequences are scored."""
    covered: dict[tuple[int, int], list[str]] = {}
    for score in scores:
        covered.setdefault((score.sequences, score.expected_sequences), []).append(score.tracker)
    parts = [
        f"{some} of {every} sequences" + (f" ({listed(labels)})" if len(covered) > 1 else "")
        for (some, every), labels in covered.items()
        if some != every
    ]
    return f"{', '.join(parts)} of {dataset}" if parts else ""


def _has_cited_costs(view: View) -> bool:
    costs = (cost for one in view.trackers for cost in (view.macs(one), view.parameters(one)))
    return any(cost is not None and cost.cited for cost in costs)


def _has_invalid_speeds(view: View) -> bool:
    speeds = (
        view.cost(one.label, quantity, conventions=(TRACKING,))
        for one in view.trackers
        for quantity in ("fps", "latency_p50")
    )
    return any(cost is not None and is_invalid(cost) for cost in speeds)


def _macs_sentence(view: View) -> str:
    counted = macs_note(view)
    return f"MACs: {counted}; the other conventions are listed under Accuracy against cost." if counted else ""


def _fps_sentence(view: View) -> str:
    clock = clock_note(view, "fps")
    return f"fps: frames divided by seconds inside the tracker, decoding excluded; timed on {clock}." if clock else ""
