"""Results of ``evalkit profile`` for a terminal: operations first, then one row for each runtime and stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from evalkit import registry
from evalkit.io.text_table import aligned_lines
from evalkit.reports.tables.terminal_table import TerminalStyle

if TYPE_CHECKING:
    from evalkit.types import Cost


class TimeColumn(NamedTuple):
    """Column of the table of times.

    Attributes:
        head: Head of the column.
        digits: Decimals of its values.
    """

    head: str
    digits: int


TIME_COLUMNS = {
    "latency_p50": TimeColumn("p50 ms", 2),
    "latency_p90": TimeColumn("p90 ms", 2),
    "latency_p99": TimeColumn("p99 ms", 2),
    "cpu_time": TimeColumn("CPU ms", 2),
    "cpu_ratio": TimeColumn("CPU/ref", 3),
    "cpu_speedup": TimeColumn("torch/CPU", 2),
    "fps": TimeColumn("fps", 1),
}
"""By quantity."""

CONDITIONS = ("parity", "cpu_per_wall", "drift", "memory_peak", "queries", "temperature")
"""Quantities that describe a measurement instead of a speed; they have a table of their own."""

_CONDITION_HEADS = ("runtime", "measured", "value", "unit", "how")
_OPERATION_HEADS = ("operations", "convention", "count", "input")
_TIME_HEADS = ("runtime", "precision", "device", "threads", "stage")


@registry.report("profile", summary="costs by runtime and stage for a terminal")
def as_profile(costs: Sequence[Cost] = (), width: int | None = None) -> str:
    """Return one block of tables for each tracker.

    Args:
        width: Largest number of characters in a line, as far as words allow; None for any number.
    """
    names = dict.fromkeys(cost.tracker for cost in costs)
    return "\n\n".join(_tracker_block(name, [cost for cost in costs if cost.tracker == name], width) for name in names)


def _tracker_block(name: str, costs: Sequence[Cost], width: int | None) -> str:
    style = TerminalStyle(width)
    notes = [line for note in _notes(costs) for line in style.wrapped(note)]
    tables = (_operations_table(costs), _times_table(costs, width), _conditions_table(costs), notes)
    return "\n\n".join([name, *("\n".join(lines) for lines in tables if lines)])


def _operations_table(costs: Sequence[Cost]) -> list[str]:
    rows = [
        (_in_words(cost), cost.convention, f"{cost.value:,.0f}", cost.input)
        for cost in costs
        if _is_count(cost) and cost.value is not None
    ]
    return aligned_lines([_OPERATION_HEADS, *rows], right={2}) if rows else []


def _is_count(cost: Cost) -> bool:
    return cost.quantity.endswith("macs") or cost.quantity == "parameters"


def _in_words(cost: Cost) -> str:
    return cost.quantity.replace("_", " ")


def _times_table(costs: Sequence[Cost], width: int | None) -> list[str]:
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for cost in costs:
        if cost.quantity in TIME_COLUMNS:
            rows.setdefault(_timed_as(cost), {})[cost.quantity] = _time(cost)
    if not rows:
        return []
    heads = (*_TIME_HEADS, *(column.head for column in TIME_COLUMNS.values()))
    cells = [(*circumstances, *(times.get(name, "") for name in TIME_COLUMNS)) for circumstances, times in rows.items()]
    return _fitted([heads, *cells], width)


def _fitted(rows: list[tuple[str, ...]], width: int | None) -> list[str]:
    """Return the table of times.

    Where it is wider than ``width``, columns without values are left out, circumstances that all rows share are named
    once, and columns that still do not fit go below.
    """
    named = len(_TIME_HEADS)
    whole = _aligned(rows, range(named), range(named, len(rows[0])))
    if width is None or max(map(len, whole)) <= width:
        return whole
    used = [place for place in range(len(rows[0])) if any(row[place] for row in rows[1:])]
    shared = _shared_circumstances(rows)
    keys = [place for place in used if place < named and place not in shared]
    parts = _parts(rows, keys, [place for place in used if place >= named], width)
    head = ", ".join(f"{rows[0][place]} {value}" for place, value in shared.items())
    blocks = ["\n".join(_aligned(rows, keys, part)) for part in parts]
    return [*([head] if head else []), *"\n\n".join(blocks).split("\n")]


def _shared_circumstances(rows: list[tuple[str, ...]]) -> dict[int, str]:
    """Return the values of the columns of circumstances that all rows share, by column."""
    timed = [row for row in rows[1:] if row[0] != "-"] or rows[1:]  # the reference workload has no runtime
    places = range(1, len(_TIME_HEADS) - 1)
    return {place: timed[0][place] for place in places if len({row[place] for row in timed}) == 1}


def _aligned(rows: Sequence[tuple[str, ...]], keys: Sequence[int], values: Sequence[int]) -> list[str]:
    """Return the lines of these columns, the values aligned to the right."""
    chosen = [[row[place] for place in (*keys, *values)] for row in rows]
    return aligned_lines(chosen, right=range(len(keys), len(keys) + len(values)))


def _parts(rows: Sequence[tuple[str, ...]], keys: Sequence[int], values: Sequence[int], width: int) -> list[list[int]]:
    """Divide columns of values into neighbours that fit into the width next to the columns that name the row."""
    parts: list[list[int]] = []
    for place in values:
        if not parts or max(map(len, _aligned(rows, keys, [*parts[-1], place]))) > width:
            parts.append([])
        parts[-1].append(place)
    return parts


def _timed_as(cost: Cost) -> tuple[str, ...]:
    """Return the cells before the times, in the order of their heads."""
    return cost.runtime or "-", cost.precision or "-", cost.device, str(cost.threads), cost.convention


def _time(cost: Cost) -> str:
    return "-" if cost.value is None else f"{cost.value:,.{TIME_COLUMNS[cost.quantity].digits}f}"


def _conditions_table(costs: Sequence[Cost]) -> list[str]:
    rows = [
        (cost.runtime or "-", _in_words(cost), _number(cost.value), cost.unit, cost.convention)
        for cost in costs
        if cost.quantity in CONDITIONS and cost.value is not None
    ]
    return aligned_lines([_CONDITION_HEADS, *rows], right={2}) if rows else []


def _number(value: float) -> str:
    """Return a number with three digits; with all digits of its integer part if it is an integer or at least 100.

    >>> _number(1024.0), _number(0.98765), _number(433.21)
    ('1,024', '0.988', '433')
    """
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _notes(costs: Sequence[Cost]) -> list[str]:
    """Return the operations that were not counted, and remarks on measurements, each once."""
    return list(dict.fromkeys(_note(cost, remark) for cost in costs for remark in cost.not_counted))


def _note(cost: Cost, remark: str) -> str:
    if cost.quantity.endswith("macs"):
        return f"{_in_words(cost)}, {cost.convention}: not counted: {', '.join(cost.not_counted)}"
    return f"{cost.runtime or cost.tracker}: {remark}"
