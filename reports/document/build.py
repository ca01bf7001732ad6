"""Builds the document of a report: all sections, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evalkit.comparison import Comparison
from evalkit.comparison.table_options import TableOptions
from evalkit.errors import listed
from evalkit.reports.document.model import PAGE_BYTES, Document, Section, counted
from evalkit.reports.document.published import PublishedNumber
from evalkit.reports.document.view import View
from evalkit.reports.sections.accuracy_against_cost import accuracy_against_cost_section
from evalkit.reports.sections.agreement import agreement_section
from evalkit.reports.sections.attributes import attributes_section
from evalkit.reports.sections.auc_by_frame_rate import auc_by_frame_rate_section
from evalkit.reports.sections.failures import failures_section
from evalkit.reports.sections.lighttrack_figure import lighttrack_figure_section
from evalkit.reports.sections.published_values import published_values_section
from evalkit.reports.sections.replay import replay_sections
from evalkit.reports.sections.results_and_definitions import results_and_definitions_section
from evalkit.reports.sections.run_records import run_records_section
from evalkit.reports.sections.scores import scores_section
from evalkit.reports.sections.search import search_sections
from evalkit.reports.sections.sequences import sequences_section
from evalkit.reports.sections.significance import significance_section
from evalkit.reports.sections.summary import summary_section
from evalkit.reports.sections.timing import timing_section
from evalkit.reports.tables.paper_table import paper_table
from evalkit.reports.tables.record_tables import record_tables
from evalkit.reports.tables.score_tables import score_and_cost_tables
from evalkit.types import Cost, Score

DATASET_SECTIONS = (
    scores_section,
    published_values_section,
    agreement_section,
    significance_section,
    attributes_section,
    auc_by_frame_rate_section,
    sequences_section,
    failures_section,
)
"""Sections of each benchmark, before its replays."""

CLOSING_SECTIONS = (
    accuracy_against_cost_section,
    lighttrack_figure_section,
    timing_section,
    run_records_section,
    results_and_definitions_section,
)
"""Sections after those of the benchmarks."""


def build_document(
    comparison: Comparison | None = None,
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
    rows: Sequence[dict[str, Any]] = (),
    table: TableOptions | None = None,
    page_bytes: int | None = None,
) -> Document:
    """Return the document that every format writes.

    Args:
        comparison: What a full report is about; None for tables of scores and costs alone.
        scores, costs, notices: Content of the tables if there is no comparison, which otherwise holds its own.
        rows: Other flat records for a table of their own, if there is no comparison.
        table: What the only table of the document shows; None for a full report.
        page_bytes: Size of the HTML page of a full report, at most; None for the usual limit.

    Raises:
        EvalkitError: A tracker of the comparison has neither results nor published numbers; the table has a metric
            that no tracker has.
    """
    if comparison is None:
        return build_tables(scores, costs, notices, rows)
    if table is not None:
        return build_paper_table(comparison, table)
    return build_report(comparison, page_bytes=PAGE_BYTES if page_bytes is None else page_bytes)


def build_paper_table(
    comparison: Comparison, options: TableOptions, numbers: tuple[PublishedNumber, ...] | None = None
) -> Document:
    """Return a document with one table for a paper; see ``paper_table``.

    Args:
        comparison: What the table is about.
        options: What it shows.
        numbers: Published numbers; those that come with evalkit by default.
    """
    view = View(comparison, numbers)
    section = Section("table", "Table", tables=(paper_table(view, options),))
    return Document("Table", "", view.trackers, (section,), tables_only=True)


def build_report(
    comparison: Comparison, numbers: tuple[PublishedNumber, ...] | None = None, *, page_bytes: int = PAGE_BYTES
) -> Document:
    """Return the full report of a comparison.

    Args:
        comparison: What the report is about.
        numbers: Published numbers; those that come with evalkit by default.
        page_bytes: Size of the HTML page, at most.

    Raises:
        EvalkitError: A tracker has neither results nor published numbers.
    """
    view = View(comparison, numbers, page_bytes)
    return Document(
        title=_title(view),
        subtitle=_subtitle(view),
        trackers=view.trackers,
        sections=tuple(section for section in _all_sections(view) if not section.empty),
        notices=comparison.notices,
        scores=comparison.scores,
        costs=comparison.costs,
        page_bytes=page_bytes,
    )


def _title(view: View) -> str:
    """Return the labels of the trackers, or the names of the searches if there are no trackers."""
    labels = [one.label for one in view.trackers]
    return listed(labels or [f"Search {one.name}" for one in view.comparison.searches], most=4)


def _subtitle(view: View) -> str:
    """Return the number of trackers, the benchmarks, and the origin of the results if it is the same for all."""
    if not view.trackers:
        return ""
    datasets = f" on {listed(view.datasets)}" if view.datasets else ""
    origin = f", all {view.shared_origin}" if view.shared_origin else ""
    return f"{counted(len(view.trackers), 'tracker')}{datasets}{origin}"


def _all_sections(view: View) -> Iterable[Section]:
    yield summary_section(view)
    for dataset in view.datasets:
        yield from (build(view, dataset) for build in DATASET_SECTIONS)
        yield from replay_sections(view, dataset)
    yield from search_sections(view)
    yield from (build(view) for build in CLOSING_SECTIONS)


def build_tables(
    scores: Sequence[Score], costs: Sequence[Cost], notices: Sequence[str], rows: Sequence[dict[str, Any]] = ()
) -> Document:
    """Return tables of scores and costs without the sections of a report, as a terminal or a paper needs them.

    One table for each benchmark, protocol, attribute and frame rate; costs without scores are one table, and so are
    other records.
    """
    view = View(Comparison((), scores=tuple(scores), costs=tuple(costs)), ())
    section = Section("scores", "Scores", tables=(*score_and_cost_tables(view), *record_tables(rows)))
    return Document(
        "Scores", "", view.trackers, (section,), tuple(notices), tuple(scores), tuple(costs), tables_only=True
    )
