"""Do one unit after another in this process: the only engine whose times count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalkit.engine.work import Answer, Unit, Worker


def execute(worker: Worker, units: Iterable[Unit]) -> Iterator[Answer]:
    """Do the units in order."""
    for unit in units:
        yield worker.track(unit)
