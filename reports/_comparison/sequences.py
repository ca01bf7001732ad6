"""Sequence by sequence: who tracked what, which ones are hard, and where trackers part."""

from __future__ import annotations

import statistics

from evalkit.reports._comparison.document import Cell, Column, Section, Table, number_cell
from evalkit.reports._comparison.view import View, digits, head
from evalkit.types import Score

_SHOWN = 10

_SHORT = (
    "A dash: without a failure, a sequence shorter than the lengths that EAO averages over says nothing about them."
)


def section(view: View, dataset: str) -> Section:
    leaders = [score for score in view.leading(dataset) if score.per_sequence]
    if not leaders:
        return Section(f"{dataset}-sequences", "Sequences", chapter=dataset)
    names = list(dict.fromkeys(name for score in leaders for name in score.per_sequence))
    tables = [_all(view, dataset, leaders, names)]
    if len(names) > 3:
        tables.insert(0, _hardest(dataset, leaders, names))
    if len(names) > 3 and len(leaders) > 1:
        tables.insert(1, _most_different(view, dataset, leaders, names))
    return Section(f"{dataset}-sequences", "Sequences", tables=tuple(tables), chapter=dataset)


def _values(leaders: list[Score], name: str) -> list[float]:
    found = [score.per_sequence.get(name) for score in leaders]
    return [value for value in found if value is not None]


def _hardest(dataset: str, leaders: list[Score], names: list[str]) -> Table:
    first = leaders[0]
    worst_first = sorted(
        ((statistics.fmean(values), name) for name in names if (values := _values(leaders, name))),
        reverse=not first.higher_is_better,
    )[:_SHOWN]
    rows = tuple(
        (
            Cell(name),
            number_cell(mean, digits(first.unit)),
            number_cell(_best(first, _values(leaders, name)), digits(first.unit)),
        )
        for mean, name in worst_first
    )
    columns = (Column("sequence", numeric=False), Column(f"mean {head(first.metric)}"), Column("best of all"))
    return Table(f"{dataset}-hardest", "Hardest for all", columns, rows)


def _best(score: Score, values: list[float]) -> float:
    return max(values) if score.higher_is_better else min(values)


def _most_different(view: View, dataset: str, leaders: list[Score], names: list[str]) -> Table:
    places = digits(leaders[0].unit)
    found = []
    for name in names:
        known = [(value, score.tracker) for score in leaders if (value := score.per_sequence.get(name)) is not None]
        if len(known) > 1:
            high, low = max(known), min(known)
            best, worst = (high, low) if leaders[0].higher_is_better else (low, high)
            found.append((high[0] - low[0], name, best, worst))
    found.sort(key=lambda item: (-item[0], item[1]))
    rows = tuple(
        (
            Cell(name), number_cell(gap, places),
            Cell(f"{best[1]} {best[0]:.{places}f}", series=view.contender(best[1]).index),
            Cell(f"{worst[1]} {worst[0]:.{places}f}", series=view.contender(worst[1]).index),
        )
        for gap, name, best, worst in found[:_SHOWN]
    )  # fmt: skip
    columns = (
        Column("sequence", numeric=False),
        Column("gap"),
        Column("best", numeric=False),
        Column("worst", numeric=False),
    )
    return Table(f"{dataset}-different", "Where trackers differ most", columns, rows)


def _all(view: View, dataset: str, leaders: list[Score], names: list[str]) -> Table:
    first = leaders[0]
    found = view.comparison.dataset(dataset)
    tags = {one.name: one.attributes for one in found.sequences} if found is not None else {}
    lengths = {one.name: _frames(view, dataset, one.name) for one in found.sequences} if found is not None else {}
    columns = [Column("sequence", numeric=False), Column("frames", digits=0)]
    columns += [Column(score.tracker, digits=digits(first.unit)) for score in leaders]
    columns += [Column("attributes", numeric=False)] if any(tags.values()) else []
    rows = []
    for name in names:
        values = [score.per_sequence.get(name) for score in leaders]
        present = [value for value in values if value is not None]
        best = _best(first, present) if len(present) > 1 else None
        length = lengths.get(name)
        cells = [Cell(name), Cell("-" if length is None else str(length), length)]
        cells += [
            number_cell(value, digits(first.unit), mark="best" if value is not None and value == best else "")
            for value in values
        ]
        cells += [Cell(", ".join(sorted(tags.get(name, ()))))] if any(tags.values()) else []
        rows.append(tuple(cells))
    title = f"{head(first.metric, first.unit)} by sequence"
    notes = (_SHORT,) if first.metric == "eao" and any(cell.text == "-" for row in rows for cell in row[2:]) else ()
    return Table(f"{dataset}-sequences", title, tuple(columns), tuple(rows), notes, filterable=True)


def _frames(view: View, dataset: str, name: str) -> int | None:
    for (benchmark, _), runs in view.comparison.runs.items():
        if benchmark == dataset and runs.get(name):
            return len(runs[name][0])
    return None
