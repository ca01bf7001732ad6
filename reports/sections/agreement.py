"""Agreement between trackers: mean overlap of their boxes with one another, for a benchmark that cannot be scored."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from evalkit.comparison import Agreement, agreements
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    Section,
    Table,
    build_table,
    name_cell,
    number_cell,
    text_column,
)
from evalkit.reports.document.view import View

_TITLE = "Agreement between trackers"
_NOTE = (
    "Mean overlap of the boxes of two trackers, over frames and then over sequences, in [0, 1]. The first frame is "
    "left out. A frame on which only one of them answered counts as 0. Agreement is not accuracy: two trackers can be "
    "wrong alike."
)
_MOST_PAIRS = 6
"""Number of pairs up to which the table of sequences has a column for each pair."""

_MANY_ROWS = 12

_Pair: TypeAlias = tuple[str, str]


class _SequenceAgreement(NamedTuple):
    """The agreement of every pair of trackers on one sequence."""

    name: str
    values: Mapping[_Pair, float]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values.values())

    @property
    def lowest(self) -> _Pair:
        return min(self.values, key=lambda pair: self.values[pair])


def agreement_section(view: View, dataset: str) -> Section:
    """Return the agreement overall and by sequence; empty for a benchmark with scores or fewer than two results."""
    key = f"{dataset}-agreement"
    found = agreements(view.comparison.runs_on(dataset)) if dataset in view.comparison.unscored else {}
    if not found:
        return Section(key, _TITLE, chapter=dataset)
    rows = sorted(_by_sequence(found), key=lambda row: (row.mean, row.name))
    tables = [_overall(view, dataset, found), *([_sequences(dataset, found, rows)] if len(rows) > 1 else [])]
    return Section(key, _TITLE, (_NOTE,), tuple(tables), chapter=dataset)


def _overall(view: View, dataset: str, found: Mapping[_Pair, Agreement]) -> Table:
    """Return the symmetric matrix of the agreement of every pair over all sequences."""
    labels = list(dict.fromkeys(label for pair in found for label in pair))
    columns: list[ColumnOf[str]] = [(text_column("tracker"), lambda label: name_cell(view.tracker(label)))]
    columns += [_tracker_column(label, found) for label in labels]
    return build_table(f"{dataset}-agreement", "Mean overlap with one another", columns, labels)


def _tracker_column(other: str, found: Mapping[_Pair, Agreement]) -> ColumnOf[str]:
    def cell(label: str) -> Cell:
        one = found.get((label, other)) or found.get((other, label))
        return Cell("") if label == other else number_cell(None if one is None else one.value)

    return Column(other), cell


def _by_sequence(found: Mapping[_Pair, Agreement]) -> Iterable[_SequenceAgreement]:
    names = dict.fromkeys(name for one in found.values() for name in one.per_sequence)
    for name in names:
        values = {pair: one.per_sequence[name] for pair, one in found.items() if name in one.per_sequence}
        yield _SequenceAgreement(name, values)


def _sequences(dataset: str, found: Mapping[_Pair, Agreement], rows: list[_SequenceAgreement]) -> Table:
    """Return the table of sequences, the one with the least agreement first."""
    columns: list[ColumnOf[_SequenceAgreement]] = [(text_column("sequence"), lambda row: Cell(row.name))]
    if len(found) > 1:
        columns.append((Column("mean of all pairs"), lambda row: number_cell(row.mean)))
    if len(found) <= _MOST_PAIRS:
        columns += [_pair_column(pair) for pair in found]
    else:
        columns.append((Column("lowest"), lambda row: number_cell(row.values[row.lowest])))
        columns.append((text_column("pair with the lowest"), lambda row: Cell(" and ".join(row.lowest))))
    return build_table(
        f"{dataset}-agreement-sequences", "Agreement by sequence, lowest first", columns, rows,
        filterable=len(rows) > _MANY_ROWS,
    )  # fmt: skip


def _pair_column(pair: _Pair) -> ColumnOf[_SequenceAgreement]:
    return Column(" and ".join(pair)), lambda row: number_cell(row.values.get(pair))
