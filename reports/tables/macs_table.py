"""Table of multiply-accumulate operations of each network, by every convention that they were counted by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from evalkit.comparison.cost_choice import MACS_CONVENTIONS
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    Table,
    build_table,
    name_cell,
    number_cell,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.types import Cost

_NETWORKS = {"macs": "every frame", "template_macs": "first frame"}
_NOTE = (
    "thop-2020: as the LightTrack paper counts, biases, batch norms and pooling included; conv: convolutions with "
    "weights of the network; all: these, correlations and matrix products."
)
_MANY_ROWS = 12


class _CountedNetwork(NamedTuple):
    """A network of a tracker with its counts by convention."""

    label: str
    quantity: str
    shape: str
    counts: Mapping[str, Cost]


def macs_tables(view: View) -> tuple[Table, ...]:
    """Return one table with a row for each tracker, network and input; none if no MACs were counted."""
    rows = _counted_networks(view)
    if not rows:
        return ()
    used = {convention for row in rows for convention in row.counts}
    columns: list[ColumnOf[_CountedNetwork]] = [
        (text_column("tracker"), lambda row: name_cell(view.tracker(row.label))),
        (text_column("runs on"), lambda row: Cell(_NETWORKS[row.quantity])),
        *(_convention_column(name) for name in MACS_CONVENTIONS if name in used),
        (text_column("input"), lambda row: Cell(row.shape or "-")),
    ]
    title = "Multiply-accumulate operations"
    return (build_table("counts", title, columns, rows, notes=(_NOTE,), filterable=len(rows) > _MANY_ROWS),)


def _counted_networks(view: View) -> list[_CountedNetwork]:
    known = {one.label for one in view.trackers}
    found: dict[tuple[str, str, str], dict[str, Cost]] = {}
    for cost in view.comparison.costs:
        if cost.tracker in known and cost.quantity in _NETWORKS and cost.value is not None:
            found.setdefault((cost.tracker, cost.quantity, cost.input), {}).setdefault(cost.convention, cost)
    return [_CountedNetwork(*network, counts) for network, counts in found.items()]


def _convention_column(name: str) -> ColumnOf[_CountedNetwork]:
    column = Column(f"{name} (M)", higher_is_better=False, digits=2)
    return column, lambda row: number_cell(_millions(row.counts.get(name)), 2)


def _millions(cost: Cost | None) -> float | None:
    return None if cost is None or cost.value is None else cost.value / 1e6
