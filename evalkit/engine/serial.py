"""One unit after another in this process: the engine whose times count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalkit.engine.work import Outcome, Unit, Worker


def execute(worker: Worker, units: Iterable[Unit]) -> Iterator[Outcome]:
    """Do the units in order, yielding each outcome as it is there."""
    for unit in units:
        yield worker.run(unit)
