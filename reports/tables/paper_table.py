"""The table for a paper: chosen metrics of all trackers on all datasets, one group of columns per dataset."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from evalkit.comparison.cost_choice import MACS_CONVENTIONS, PARAMETER_CONVENTIONS, TRACKING
from evalkit.comparison.metric_labels import metric_head, unit_digits
from evalkit.comparison.table_options import TableOptions
from evalkit.errors import EvalkitError, UnknownName, listed, suggestion
from evalkit.reports.document.model import Cell, Column, ReportedTracker, Table, text_column
from evalkit.reports.document.view import View
from evalkit.reports.tables.cost_columns import amount
from evalkit.types import Score

_CITED = "† as published."


class _Cost(NamedTuple):
    """A cost that can be a column."""

    head: str
    unit: float
    digits: int
    higher_is_better: bool
    conventions: tuple[str, ...]


_COSTS = {
    "macs": _Cost("MACs (M)", 1e6, 1, False, MACS_CONVENTIONS),
    "parameters": _Cost("params (M)", 1e6, 2, False, PARAMETER_CONVENTIONS),
    "fps": _Cost("fps", 1.0, 1, True, (TRACKING,)),
    "latency_p50": _Cost("latency (ms)", 1.0, 1, False, (TRACKING,)),
}


class _PaperColumn(NamedTuple):
    """A column and the function that makes a tracker's cell of it."""

    column: Column
    cell: Callable[[ReportedTracker], Cell]


def paper_table(view: View, options: TableOptions) -> Table:
    """Return the table.

    Raises:
        UnknownName: No dataset has a metric, or a dataset has none of the metrics.
    """
    _check(view, options)
    columns = [column for dataset in view.datasets for column in _score_columns(view, dataset, options)]
    columns += [_cost_column(view, name) for name in options.metrics if name in _COSTS]
    rows = _rows(view, columns)
    if options.order == "best" and columns:
        rows.sort(key=lambda row: _rank(row[1], columns[0].column))
    heads = (text_column("tracker"), *(column.column for column in columns))
    cited = (_CITED,) if any(cell.cited for row in rows for cell in row) else ()
    return Table("paper", _title(view, options), heads, tuple(rows), cited).with_best_marked()


def _rows(view: View, columns: list[_PaperColumn]) -> list[tuple[Cell, ...]]:
    return [(Cell(one.label), *(column.cell(one) for column in columns)) for one in view.trackers]


def _check(view: View, options: TableOptions) -> None:
    known = list(dict.fromkeys(score.metric for score in view.comparison.scores))
    for name in options.metrics:
        if name not in known and name not in _COSTS:
            raise UnknownName(
                f"no score of this comparison has the metric {name!r}", where="--metrics",
                expected=listed([*known, *_COSTS], most=30), hint=suggestion(name, [*known, *_COSTS]),
            )  # fmt: skip
    wanted = [name for name in options.metrics if name not in _COSTS]
    for dataset in view.datasets if wanted else ():
        _check_dataset(view, dataset, wanted)


def _check_dataset(view: View, dataset: str, wanted: list[str]) -> None:
    """Refuse a dataset that has none of the wanted metrics."""
    available = list(dict.fromkeys(score.metric for score in view.scores(dataset)))
    if set(wanted) & set(available):
        return
    reason = view.comparison.unscored.get(dataset)
    raise EvalkitError(
        f"none of these metrics has a score on {dataset}" + (f": {reason}" if reason else ""), where="--metrics",
        found=", ".join(wanted), expected=", ".join(available) or None,
        hint=f"Add one of its metrics, or leave out --dataset {dataset}",
    )  # fmt: skip


def _score_columns(view: View, dataset: str, options: TableOptions) -> Iterator[_PaperColumn]:
    for metric in options.metrics:
        found = view.scores(dataset, metric=metric)
        if found:
            yield _score_column(view, [one for one in found if one.profile == found[0].profile], options)


def _score_column(view: View, scores: list[Score], options: TableOptions) -> _PaperColumn:
    """Return the column of one metric on one dataset; a tracker without a score has its published value.

    Args:
        view: The comparison.
        scores: Scores of all trackers by the same profile.
        options: What to show.
    """
    first, own = scores[0], {score.tracker: score for score in scores}
    factor, digits = (100.0, 1) if options.percent and first.unit == "fraction" else (1.0, unit_digits(first.unit))

    def cell(tracker: ReportedTracker) -> Cell:
        score = own.get(tracker.label)
        if score is not None and score.value is not None:
            detail = _interval(score, factor, digits) if options.intervals else ""
            return Cell(f"{factor * score.value:.{digits}f}", factor * score.value, detail=detail)
        number = view.cited(tracker, first.dataset, first.metric)
        if number is None:
            return Cell("-")
        return Cell(f"{factor * number.plain:.{digits}f}†", factor * number.plain, cited=True)

    group = _dataset_name(view, first.dataset)
    return _PaperColumn(Column(metric_head(first), first.higher_is_better, digits=digits, group=group), cell)


def _interval(score: Score, factor: float, digits: int) -> str:
    if score.low is None or score.high is None:
        return ""
    return f"[{factor * score.low:.{digits}f}, {factor * score.high:.{digits}f}]"


def _cost_column(view: View, name: str) -> _PaperColumn:
    kind = _COSTS[name]

    def cell(tracker: ReportedTracker) -> Cell:
        counted = view.cost(tracker.label, name, conventions=kind.conventions)
        cited = {"macs": view.macs, "parameters": view.parameters}.get(name)
        if counted is not None and counted.value is not None:
            return _cost_cell(counted.value, kind, cited=False)
        published = None if cited is None else cited(tracker)
        return Cell("-") if published is None else _cost_cell(published.value, kind, cited=published.cited)

    return _PaperColumn(Column(kind.head, kind.higher_is_better, digits=kind.digits), cell)


def _cost_cell(value: float, kind: _Cost, *, cited: bool) -> Cell:
    return Cell(amount(value / kind.unit, kind.digits) + ("†" if cited else ""), value / kind.unit, cited=cited)


def _rank(cell: Cell, column: Column) -> tuple[bool, float]:
    """Return the key that sorts rows: best first, rows without a value last."""
    value = cell.value if cell.value is not None else math.inf
    return cell.value is None, -value if column.higher_is_better else value


def _dataset_name(view: View, name: str) -> str:
    """Return the name of a dataset as papers print it: that of its results folder, unless two datasets share it."""
    directories = [one.directory for one in view.comparison.datasets]
    found = view.dataset(name)
    return name if found is None or directories.count(found.directory) > 1 else found.directory


def _title(view: View, options: TableOptions) -> str:
    where = listed([_dataset_name(view, name) for name in view.datasets], most=20)
    percent = " Scores in percent." if options.percent else ""
    return f"Results on {where}.{percent} Best in bold, second best underlined."
