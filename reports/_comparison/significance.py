"""Which differences are real: every pair of trackers on the sequences both have."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.metrics.statistics import Difference
from evalkit.reports._comparison.document import Cell, Column, Section, Table, name_cell
from evalkit.reports._comparison.view import View, digits, head, ranked
from evalkit.types import Score

LEVEL = 0.05


def section(view: View, dataset: str) -> Section:
    """A matrix of differences; a word where there is nothing to compare."""
    key, title = f"{dataset}-significance", "Significance"
    scores = ranked(score for score in view.leading(dataset) if score.value is not None)
    found = view.comparison.differences.get(dataset, {})
    if len(scores) < 2:
        return Section(key, title, chapter=dataset)
    if not found:
        why = "No test of significance: fewer than two trackers share two sequences."
        return Section(key, title, chapter=dataset, skipped=(why,))
    return Section(key, title, tables=(_matrix(view, dataset, scores, found),), chapter=dataset)


def _matrix(view: View, dataset: str, scores: list[Score], found: Mapping[tuple[str, str], Difference]) -> Table:
    first = scores[0]
    labels = [score.tracker for score in scores]
    columns = (
        Column("row minus column", numeric=False),
        *(Column(label, digits=digits(first.unit)) for label in labels),
    )
    rows = tuple(
        (
            name_cell(view.contender(row)),
            *(_cell(found, row, column, digits(first.unit), better=first.higher_is_better) for column in labels),
        )
        for row in labels
    )
    counts = sorted({one.sequences for one in found.values()})
    shared = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    notes = (
        f"Differences with their 95 % interval, over resamples of {shared} common sequences. "
        f"A star and a colour: p < {LEVEL} by a permutation test of paired sequences, adjusted after Holm for all "
        f"pairs ({len(found)}). Published numbers without raw results take no part.",
    )
    return Table(f"{dataset}-significance", f"Differences in {head(first.metric, first.unit)}", columns, rows, notes)


def _cell(found: Mapping[tuple[str, str], Difference], row: str, column: str, places: int, *, better: bool) -> Cell:
    sign, difference = (1.0, found.get((row, column))) if (row, column) in found else (-1.0, found.get((column, row)))
    if difference is None:
        return Cell("")
    value = sign * difference.value
    low, high = sorted((sign * difference.low, sign * difference.high))
    real = difference.p_value < LEVEL
    text = f"{value:+.{places}f}{'*' if real else ''}"
    interval = f"[{low:+.{places}f}, {high:+.{places}f}]"
    mark = ("better" if (value > 0) == better else "worse") if real else ""
    return Cell(text, value, mark, detail=interval)
