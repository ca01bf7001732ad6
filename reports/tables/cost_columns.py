"""Columns of MACs, parameters, frames per second and latency in tables of trackers, and the notes that explain them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from evalkit.comparison.cost_choice import MACS_CONVENTIONS, TRACKING
from evalkit.reports.document.model import Cell, Column, ColumnOf, ReportedTracker, counted
from evalkit.reports.document.view import CostValue, View
from evalkit.types import Cost

_MACS = "multiply-accumulate operations, in millions"
_PARAMETERS = "parameters of the networks, in millions"
_FPS = "frames per second inside the tracker"
_LATENCY_COLUMN = Column("latency p50 (ms)", higher_is_better=False, digits=1, hint="median milliseconds of an update")


def _explained(meaning: str, conditions: str) -> str:
    return ", ".join(filter(None, (meaning, conditions)))


def cost_columns(view: View, trackers: Sequence[ReportedTracker]) -> list[ColumnOf[ReportedTracker]]:
    """Return the columns that at least one of these trackers has a value for."""
    macs_hint = _explained(_MACS, macs_note(view))
    return [
        *_counted_column("MACs (M)", {one.label: view.macs(one) for one in trackers}, macs_hint),
        *_counted_column("params (M)", {one.label: view.parameters(one) for one in trackers}, _PARAMETERS),
        *_timed_column(view, trackers, "fps", Column("fps", higher_is_better=True, digits=1, hint=_FPS)),
        *_timed_column(view, trackers, "latency_p50", _LATENCY_COLUMN),
    ]


def _counted_column(
    head: str, values: Mapping[str, CostValue | None], hint: str
) -> Iterator[ColumnOf[ReportedTracker]]:
    if any(values.values()):
        column = Column(head, higher_is_better=False, digits=2, hint=hint)
        yield column, lambda tracker: _millions_cell(values[tracker.label])


def _millions_cell(found: CostValue | None) -> Cell:
    if found is None:
        return Cell("-")
    millions = found.value / 1e6
    return Cell(amount(millions, 2) + (" †" if found.cited else ""), millions, cited=found.cited)


def _timed_column(
    view: View, trackers: Sequence[ReportedTracker], quantity: str, column: Column
) -> Iterator[ColumnOf[ReportedTracker]]:
    costs = {one.label: view.cost(one.label, quantity, conventions=(TRACKING,)) for one in trackers}
    if any(costs.values()):
        hint = _explained(column.hint, clock_note(view, quantity))
        yield replace(column, hint=hint), lambda tracker: _timed_cell(costs[tracker.label])


def _timed_cell(cost: Cost | None) -> Cell:
    return Cell("-") if cost is None else amount_cell(cost.value, 1)


def amount_cell(value: float | None, digits: int) -> Cell:
    """Return a value written as ``amount`` writes it; a dash for None."""
    return Cell("-") if value is None else Cell(amount(value, digits), value)


def amount(value: float, digits: int) -> str:
    """Return a value with fixed decimals below 1000 and none above; two significant digits if it would round to zero.

    >>> amount(1.9694, 2), amount(20256.2, 2), amount(0.00225, 1)
    ('1.97', '20,256', '0.0022')
    """
    if 0 < abs(value) < 0.5 * 10**-digits:
        return f"{value:.2g}"
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:,.0f}"


def macs_note(view: View) -> str:
    """Return the convention by which MACs were counted, by tracker where they differ; empty if none were counted."""
    found = _labels_by(view, "macs", MACS_CONVENTIONS, lambda cost: cost.convention)
    return _grouped(found) and f"of the network that runs on every frame, by {_grouped(found)}"


def clock_note(view: View, quantity: str) -> str:
    """Return the device and the runtime that a quantity was measured with, by tracker if they differ; empty for none.

    Args:
        view: The comparison.
        quantity: E.g. ``fps``.
    """
    devices = _labels_by(view, quantity, (TRACKING,), _device)
    runtimes = _labels_by(view, quantity, (TRACKING,), lambda cost: " ".join(network_runtime(view, cost) or ()))
    return "; networks executed by ".join(filter(None, (_grouped(devices), _grouped(runtimes))))


def _labels_by(
    view: View, quantity: str, conventions: Sequence[str], describe: Callable[[Cost], str]
) -> dict[str, list[str]]:
    """Return the labels of the trackers that have a quantity, by its description; empty descriptions are left out."""
    found: dict[str, list[str]] = {}
    for one in view.trackers:
        cost = view.cost(one.label, quantity, conventions=conventions)
        if cost is not None and (description := describe(cost)):
            found.setdefault(description, []).append(one.label)
    return found


def _device(cost: Cost) -> str:
    if cost.device == "unknown":
        return "a device that the results do not name"
    return f"{cost.device}, {counted(cost.threads, 'thread')}"


def network_runtime(view: View, cost: Cost) -> tuple[str, str] | None:
    """Return the runtime and precision of a tracker's network; None if evalkit executes no network of it.

    Results always name a runtime; whether there is a network shows in its MACs or in an unusual runtime.
    """
    usual = (cost.runtime, cost.precision) in {("torch", "fp32"), ("unknown", "unknown")}
    counted = any(other.tracker == cost.tracker and other.quantity == "macs" for other in view.comparison.costs)
    return None if usual and not counted else (cost.runtime, cost.precision)


def _grouped(found: Mapping[str, Sequence[str]]) -> str:
    """Return a description that holds for all trackers, or each description with the trackers that it holds for."""
    if len(found) < 2:
        return next(iter(found), "")
    return "; ".join(f"{description} ({', '.join(labels)})" for description, labels in found.items())
