"""Results and definitions: which results were found or skipped, where they come from, and what each metric means."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.comparison import is_imported
from evalkit.comparison.metric_labels import declared_metric, metric_name
from evalkit.errors import EvalkitError
from evalkit.metrics import profiles
from evalkit.reports.document.model import (
    Cell,
    ColumnOf,
    ReportedTracker,
    Section,
    Table,
    build_table,
    name_cell,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.types import Dataset, Score

_ORIGINS = {
    "evalkit": "run by evalkit, with run.json",
    "imported": "raw results made elsewhere, scored by evalkit",
    "published": "published numbers only",
}


def results_and_definitions_section(view: View) -> Section:
    """Return the tables of the trackers, of their results on each benchmark, and of the metrics."""
    tables = (_trackers_table(view.trackers), *_results_tables(view), *_definitions_tables(view))
    return Section("results-and-definitions", "Results and definitions", tables=tables)


def _trackers_table(trackers: Sequence[ReportedTracker]) -> Table:
    columns: list[ColumnOf[ReportedTracker]] = [
        (text_column("label"), name_cell),
        (text_column("tracker"), lambda one: Cell(one.name)),
        (text_column("origin"), lambda one: Cell(_ORIGINS[one.origin])),
    ]
    return build_table("trackers", "Trackers", columns, trackers)


def _results_tables(view: View) -> list[Table]:
    """Return the table of the number of sequences with results, by tracker and dataset; none without datasets."""
    datasets = view.comparison.datasets
    if not datasets:
        return []
    columns = [(text_column("tracker"), name_cell), *(_results_column(view, dataset) for dataset in datasets)]
    return [build_table("found", "Results", columns, view.trackers)]


def _results_column(view: View, dataset: Dataset) -> ColumnOf[ReportedTracker]:
    return text_column(dataset.name), lambda one: _results_cell(view, dataset, one.label)


def _results_cell(view: View, dataset: Dataset, label: str) -> Cell:
    key = (dataset.name, label)
    if key not in view.comparison.runs:
        return Cell("skipped", detail=view.comparison.skipped.get(key, ""))
    origin = "imported" if is_imported(view.comparison.records.get(key)) else "run.json"
    return Cell(f"{len(view.comparison.runs[key])} of {len(dataset.expected)}", detail=origin)


def _definitions_tables(view: View) -> list[Table]:
    """Return the table of the metrics of the report with their definitions; none without scores."""
    kinds = {(score.profile, score.metric): score for score in reversed(view.comparison.scores)}
    used = dict.fromkeys((score.profile, score.metric) for score in view.comparison.scores)
    columns: list[ColumnOf[Score]] = [
        (text_column("metric"), lambda score: Cell(metric_name(score))),
        (text_column("profile"), lambda score: Cell(score.profile)),
        (text_column("definition"), lambda score: Cell(_summary(score))),
        (text_column("source"), lambda score: Cell(_source(score.profile))),
    ]
    return [build_table("definitions", "Metrics", columns, [kinds[kind] for kind in used])] if used else []


def _summary(score: Score) -> str:
    declared = declared_metric(score)
    return "" if declared is None else declared.summary


def _source(profile: str) -> str:
    """Return the toolkit that a profile equals or the publication that defines it; empty for an unknown profile."""
    try:
        return profiles.find(profile).source
    except EvalkitError:
        return ""
