"""Tables of scores: one row a tracker, one column a metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from evalkit.comparison.cost_choice import TRACKING
from evalkit.comparison.metric_labels import metric_head, metric_hint, metric_meaning, unit_digits
from evalkit.comparison.ranking import leading_scores, ranked
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    ReportedTracker,
    Table,
    build_table,
    counted,
    name_cell,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.reports.tables.cost_columns import cost_columns
from evalkit.reports.tables.cost_list import cost_list_table
from evalkit.types import Score

_Convention: TypeAlias = tuple[ReportedTracker, str]
"""A tracker and the profile that its results are scored by."""


def score_and_cost_tables(view: View) -> Iterator[Table]:
    """Yield one table for each benchmark, protocol, attribute and frame rate; costs without scores are one table."""
    comparison = view.comparison
    for group in _grouped(comparison.scores):
        if _has_several_conventions(group):
            yield conventions_table(view, group)
        else:
            yield scores_table(view, group, costs=not _part(group[0]))
    if comparison.costs and not comparison.scores:
        yield cost_list_table(comparison.costs)


def _grouped(scores: Iterable[Score]) -> list[list[Score]]:
    """Return scores of the same dataset, protocol and part of the dataset, in order of appearance."""
    found: dict[tuple[str, str, str], list[Score]] = {}
    for score in scores:
        found.setdefault((score.dataset, score.protocol, _part(score)), []).append(score)
    return list(found.values())


def _part(score: Score) -> str:
    """Return the attribute and the frame rate that a score is restricted to; empty for an unrestricted score."""
    rate = "" if score.fps is None else f"{score.fps:g} fps"
    return ", ".join(filter(None, (score.attribute, rate)))


def _has_several_conventions(scores: Sequence[Score]) -> bool:
    """Return whether a tracker has the same metric by two profiles."""
    found = [(score.tracker, score.metric) for score in scores]
    return len(found) > len(set(found))


def scores_table(view: View, scores: Sequence[Score], *, costs: bool = False) -> Table:
    """Return the table of scores: a row for each tracker, best first by the leading metric, a column for each metric.

    Args:
        view: The comparison that the scores belong to.
        scores: Scores of one dataset, protocol and attribute.
        costs: Whether to add columns of MACs, parameters and speed.
    """
    shown = _without_second_speed(view, scores) if costs else scores
    order = [*ranked(leading_scores(shown)), *shown]
    trackers = [view.tracker(label) for label in dict.fromkeys(score.tracker for score in order)]
    columns = [(text_column("tracker"), name_cell), *_metric_columns(shown), *_coverage_columns(shown)]
    columns += cost_columns(view, trackers) if costs else []
    notes = _grouped_notes(shown) if not _part(shown[0]) else ()
    return build_table(_key(shown, "scores"), _title(shown), columns, trackers, notes=notes).with_best_marked()


def _grouped_notes(scores: Sequence[Score]) -> list[str]:
    """Return each note once, with the trackers that it holds for in brackets unless it holds for all."""
    found: dict[str, dict[str, None]] = {}
    for score in scores:
        for note in score.notes:
            found.setdefault(note, {})[score.tracker] = None
    everyone = {score.tracker for score in scores}
    return [note if set(labels) == everyone else f"{note} ({', '.join(labels)})" for note, labels in found.items()]


def _without_second_speed(view: View, scores: Sequence[Score]) -> Sequence[Score]:
    """Return the scores without got10k's frame rate if the column of evalkit's own rate has one for every tracker.

    got10k's is the mean of the frames' rates, evalkit's is frames divided by seconds.
    """
    rated = [score for score in scores if score.metric == "fps" and score.value is not None]
    if any(view.cost(score.tracker, "fps", conventions=(TRACKING,)) is None for score in rated):
        return scores
    return [score for score in scores if score.metric != "fps"]


def _metric_columns(scores: Sequence[Score]) -> list[ColumnOf[ReportedTracker]]:
    """Return one column for each profile and metric; the profile is named where two have the same metric."""
    found: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        found.setdefault((score.profile, score.metric), []).append(score)
    metrics = [metric for _, metric in found]
    return [_metric_column(same, named=metrics.count(metric) > 1) for (_, metric), same in found.items()]


def _metric_column(scores: Sequence[Score], *, named: bool) -> ColumnOf[ReportedTracker]:
    """Return the column of one profile and metric.

    Args:
        scores: Those of all trackers.
        named: Whether the head names the profile.
    """
    first, own = scores[0], {score.tracker: score for score in scores}
    digits = unit_digits(first.unit)
    head = metric_head(first) + (f" · {first.profile}" if named else "")
    column = Column(head, first.higher_is_better, digits=digits, hint=metric_hint(first))
    return column, lambda tracker: score_cell(own.get(tracker.label), digits)


def _coverage_columns(scores: Sequence[Score]) -> list[ColumnOf[ReportedTracker]]:
    """Return the number of scored sequences, if some were not scored."""
    if all(score.sequences == score.expected_sequences for score in scores):
        return []
    return [(Column("sequences", digits=0), lambda tracker: _coverage_cell(scores, tracker))]


def _coverage_cell(scores: Iterable[Score], tracker: ReportedTracker) -> Cell:
    """Return "n of N", with the smallest n where metrics differ."""
    own = (score for score in scores if score.tracker == tracker.label)
    least = min(own, key=lambda score: score.sequences)
    return Cell(f"{least.sequences} of {least.expected_sequences}", least.sequences)


def conventions_table(view: View, scores: Sequence[Score]) -> Table:
    """Return the table of several conventions: a row for each tracker and profile, a column for each metric."""
    first_by_metric = {score.metric: score for score in reversed(scores)}
    metrics = dict.fromkeys(score.metric for score in scores)
    own = {(score.tracker, score.profile, score.metric): score for score in scores}
    columns: list[ColumnOf[_Convention]] = [
        (text_column("tracker"), lambda row: name_cell(row[0])),
        (text_column("profile"), lambda row: Cell(row[1])),
        *(_convention_column(first_by_metric[metric], own) for metric in metrics),
    ]
    pairs = dict.fromkeys((score.tracker, score.profile) for score in scores)
    rows = [(view.tracker(label), profile) for label, profile in pairs]
    notes = dict.fromkeys(f"{score.tracker}, {score.profile}: {note}" for score in scores for note in score.notes)
    return build_table(_key(scores, "conventions"), _title(scores), columns, rows, notes=notes)


def _convention_column(first: Score, own: Mapping[tuple[str, str, str], Score]) -> ColumnOf[_Convention]:
    digits = unit_digits(first.unit)
    column = Column(metric_head(first), first.higher_is_better, digits=digits, hint=metric_meaning(first))
    return column, lambda row: score_cell(own.get((row[0].label, row[1], first.metric)), digits)


def score_cell(score: Score | None, digits: int) -> Cell:
    """Return a value; in small print its deviation between runs and its confidence interval. A dash for no value."""
    if score is None or score.value is None:
        return Cell("-")
    known = score.low is not None and score.high is not None
    interval = f"[{score.low:.{digits}f}, {score.high:.{digits}f}]" if known else ""
    between = f"±{score.repetition_deviation:.{digits}f}" if score.repetition_deviation else ""
    detail = " ".join(filter(None, (between, interval)))
    return Cell(f"{score.value:.{digits}f}", score.value, detail=detail)


def _key(scores: Sequence[Score], suffix: str) -> str:
    return "-".join(filter(None, (scores[0].dataset, _part(scores[0]), suffix)))


def _title(scores: Sequence[Score]) -> str:
    """Return the title of a table: dataset, number of sequences, protocol, and profiles with their versions."""
    first = scores[0]
    profiles = dict.fromkeys(f"{score.profile} v{score.version}" for score in scores)
    parts = ", ".join(filter(None, (first.dataset, _part(first))))
    return f"{parts} ({_sequence_count(scores)}, {first.protocol.replace('_', '-')}, {', '.join(profiles)})"


def _sequence_count(scores: Sequence[Score]) -> str:
    counts = sorted({score.sequences for score in scores})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    expected = scores[0].expected_sequences
    if counts != [expected]:
        return f"{number} of {expected} sequences"
    return counted(expected, "sequence")
