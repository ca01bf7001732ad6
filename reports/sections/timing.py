"""Timing: milliseconds per frame by stage, runtime and device."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evalkit.comparison.cost_choice import TRACKING
from evalkit.plot.ranking import RankedValue
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    Figure,
    Section,
    Table,
    build_table,
    name_cell,
    number_cell,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.reports.figures.plots import ranking_plot
from evalkit.reports.tables.cost_columns import amount_cell, network_runtime
from evalkit.types import Cost

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle

_QUANTITIES = {
    "fps": Column("fps", higher_is_better=True, digits=2, hint="frames per second"),
    "latency_p50": Column("p50 (ms)", higher_is_better=False, digits=2, hint="median"),
    "latency_p90": Column("p90 (ms)", higher_is_better=False, digits=2, hint="90th percentile"),
    "latency_p99": Column("p99 (ms)", higher_is_better=False, digits=2, hint="99th percentile"),
    "initialize_p50": Column("initialize (ms)", higher_is_better=False, digits=2),
}
"""Column of each quantity that the table shows."""

_INTRODUCTION = "Time inside initialize and update, decoding excluded. The first frame of a run initializes."
_MANY_ROWS = 12


def timing_section(view: View) -> Section:
    """Return the table and figure of all times; a sentence names the trackers without times. Empty without times."""
    labels = [one.label for one in view.trackers]
    timed = [cost for cost in view.comparison.costs if cost.tracker in labels and _is_shown(cost)]
    missing = ", ".join(label for label in labels if not any(cost.tracker == label for cost in timed))
    if not timed:
        return Section("timing", "Timing")
    skipped = (f"No times: {missing}. Runs at the same time (--jobs) are not timed.",) if missing else ()
    return Section(
        "timing", "Timing", (_INTRODUCTION,), (_table(view, timed),), tuple(_figures(view, timed)), skipped=skipped
    )


def _is_shown(cost: Cost) -> bool:
    return cost.quantity in _QUANTITIES and cost.value is not None


class _Conditions(NamedTuple):
    """Stage, runtime, precision, device and threads of a measurement."""

    tracker: str
    stage: str
    runtime: str
    precision: str
    device: str
    threads: int


def _conditions(cost: Cost) -> _Conditions:
    return _Conditions(cost.tracker, cost.convention, cost.runtime, cost.precision, cost.device, cost.threads)


class _Times(NamedTuple):
    """The times under the same conditions: the first value of each quantity, and the last of the costs."""

    values: dict[str, float]
    last: Cost


def _table(view: View, costs: list[Cost]) -> Table:
    rows = _times_by_conditions(costs)
    columns: list[ColumnOf[_Times]] = [
        (text_column("tracker"), lambda row: name_cell(view.tracker(row.last.tracker))),
        (text_column("stage"), lambda row: Cell(row.last.convention, detail="; ".join(row.last.not_counted))),
        *(_quantity_column(name) for name in _QUANTITIES if any(name in row.values for row in rows)),
        (text_column("runtime"), lambda row: Cell(_runtime(view, row.last)[0])),
        (text_column("precision"), lambda row: Cell(_runtime(view, row.last)[1])),
        (text_column("device"), lambda row: Cell(row.last.device)),
        (Column("threads", digits=0), lambda row: number_cell(row.last.threads or None, 0)),
    ]
    return build_table("timing", "Milliseconds per frame", columns, rows, filterable=len(rows) > _MANY_ROWS)


def _runtime(view: View, cost: Cost) -> tuple[str, str]:
    """Return the runtime and precision of the network; dashes for a tracker without one."""
    return network_runtime(view, cost) or ("-", "-")


def _times_by_conditions(costs: list[Cost]) -> list[_Times]:
    found: dict[_Conditions, _Times] = {}
    for cost in costs:
        if cost.value is not None:
            values = found[_conditions(cost)].values if _conditions(cost) in found else {}
            values.setdefault(cost.quantity, cost.value)
            found[_conditions(cost)] = _Times(values, cost)
    return list(found.values())


def _quantity_column(quantity: str) -> ColumnOf[_Times]:
    return _QUANTITIES[quantity], lambda row: amount_cell(row.values.get(quantity), 2)


def _figures(view: View, costs: list[Cost]) -> list[Figure]:
    """Return the median latency of every tracker, up to its 99th percentile; none if no tracker was timed."""
    rows = _latencies(view, costs)
    if not rows:
        return []

    def draw(style: FigureStyle) -> Drawing:
        title = "Latency of update, median to 99th percentile"
        return ranking_plot(title, "milliseconds", rows, style, log=True, digits=2)

    values = "; ".join(f"{row.label}: {row.value:.2f} ms" for row in rows)
    data = {"kind": "ranking", "rows": [row.record() for row in rows]}
    return [Figure("latency-plot", "Latency of update", f"Median: {values}.", draw, data)]


def _latencies(view: View, costs: list[Cost]) -> list[RankedValue]:
    """Return the lowest median latency of each tracker, lowest first."""
    slowest = {_conditions(cost): cost.value for cost in costs if cost.quantity == "latency_p99"}
    found: dict[str, RankedValue] = {}
    for cost in sorted(costs, key=lambda one: one.value or 0.0):
        if (cost.quantity, cost.convention) == ("latency_p50", TRACKING) and cost.value:
            index, high = view.tracker(cost.tracker).index, slowest.get(_conditions(cost))
            found.setdefault(cost.tracker, RankedValue(index, cost.tracker, cost.value, cost.value, high))
    return list(found.values())
