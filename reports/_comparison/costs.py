"""What each tracker costs, as columns beside its scores."""

from __future__ import annotations

from evalkit.reports._comparison.document import Cell, Column
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
                speed = None if cost is None else cost.value
                cells[label].append(Cell("-") if speed is None else Cell(amount(speed, 1), speed))


def _counted(found: tuple[float, bool] | None) -> Cell:
    if found is None:
        return Cell("-")
    millions, cited = found[0] / 1e6, found[1]
    return Cell(amount(millions, 2) + (" †" if cited else ""), millions, cited=cited)


def amount(value: float, places: int) -> str:
    """Fixed decimals below a thousand, none above.

    >>> amount(1.9694, 2), amount(20256.2, 2)
    ('1.97', '20,256')
    """
    return f"{value:.{places}f}" if abs(value) < 1000 else f"{value:,.0f}"


def devices(view: View, quantity: str) -> str:
    """Where a quantity was measured, as far as it is known."""
    return ", ".join(dict.fromkeys(cost.device for cost in view.comparison.costs if cost.quantity == quantity))
