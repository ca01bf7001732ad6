"""What each tracker costs, as columns beside its scores."""

from __future__ import annotations

from evalkit.reports._comparison.document import Cell, Column, number_cell
from evalkit.reports._comparison.view import TRACKING, View


def add_costs(view: View, columns: list[Column], cells: dict[str, list[Cell]]) -> None:
    """Append MACs, parameters, frames per second and latency where anybody has them; in place.

    Args:
        cells: Rows by label.
    """
    chosen = [one for one in view.contenders if one.label in cells]
    for title, find in (("MACs (M)", view.macs), ("params (M)", view.parameters)):
        found = {one.label: find(one) for one in chosen}
        if any(found.values()):
            columns.append(Column(title, higher_is_better=False, digits=2))
            for label, value in found.items():
                cells[label].append(_counted(value))
    for title, quantity, better in (("fps", "fps", True), ("latency p50 (ms)", "latency_p50", False)):
        costs = {one.label: view.cost(one.label, quantity, conventions=(TRACKING,)) for one in chosen}
        if any(costs.values()):
            columns.append(Column(title, higher_is_better=better, digits=1, hint=devices(view, quantity)))
            for label, cost in costs.items():
                cells[label].append(number_cell(None if cost is None else cost.value, 1))


def _counted(found: tuple[float, bool] | None) -> Cell:
    if found is None:
        return Cell("-")
    millions, cited = found[0] / 1e6, found[1]
    return Cell(f"{millions:,.2f}" + (" †" if cited else ""), millions)


def devices(view: View, quantity: str) -> str:
    """Where a quantity was measured, as far as it is known."""
    return ", ".join(dict.fromkeys(cost.device for cost in view.comparison.costs if cost.quantity == quantity))
