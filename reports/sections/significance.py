"""Significance: the difference between every pair of trackers on the sequences that both have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import TypeAlias

from evalkit.comparison.metric_labels import metric_head, unit_digits
from evalkit.metrics.statistics import Difference
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    Section,
    Table,
    build_table,
    counted,
    name_cell,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.types import Score

LEVEL = 0.05
"""Adjusted p-value below which a difference is marked as significant."""

MANY = 10
"""Number of trackers above which a pair has its interval in the cell above the diagonal only."""

_Differences: TypeAlias = Mapping[tuple[str, str], Difference]


def significance_section(view: View, dataset: str) -> Section:
    """Return the matrix of differences; a sentence if nothing could be tested."""
    key, title = f"{dataset}-significance", "Significance"
    scores = [score for score in view.leading(dataset) if score.value is not None]
    differences = view.comparison.differences.get(dataset, {})
    if len(scores) < 2:
        return Section(key, title, chapter=dataset)
    if not differences:
        why = "No significance test: there are no two trackers with at least two sequences in common."
        return Section(key, title, chapter=dataset, skipped=(why,))
    return Section(key, title, tables=(_matrix(view, dataset, scores, differences),), chapter=dataset)


def _matrix(view: View, dataset: str, scores: list[Score], differences: _Differences) -> Table:
    first = scores[0]
    columns: list[ColumnOf[str]] = [
        (text_column("row minus column"), lambda label: name_cell(view.tracker(label))),
        *(_difference_column(score, differences, detailed) for score, detailed in _detailed_rows(scores)),
    ]
    return build_table(
        f"{dataset}-significance", f"Differences in {metric_head(first)}", columns,
        [score.tracker for score in scores], notes=(_note(differences, both=len(scores) <= MANY),),
    )  # fmt: skip


def _detailed_rows(scores: list[Score]) -> Iterator[tuple[Score, Set[str]]]:
    """Yield each score with the trackers whose rows have an interval in its column."""
    labels = [score.tracker for score in scores]
    for place, score in enumerate(scores):
        yield score, frozenset(labels if len(scores) <= MANY else labels[:place])


def _difference_column(score: Score, differences: _Differences, detailed: Set[str]) -> ColumnOf[str]:
    """Return the differences of all trackers from the tracker of a score.

    Args:
        score: The tracker of the column.
        differences: All differences.
        detailed: Trackers whose rows have an interval.
    """
    digits, column = unit_digits(score.unit), Column(score.tracker, digits=unit_digits(score.unit))

    def cell(row: str) -> Cell:
        found = _difference(differences, row, score.tracker)
        if found is None:
            return Cell("")
        shown = _difference_cell(*found, digits, higher_is_better=score.higher_is_better)
        return shown if row in detailed else replace(shown, detail="")

    return column, cell


def _difference(differences: _Differences, row: str, column: str) -> tuple[Difference, float] | None:
    """Return the difference of a pair and its sign; a pair is stored in one order only."""
    if (row, column) in differences:
        return differences[row, column], 1.0
    if (column, row) in differences:
        return differences[column, row], -1.0
    return None


def _difference_cell(difference: Difference, sign: float, digits: int, *, higher_is_better: bool) -> Cell:
    value = sign * difference.value
    low, high = sorted((sign * difference.low, sign * difference.high))
    interval = f"[{low:+.{digits}f}, {high:+.{digits}f}]"
    if difference.p_value >= LEVEL:
        return Cell(f"{value:+.{digits}f}", value, detail=interval)
    mark = "better" if (value > 0) == higher_is_better else "worse"
    return Cell(f"{value:+.{digits}f}*", value, mark, detail=interval)


def _note(differences: _Differences, *, both: bool) -> str:
    counts = sorted({one.sequences for one in differences.values()})
    shared = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (
        f"Differences with their 95 % interval{'' if both else ' above the diagonal'}, over resamples "
        f"of the {shared} common sequences. "
        f"A star and a colour mark p < {LEVEL} in a permutation test of paired sequences, adjusted by Holm's method "
        f"for {counted(len(differences), 'pair')} of trackers. Published numbers without raw results are not tested."
    )
