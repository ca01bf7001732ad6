"""What trackers cost, as a person reads it: operations first, then one row a runtime and stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit import registry
from evalkit.types import Cost

COLUMNS = (
    ("latency_p50", "p50 ms", 2), ("latency_p90", "p90 ms", 2), ("latency_p99", "p99 ms", 2), ("cpu_time", "CPU ms", 2),
    ("cpu_ratio", "CPU/ref", 3), ("cpu_speedup", "torch/CPU", 2), ("fps", "fps", 1),
)  # fmt: skip
"""Quantity, heading, digits."""

FACTS = ("parity", "cpu_per_wall", "drift", "memory_peak", "queries", "temperature")


@registry.report("profile", summary="costs by runtime and stage for a terminal")
def as_profile(costs: Sequence[Cost] = ()) -> str:
    names = dict.fromkeys(cost.tracker for cost in costs)
    return "\n\n".join(_section(name, [cost for cost in costs if cost.tracker == name]) for name in names)


def _section(name: str, costs: Sequence[Cost]) -> str:
    blocks = [_operations(costs), _times(costs), _facts(costs), _notes(costs)]
    return "\n\n".join([name, *filter(None, blocks)])


def _operations(costs: Iterable[Cost]) -> str:
    counted = [cost for cost in costs if cost.quantity.endswith("macs") or cost.quantity == "parameters"]
    rows = [
        (cost.quantity.replace("_", " "), cost.convention, f"{cost.value:,.0f}", cost.input)
        for cost in counted
        if cost.value is not None
    ]
    return _aligned([("operations", "convention", "count", "input"), *rows], numeric=(2,)) if rows else ""


def _times(costs: Iterable[Cost]) -> str:
    columns = {quantity: digits for quantity, _, digits in COLUMNS}
    table: dict[tuple[str, ...], dict[str, str]] = {}
    for cost in costs:
        if cost.quantity in columns:
            row = table.setdefault(
                (cost.runtime or "-", cost.precision or "-", cost.device, str(cost.threads), cost.convention), {}
            )
            row[cost.quantity] = "-" if cost.value is None else f"{cost.value:,.{columns[cost.quantity]}f}"
    if not table:
        return ""
    head = ("runtime", "precision", "device", "threads", "stage", *(title for _, title, _ in COLUMNS))
    rows = [(*key, *(row.get(quantity, "") for quantity in columns)) for key, row in table.items()]
    return _aligned([head, *rows], numeric=range(5, len(head)))


def _facts(costs: Iterable[Cost]) -> str:
    rows = [
        (cost.runtime or "-", cost.quantity.replace("_", " "), _number(cost.value), cost.unit, cost.convention)
        for cost in costs
        if cost.quantity in FACTS and cost.value is not None
    ]
    return _aligned([("runtime", "measured", "value", "unit", "how"), *rows], numeric=(2,)) if rows else ""


def _number(value: float) -> str:
    """Three digits, and all of a whole number.

    >>> _number(1024.0), _number(0.98765), _number(433.21)
    ('1,024', '0.988', '433')
    """
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _notes(costs: Iterable[Cost]) -> str:
    lines = dict.fromkeys(
        f"{cost.quantity.replace('_', ' ')}, {cost.convention}: not counted: {', '.join(cost.not_counted)}"
        if cost.quantity.endswith("macs")
        else f"{cost.runtime or cost.tracker}: {note}"
        for cost in costs
        for note in cost.not_counted
    )
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]], *, numeric: Iterable[int]) -> str:
    right = set(numeric)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if index in right else text.ljust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
