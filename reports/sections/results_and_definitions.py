"""Results and definitions: which results were found or skipped, where they come from, and what each metric means."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.comparison import is_imported
from evalkit.comparison.metric_labels import metric_meaning, metric_name
from evalkit.errors import EvalkitError
from evalkit.metrics import profiles
from evalkit.reports.document.model import (
    Cell,
    ColumnOf,
    ReportedTracker,
    Section,
    Table,
    build_table,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.types import Dataset, Score

_NO_RESULTS = "there are no results"
_NOTE = (
    "Sequences with results, of those of the benchmark. run: tracked by evalkit, with a run record; imported: raw "
    "results made elsewhere, scored by evalkit; published: numbers of a paper only."
)


def results_and_definitions_section(view: View) -> Section:
    """Return the table of the trackers with their results on each benchmark, and the one of the metrics."""
    tables = (*_results_tables(view), *_definitions_tables(view))
    return Section("results-and-definitions", "Results and definitions", tables=tables)


def _results_tables(view: View) -> list[Table]:
    """Return the table of origins and of the number of sequences with results; none without trackers."""
    if not view.trackers:
        return []
    columns: list[ColumnOf[ReportedTracker]] = [
        (text_column("tracker"), lambda one: Cell(one.label, series=one.index)),
        *_name_columns(view.trackers),
        (text_column("origin"), lambda one: Cell("run" if one.origin == "evalkit" else one.origin)),
        *(_results_column(view, dataset) for dataset in view.comparison.datasets),
    ]
    return [build_table("found", "Trackers and results", columns, view.trackers, notes=(_NOTE,))]


def _name_columns(trackers: Sequence[ReportedTracker]) -> list[ColumnOf[ReportedTracker]]:
    """Return the column of evalkit's own names, if a label differs from them."""
    differs = any(one.name != one.label for one in trackers)
    return [(text_column("name"), lambda one: Cell(one.name))] if differs else []


def _results_column(view: View, dataset: Dataset) -> ColumnOf[ReportedTracker]:
    return text_column(dataset.name), lambda one: _results_cell(view, dataset, one.label)


def _results_cell(view: View, dataset: Dataset, label: str) -> Cell:
    key = (dataset.name, label)
    if key not in view.comparison.runs:
        reason = view.comparison.skipped.get(key, _NO_RESULTS)
        return Cell("-") if reason == _NO_RESULTS else Cell("skipped", detail=reason)
    text = f"{len(view.comparison.runs[key])} of {len(dataset.expected)}"
    mixed = view.tracker(label).origin == "evalkit" and is_imported(view.comparison.records.get(key))
    return Cell(text, detail="imported" if mixed else "")


def _definitions_tables(view: View) -> list[Table]:
    """Return the table of the metrics of the report with their definitions; none without scores."""
    kinds = {(score.profile, score.metric): score for score in reversed(view.comparison.scores)}
    used = dict.fromkeys((score.profile, score.metric) for score in view.comparison.scores)
    columns: list[ColumnOf[Score]] = [
        (text_column("metric"), lambda score: Cell(metric_name(score))),
        (text_column("profile"), lambda score: Cell(score.profile)),
        (text_column("definition"), lambda score: Cell(metric_meaning(score))),
        (text_column("source"), lambda score: Cell(_source(score.profile))),
    ]
    return [build_table("definitions", "Metrics", columns, [kinds[kind] for kind in used])] if used else []


def _source(profile: str) -> str:
    """Return the toolkit that a profile equals or the publication that defines it; empty for an unknown profile."""
    try:
        return profiles.find(profile).source
    except EvalkitError:
        return ""
