"""Operations of each network, by every convention that somebody counted by."""

from __future__ import annotations

from evalkit.reports._comparison.document import Cell, Column, Table, name_cell, number_cell
from evalkit.reports._comparison.view import MACS_CONVENTIONS, View
from evalkit.types import Cost

_NETWORKS = {"macs": "every frame", "template_macs": "first frame"}
_NOTE = (
    "thop-2020: as the LightTrack paper counts, biases, batch norms and pooling included; conv: convolutions with "
    "weights of the network; all: these, correlations and matrix products."
)


def tables(view: View) -> tuple[Table, ...]:
    """One row a tracker, network and input; nothing where nobody counted."""
    known = {one.label for one in view.contenders}
    rows: dict[tuple[str, str, str], dict[str, Cost]] = {}
    for cost in view.comparison.costs:
        if cost.tracker in known and cost.quantity in _NETWORKS and cost.value is not None:
            rows.setdefault((cost.tracker, cost.quantity, cost.input), {}).setdefault(cost.convention, cost)
    if not rows:
        return ()
    used = {convention for counts in rows.values() for convention in counts}
    shown = [name for name in MACS_CONVENTIONS if name in used]
    columns = (
        Column("tracker", numeric=False), Column("runs on", numeric=False),
        *(Column(f"{name} (M)", False, digits=2) for name in shown), Column("input", numeric=False),
    )  # fmt: skip
    cells = tuple(
        (
            name_cell(view.contender(label)), Cell(_NETWORKS[quantity]),
            *(number_cell(_millions(counts.get(name)), 2) for name in shown), Cell(shape or "-"),
        )
        for (label, quantity, shape), counts in rows.items()
    )  # fmt: skip
    return (Table("counts", "Multiply-accumulate operations", columns, cells, (_NOTE,), filterable=len(cells) > 12),)


def _millions(cost: Cost | None) -> float | None:
    return None if cost is None or cost.value is None else cost.value / 1e6
