"""Handing units to workers that may die: what the local pool and the cluster have in common."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from evalkit.engine.work import Answer, Unit
from evalkit.errors import EvalkitError

ATTEMPTS = 3
"""Workers that a unit may lose, and starts in a row that a slot may fail, before they are given up."""
GRACE = 1.0
"""Seconds beyond the limit in which a worker can say by itself where it hangs."""


class Slot(Protocol):
    """A place where one worker lives, does one unit at a time, and is replaced when it dies."""

    def start(self) -> Future[Any]:
        """Begin a worker; the future is done when it is ready for units."""

    def submit(self, unit: Unit) -> Future[Any]:
        """Give the worker a unit."""

    def answer(self, future: Future[Any]) -> Answer:
        """What the worker answered to ``submit``; raises what it raised."""

    def is_lost(self, error: BaseException) -> bool:
        """Whether this error of a future means that the worker is gone."""

    def cause(self, error: BaseException) -> BaseException:
        """An error that the worker raised, without what its way here wrapped around it."""

    def end(self) -> str:
        """Stop the worker at once, if there is one, and wait until it is gone; says how it ended."""

    def last_words(self) -> str:
        """What an ended worker left about where it was."""


@dataclass(frozen=True)
class _Task:
    slot: Slot
    unit: Unit | None
    """None while the worker starts."""
    since: float


def execute(slots: Sequence[Slot], units: Iterable[Unit], *, timeout: float | None = None) -> Iterator[Answer]:
    """Do the units wherever a worker is free, in the order given.

    A unit whose worker dies is tried again with a new one, ``ATTEMPTS`` times in all; one that takes longer than
    ``timeout`` seconds fails at once and its worker is replaced. No worker outlives the iterator.

    Raises:
        EvalkitError: No slot can start a worker.
    """
    crew = _Crew(slots, units, timeout)
    try:
        while crew.unfinished:
            crew.assign()
            yield from crew.harvest()
    finally:
        for slot in slots:
            slot.end()


class _Crew:
    """Which slot does what."""

    def __init__(self, slots: Sequence[Slot], units: Iterable[Unit], timeout: float | None) -> None:
        self._waiting = deque(units)
        self._timeout = timeout
        self._empty = deque(slots)
        self._idle: deque[Slot] = deque()
        self._busy: dict[Future[Any], _Task] = {}
        self._losses: Counter[tuple[str, int]] = Counter()
        self._failed_starts: Counter[int] = Counter()

    @property
    def unfinished(self) -> bool:
        return bool(self._waiting) or any(task.unit is not None for task in self._busy.values())

    def assign(self) -> None:
        """Give waiting units to idle workers, and start as many further workers as there are units left."""
        while self._waiting and self._idle:
            slot = self._idle.popleft()
            unit = self._waiting.popleft()
            self._busy[slot.submit(unit)] = _Task(slot, unit, time.monotonic())
        starting = sum(task.unit is None for task in self._busy.values())
        while self._empty and starting < len(self._waiting):
            slot = self._empty.popleft()
            self._busy[slot.start()] = _Task(slot, None, time.monotonic())
            starting += 1

    def harvest(self) -> Iterator[Answer]:
        """Wait until something happens, and yield what is finished."""
        done, _ = wait(self._busy, timeout=self._patience(), return_when=FIRST_COMPLETED)
        for future in done:
            task = self._busy.pop(future)
            if task.unit is None:
                self._started(task.slot, future)
            else:
                yield from self._finished(task.slot, task.unit, future)
        yield from self._overdue()

    def _patience(self) -> float | None:
        if self._timeout is None:
            return None
        ends = [task.since + self._timeout + GRACE for task in self._busy.values() if task.unit is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _started(self, slot: Slot, future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            self._failed_starts[id(slot)] = 0
            self._idle.append(slot)
            return
        if not slot.is_lost(error):
            raise slot.cause(error)
        how = slot.end()
        self._failed_starts[id(slot)] += 1
        if self._failed_starts[id(slot)] < ATTEMPTS:
            self._empty.append(slot)
        elif not (self._empty or self._idle or self._busy):
            raise EvalkitError(
                f"no worker can be started: {how}", exit_code=1,
                hint='Is there memory for them? A script that calls evalkit needs `if __name__ == "__main__":`',
            ) from error  # fmt: skip

    def _finished(self, slot: Slot, unit: Unit, future: Future[Any]) -> Iterator[Answer]:
        error = future.exception()
        if error is None:
            self._idle.append(slot)
            yield slot.answer(future)
        elif slot.is_lost(error):
            how = slot.end()
            self._empty.append(slot)
            key = (unit.sequence, unit.repetition)
            self._losses[key] += 1
            if self._losses[key] < ATTEMPTS:
                self._waiting.appendleft(unit)
            else:
                yield Answer(unit, error=f"its worker was lost {ATTEMPTS} times; {how}", traceback=slot.last_words())
        else:
            self._idle.append(slot)
            cause = slot.cause(error)
            yield Answer(unit, error=f"the answer did not arrive: {cause}", traceback=repr(cause))

    def _overdue(self) -> Iterator[Answer]:
        if self._timeout is None:
            return
        latest = time.monotonic() - self._timeout - GRACE
        for future, task in list(self._busy.items()):
            if task.unit is not None and task.since <= latest and not future.done():
                del self._busy[future]
                task.slot.end()
                self._empty.append(task.slot)
                yield Answer(
                    task.unit, error=f"no end after {self._timeout:g} seconds: its worker was stopped",
                    traceback=task.slot.last_words(),
                )  # fmt: skip
