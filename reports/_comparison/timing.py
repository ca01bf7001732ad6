"""How long a frame takes, by stage, runtime and device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports._comparison.costs import amount, executed_by
from evalkit.reports._comparison.document import Cell, Column, Figure, Section, Table, name_cell
from evalkit.reports._comparison.view import View
from evalkit.types import Cost

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_QUANTITIES = (
    ("fps", "fps", True),
    ("latency_p50", "p50 (ms)", False),
    ("latency_p90", "p90 (ms)", False),
    ("latency_p99", "p99 (ms)", False),
    ("initialize_p50", "initialize (ms)", False),
)


def section(view: View) -> Section:
    known = {one.label for one in view.contenders}
    costs = [cost for cost in view.comparison.costs if cost.tracker in known and cost.value is not None]
    timed = [cost for cost in costs if any(cost.quantity == name for name, *_ in _QUANTITIES)]
    silent = [one.label for one in view.contenders if not any(cost.tracker == one.label for cost in timed)]
    skipped = (f"No times: {', '.join(silent)}. Runs at the same time (--jobs) are not timed.",) if silent else ()
    if not timed:
        return Section("timing", "Timing", skipped=("No tracker has stored times.",))
    return Section(
        "timing", "Timing",
        ("Time inside initialize and update, decoding excluded. The first frame of a run initializes.",),
        (_table(view, timed),), tuple(_figures(view, timed)), skipped=skipped,
    )  # fmt: skip


def _circumstances(cost: Cost) -> tuple[str, str, str, str, str, int]:
    return cost.tracker, cost.convention, cost.runtime, cost.precision, cost.device, cost.threads


def _table(view: View, costs: list[Cost]) -> Table:
    groups: dict[tuple[str, str, str, str, str, int], dict[str, float]] = {}
    lasts: dict[tuple[str, str, str, str, str, int], Cost] = {}
    for cost in costs:
        if cost.value is not None:
            groups.setdefault(_circumstances(cost), {}).setdefault(cost.quantity, cost.value)
            lasts[_circumstances(cost)] = cost
    shown = [entry for entry in _QUANTITIES if any(entry[0] in values for values in groups.values())]
    columns = [Column("tracker", numeric=False), Column("stage", numeric=False)]
    columns += [Column(title, better, digits=2) for _, title, better in shown]
    columns += [Column(name, numeric=False) for name in ("runtime", "precision", "device")]
    columns.append(Column("threads", digits=0))
    rows = []
    for circumstances, values in groups.items():
        tracker, stage, _, _, device, threads = circumstances
        runtime, precision = executed_by(view, lasts[circumstances]) or ("-", "-")
        rows.append((
            name_cell(view.contender(tracker)), Cell(stage, detail="; ".join(lasts[circumstances].not_counted)),
            *(_speed(values.get(name)) for name, *_ in shown),
            Cell(runtime), Cell(precision), Cell(device), Cell(str(threads) if threads else "-", threads or None),
        ))  # fmt: skip
    return Table("timing", "Milliseconds a frame", tuple(columns), tuple(rows), filterable=len(rows) > 12)


def _speed(value: float | None) -> Cell:
    return Cell("-") if value is None else Cell(amount(value, 2), value)


def _figures(view: View, costs: list[Cost]) -> list[Figure]:
    medians = [cost for cost in costs if cost.quantity == "latency_p50" and cost.convention == "tracking"]
    slowest = {_circumstances(cost): cost.value for cost in costs if cost.quantity == "latency_p99"}
    rows = [
        (view.contender(cost.tracker).index, cost.tracker, cost.value, cost.value, slowest.get(_circumstances(cost)))
        for cost in sorted(medians, key=lambda cost: cost.value or 0.0)
        if cost.value is not None and cost.value > 0
    ]
    rows = list({row[0]: row for row in reversed(rows)}.values())[::-1]
    if not rows:
        return []

    def draw() -> Drawing:
        from evalkit.reports._figures.ranking import ranking_plot

        return ranking_plot("Latency of update, median to 99th percentile", "milliseconds", rows, log=True, digits=2)

    told = "; ".join(f"{row[1]}: {row[2]:.2f} ms" for row in rows)
    data = {"kind": "ranking", "rows": [list(row) for row in rows]}
    return [Figure("latency-plot", "Latency of update", f"Median: {told}.", draw, data)]
