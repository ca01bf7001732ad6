"""Distribute units over workers that may die: common to the local pool and the cluster."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from evalkit.engine.work import Answer, Unit
from evalkit.errors import EvalkitError
from evalkit.types import Execution

ATTEMPTS = 3
"""Number of workers that may be lost at one unit, and of failed starts in a row of one slot."""
GRACE_SECONDS = 1.0
"""Time beyond the limit in which a worker can write where it hangs, before it is killed."""


class UnitWorker(Protocol):
    """Does units of work in a process or on a node."""

    def track(self, unit: Unit) -> Answer:
        """Return the answer for a unit; a failure is an answer with an error."""


class WorkerJob(Protocol):
    """A description of work, from which another process starts a worker. It can be pickled."""

    @property
    def execution(self) -> Execution:
        """Device, threads, runtime and precision of a worker."""

    def start_worker(self) -> UnitWorker:
        """Return a worker that is ready for units."""


class Slot(Protocol):
    """A place for one worker, which does one unit at a time and is replaced when it dies."""

    def start(self) -> Future[Any]:
        """Start a worker; the future is done when it is ready for units."""

    def submit(self, unit: Unit) -> Future[Any]:
        """Give the worker a unit."""

    def answer(self, future: Future[Any]) -> Answer:
        """Return the worker's answer to ``submit``, or raise what it raised."""

    def is_lost(self, error: BaseException) -> bool:
        """Return whether this error of a future means that the worker has died."""

    def cause(self, error: BaseException) -> BaseException:
        """Return the error that the worker raised, without what its transport wrapped around it."""

    def kill(self) -> str:
        """Stop the worker at once, if there is one, wait until it is gone, and return how it ended."""

    def crash_report(self) -> str:
        """Return what a worker that was killed wrote about where it was."""


@dataclass(frozen=True)
class _Task:
    """Work of a slot.

    Attributes:
        slot: The slot.
        unit: The unit it does; None while its worker starts.
        since: When it began, in seconds of the monotonic clock.
    """

    slot: Slot
    unit: Unit | None
    since: float


def execute(slots: Sequence[Slot], units: Iterable[Unit], *, timeout: float | None = None) -> Iterator[Answer]:
    """Do the units on whichever worker is free, beginning with the first.

    A unit whose worker dies is tried again with a new one, ``ATTEMPTS`` times in all; one that takes longer than
    ``timeout`` seconds fails at once and its worker is replaced. No worker outlives the iterator.

    Raises:
        EvalkitError: No slot can start a worker.
    """
    schedule = _Schedule(slots, units, timeout)
    try:
        while schedule.unfinished:
            schedule.assign()
            yield from schedule.collect()
    finally:
        for slot in slots:
            slot.kill()


class _Schedule:
    """Records which slot does which unit."""

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
        """True while units wait or are being done."""
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

    def collect(self) -> Iterator[Answer]:
        """Wait until a worker has started, answered, died or exceeded the time limit, and yield finished answers."""
        done, _ = wait(self._busy, timeout=self._seconds_to_next_limit(), return_when=FIRST_COMPLETED)
        for future in done:
            task = self._busy.pop(future)
            if task.unit is None:
                self._handle_start(task.slot, future)
            else:
                yield from self._handle_answer(task.slot, task.unit, future)
        yield from self._stop_overdue()

    def _seconds_to_next_limit(self) -> float | None:
        if self._timeout is None:
            return None
        ends = [task.since + self._timeout + GRACE_SECONDS for task in self._busy.values() if task.unit is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _handle_start(self, slot: Slot, future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            self._failed_starts[id(slot)] = 0
            self._idle.append(slot)
            return
        if not slot.is_lost(error):
            raise slot.cause(error)
        how = slot.kill()
        self._failed_starts[id(slot)] += 1
        if self._failed_starts[id(slot)] < ATTEMPTS:
            self._empty.append(slot)
        elif not (self._empty or self._idle or self._busy):
            raise EvalkitError(
                f"no worker can be started: {how}", exit_code=1,
                hint='Is there enough memory? A script that calls evalkit needs `if __name__ == "__main__":`',
            ) from error  # fmt: skip

    def _handle_answer(self, slot: Slot, unit: Unit, future: Future[Any]) -> Iterator[Answer]:
        error = future.exception()
        if error is None:
            self._idle.append(slot)
            yield slot.answer(future)
        elif slot.is_lost(error):
            yield from self._handle_loss(slot, unit)
        else:
            self._idle.append(slot)
            cause = slot.cause(error)
            yield Answer(unit, error=f"the answer was lost on its way: {cause}", traceback=repr(cause))

    def _handle_loss(self, slot: Slot, unit: Unit) -> Iterator[Answer]:
        how = slot.kill()
        self._empty.append(slot)
        key = (unit.sequence, unit.repetition)
        self._losses[key] += 1
        if self._losses[key] < ATTEMPTS:
            self._waiting.appendleft(unit)
        else:
            yield Answer(unit, error=f"its worker died {ATTEMPTS} times; {how}", traceback=slot.crash_report())

    def _stop_overdue(self) -> Iterator[Answer]:
        if self._timeout is None:
            return
        latest = time.monotonic() - self._timeout - GRACE_SECONDS
        for future, task in list(self._busy.items()):
            if task.unit is not None and task.since <= latest and not future.done():
                del self._busy[future]
                task.slot.kill()
                self._empty.append(task.slot)
                yield Answer(
                    task.unit, error=f"not finished after {self._timeout:g} seconds: its worker was killed",
                    traceback=task.slot.crash_report(),
                )  # fmt: skip
