"""What each tracker costs, as columns beside its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.reports._comparison.document import Cell, Column
from evalkit.reports._comparison.view import MACS_CONVENTIONS, TRACKING, View
from evalkit.types import Cost


def add_costs(view: View, columns: list[Column], cells: dict[str, list[Cell]]) -> None:
    """Append MACs, parameters, frames per second and latency where anybody has them; in place.

    Args:
        cells: Rows by label.
    """
    chosen = [one for one in view.contenders if one.label in cells]
    for title, find, hint in (("MACs (M)", view.macs, macs_note(view)), ("params (M)", view.parameters, "")):
        found = {one.label: find(one) for one in chosen}
        if any(found.values()):
            columns.append(Column(title, higher_is_better=False, digits=2, hint=hint))
            for label, value in found.items():
                cells[label].append(_counted(value))
    for title, quantity, better in (("fps", "fps", True), ("latency p50 (ms)", "latency_p50", False)):
        costs = {one.label: view.cost(one.label, quantity, conventions=(TRACKING,)) for one in chosen}
        if any(costs.values()):
            columns.append(Column(title, higher_is_better=better, digits=1, hint=clock_note(view, quantity)))
            for label, cost in costs.items():
                speed = None if cost is None else cost.value
                cells[label].append(Cell("-") if speed is None else Cell(amount(speed, 1), speed))


def _counted(found: tuple[float, bool] | None) -> Cell:
    if found is None:
        return Cell("-")
    millions, cited = found[0] / 1e6, found[1]
    return Cell(amount(millions, 2) + (" †" if cited else ""), millions, cited=cited)


def amount(value: float, places: int) -> str:
    """Fixed decimals below a thousand, none above; two figures of what these would round to nothing.

    >>> amount(1.9694, 2), amount(20256.2, 2), amount(0.00225, 1)
    ('1.97', '20,256', '0.0022')
    """
    if 0 < abs(value) < 0.5 * 10**-places:
        return f"{value:.2g}"
    return f"{value:.{places}f}" if abs(value) < 1000 else f"{value:,.0f}"


def macs_note(view: View) -> str:
    """By which convention, and whose MACs; empty where nobody counted."""
    found: dict[str, list[str]] = {}
    for one in view.contenders:
        cost = view.cost(one.label, "macs", conventions=MACS_CONVENTIONS)
        if cost is not None:
            found.setdefault(cost.convention, []).append(one.label)
    return _grouped(found) and f"of the network that runs on every frame, by {_grouped(found)}"


def clock_note(view: View, quantity: str) -> str:
    """On what device a quantity was measured and by which runtime, and whose where they differ; empty for nobody's."""
    devices: dict[str, list[str]] = {}
    engines: dict[str, list[str]] = {}
    for one in view.contenders:
        cost = view.cost(one.label, quantity, conventions=(TRACKING,))
        if cost is not None:
            devices.setdefault(_device(cost), []).append(one.label)
            if engine := executed_by(view, cost):
                engines.setdefault(" ".join(engine), []).append(one.label)
    return "; networks by ".join(filter(None, (_grouped(devices), _grouped(engines))))


def _device(cost: Cost) -> str:
    if cost.device == "unknown":
        return "a device that the results do not name"
    return f"{cost.device}, {cost.threads} thread{'s' if cost.threads > 1 else ''}"


def executed_by(view: View, cost: Cost) -> tuple[str, ...]:
    """Runtime and precision of the network; nothing where the tracker has none that evalkit executes."""
    usual = (cost.runtime, cost.precision) in {("torch", "fp32"), ("unknown", "unknown")}
    counted = any(other.tracker == cost.tracker and other.quantity == "macs" for other in view.comparison.costs)
    return () if usual and not counted else (cost.runtime, cost.precision)


def _grouped(found: Mapping[str, Sequence[str]]) -> str:
    """What holds for all, or for whom each holds."""
    if len(found) < 2:
        return next(iter(found), "")
    return "; ".join(f"{what} ({', '.join(labels)})" for what, labels in found.items())
