"""Sequences: the leading score of every sequence, the hardest ones, and those where trackers differ most."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from evalkit.comparison.metric_labels import metric_head, metric_hint, metric_name, unit_digits
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    Section,
    Table,
    build_table,
    number_cell,
    row_cells,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.types import Score

_SHOWN = 10
"""Rows of the tables of hardest and most different sequences."""

_LEAST_FOR_EXTREMES = 4
"""Number of sequences from which these two tables are shown."""

_DASH = (
    "A dash: the tracker did not fail, and the sequence is shorter than the lengths that EAO averages over, so it has "
    "no value."
)


@dataclass(frozen=True)
class _SequenceScores:
    """The leading score of every tracker by sequence.

    Attributes:
        dataset: Name of the dataset.
        scores: One score per tracker, best first.
        names: Sequences in the order of the scores.
    """

    dataset: str
    scores: list[Score]
    names: list[str]

    @property
    def digits(self) -> int:
        return unit_digits(self.scores[0].unit)

    @property
    def higher_is_better(self) -> bool:
        return self.scores[0].higher_is_better

    def values(self, name: str) -> list[float | None]:
        """Return the values of all trackers on a sequence, None where there is none."""
        return [score.per_sequence.get(name) for score in self.scores]

    def by_tracker(self, name: str) -> dict[str, float]:
        """Return the values on a sequence by the label of the tracker."""
        values = zip(self.scores, self.values(name), strict=True)
        return {score.tracker: value for score, value in values if value is not None}


def sequences_section(view: View, dataset: str) -> Section:
    """Return the table of all sequences; above it the hardest ones and the largest differences, if there are enough."""
    key, title = f"{dataset}-sequences", "Sequences"
    scores = [score for score in view.leading(dataset) if score.per_sequence]
    if not scores:
        return Section(key, title, chapter=dataset)
    names = list(dict.fromkeys(name for score in scores for name in score.per_sequence))
    found = _SequenceScores(dataset, scores, names)
    tables = [_all_sequences(view, found)]
    if len(names) >= _LEAST_FOR_EXTREMES:
        different = [_largest_differences(view, found)] if len(scores) > 1 else []
        tables = [_hardest(found), *different, *tables]
    return Section(key, title, tables=tuple(tables), chapter=dataset)


class _Difficulty(NamedTuple):
    """The mean and the best value of all trackers on a sequence."""

    mean: float
    name: str
    best: float


def _hardest(found: _SequenceScores) -> Table:
    best_of = max if found.higher_is_better else min
    rows = sorted(
        (
            _Difficulty(statistics.fmean(values), name, best_of(values))
            for name in found.names
            if (values := list(found.by_tracker(name).values()))
        ),
        reverse=not found.higher_is_better,
    )
    mean = Column(f"mean {metric_name(found.scores[0])}", hint=metric_hint(found.scores[0]))
    columns: list[ColumnOf[_Difficulty]] = [
        (text_column("sequence"), lambda row: Cell(row.name)),
        (mean, lambda row: number_cell(row.mean, found.digits)),
        (Column("best tracker"), lambda row: number_cell(row.best, found.digits)),
    ]
    return build_table(f"{found.dataset}-hardest", "Hardest sequences", columns, rows[:_SHOWN])


class _Gap(NamedTuple):
    """The difference between the best and the worst tracker on a sequence."""

    size: float
    name: str
    best: tuple[str, float]
    worst: tuple[str, float]


def _largest_differences(view: View, found: _SequenceScores) -> Table:
    gaps = [_gap(name, values, found) for name in found.names if len(values := found.by_tracker(name)) > 1]
    gaps.sort(key=lambda gap: (-gap.size, gap.name))

    def tracker_cell(label: str, value: float) -> Cell:
        return Cell(f"{label} {value:.{found.digits}f}", series=view.tracker(label).index)

    columns: list[ColumnOf[_Gap]] = [
        (text_column("sequence"), lambda gap: Cell(gap.name)),
        (Column("difference"), lambda gap: number_cell(gap.size, found.digits)),
        (text_column("best"), lambda gap: tracker_cell(*gap.best)),
        (text_column("worst"), lambda gap: tracker_cell(*gap.worst)),
    ]
    return build_table(f"{found.dataset}-different", "Largest differences between trackers", columns, gaps[:_SHOWN])


def _gap(name: str, values: Mapping[str, float], found: _SequenceScores) -> _Gap:
    order = sorted(values.items(), key=lambda entry: (entry[1], entry[0]), reverse=found.higher_is_better)
    best, worst = order[0], order[-1]
    return _Gap(abs(best[1] - worst[1]), name, best, worst)


def _all_sequences(view: View, found: _SequenceScores) -> Table:
    first = found.scores[0]
    columns = [text_column("sequence"), Column("frames", digits=0)]
    columns += [Column(score.tracker, digits=found.digits) for score in found.scores]
    lengths, attributes = _lengths(view, found.dataset), _attributes(view, found.dataset)
    rows = [_sequence_row(found, name, lengths.get(name)) for name in found.names]
    if any(attributes.values()):
        columns.append(text_column("attributes"))
        rows = [[*row, Cell(", ".join(attributes.get(row[0].text, ())))] for row in rows]
    return Table(
        f"{found.dataset}-sequences", f"{metric_head(first)} by sequence", tuple(columns),
        tuple(map(tuple, rows)), notes=(_DASH,) if _lacks_eao(found) else (), filterable=True,
    )  # fmt: skip


def _sequence_row(found: _SequenceScores, name: str, length: int | None) -> list[Cell]:
    values = row_cells(found.values(name), found.digits, higher_is_better=found.higher_is_better)
    return [Cell(name), number_cell(length, 0), *values]


def _lacks_eao(found: _SequenceScores) -> bool:
    return found.scores[0].metric == "eao" and any(None in found.values(name) for name in found.names)


def _attributes(view: View, dataset: str) -> dict[str, list[str]]:
    found = view.dataset(dataset)
    return {} if found is None else {one.name: sorted(one.attributes) for one in found.sequences}


def _lengths(view: View, dataset: str) -> dict[str, int]:
    """Return the number of frames of each sequence that any tracker has results for."""
    found: dict[str, int] = {}
    for (benchmark, _), runs in view.comparison.runs.items():
        if benchmark == dataset:
            found = {**{name: len(repetitions[0]) for name, repetitions in runs.items() if repetitions}, **found}
    return found
