"""Track several sequences in lanes: threads that advance together, each with the normal protocol of one sequence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar

from evalkit.engine.work import Answer, Unit, Worker, failure
from evalkit.types import Tracker

L = TypeVar("L")


class StoppedError(Exception):
    """Ends a lane after its engine was stopped."""


class LaneScheduler(Protocol[L]):
    """Lets lanes advance together. All methods but those that say so are called where the answers are collected."""

    def open_lane(self) -> L:
        """Return a lane for one unit; there are at most as many as the scheduler was made for."""

    def create_tracker(self, lane: L) -> Tracker:
        """Return the tracker of a lane; called in the lane's thread."""

    def finish(self, lane: L, answer: Answer) -> None:
        """Take the answer of a unit that is finished; called in the lane's thread, as its last step."""

    def wait_for_lanes(self) -> list[Answer]:
        """Wait until every open lane can advance or one has finished; close and return the finished ones."""

    def advance(self) -> None:
        """Let all open lanes advance."""

    def close(self) -> None:
        """Make every lane that still runs end soon, with a ``StoppedError``."""


def execute_in_lanes(
    worker: Worker, units: Iterable[Unit], scheduler: LaneScheduler[L], count: int
) -> Iterator[Answer]:
    """Do the units, up to ``count`` of them at a time."""
    waiting = iter(units)
    active = 0
    with ThreadPoolExecutor(count, thread_name_prefix="lane") as pool:
        try:
            while True:
                for unit in islice(waiting, count - active):
                    pool.submit(_run_lane, worker, unit, scheduler, scheduler.open_lane())
                    active += 1
                if active == 0:
                    return
                finished = scheduler.wait_for_lanes()
                active -= len(finished)
                yield from finished
                if not finished:
                    scheduler.advance()
        finally:
            scheduler.close()


def _run_lane(worker: Worker, unit: Unit, scheduler: LaneScheduler[L], lane: L) -> None:
    try:
        answer = worker.track(unit, scheduler.create_tracker(lane))
    except BaseException as error:
        answer = failure(unit, error)
    scheduler.finish(lane, answer)
