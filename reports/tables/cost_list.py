"""Table of measured and counted costs, one row a cost."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.reports.document.model import Cell, Column, ColumnOf, Table, build_table, number_cell, text_column
from evalkit.types import Cost

_COLUMNS: tuple[ColumnOf[Cost], ...] = (
    (text_column("tracker"), lambda cost: Cell(cost.tracker)),
    (text_column("quantity"), lambda cost: Cell(cost.quantity)),
    (text_column("convention"), lambda cost: Cell(cost.convention)),
    (Column("value"), lambda cost: _value_cell(cost.value)),
    (text_column("unit"), lambda cost: Cell(cost.unit)),
    (text_column("input"), lambda cost: Cell(cost.input)),
    (text_column("runtime"), lambda cost: Cell(cost.runtime)),
    (text_column("precision"), lambda cost: Cell(cost.precision)),
    (text_column("device"), lambda cost: Cell(cost.device)),
    (Column("threads", digits=0), lambda cost: number_cell(cost.threads, 0)),
)


def cost_list_table(costs: Sequence[Cost]) -> Table:
    """Return the table of costs: a row for each one with its runtime, precision, device and threads."""
    notes = dict.fromkeys(
        f"{cost.tracker}, {cost.convention}: not counted: {', '.join(cost.not_counted)}"
        for cost in costs
        if cost.not_counted
    )
    return build_table("costs", "Costs", _COLUMNS, costs, notes=notes)


def _value_cell(value: float | None) -> Cell:
    if value is None:
        return Cell("-")
    return Cell(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}", value)
