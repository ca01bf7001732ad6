"""Executors of candidates: this process, worker processes, or a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from evalkit.engine import dispatch
from evalkit.engine.pool import ProcessSlot
from evalkit.engine.work import Answer, Unit
from evalkit.io.temporary import temporary_folder
from evalkit.search.evaluating import Candidate, CandidateWorker, EvaluationJob


def _candidates(paths: Sequence[str], measure: str) -> list[Candidate]:
    return [Candidate(path, measure=measure) for path in paths]


class Executor(Protocol):
    """Evaluates batches of candidates."""

    def measure(self, paths: Sequence[str], measure: str) -> Iterator[Answer]:
        """Yield an answer for each path, in any order."""


class SerialExecutor:
    """Evaluates in this process."""

    def __init__(self, job: EvaluationJob) -> None:
        self._job = job
        self._worker: CandidateWorker | None = None

    def measure(self, paths: Sequence[str], measure: str) -> Iterator[Answer]:
        """Yield an answer for each path, in order."""
        for unit in _candidates(paths, measure):
            if self._worker is None:
                self._worker = self._job.start_worker()
            yield self._worker.track(unit)


class WorkerExecutor:
    """Evaluates on several workers, which live as long as the search.

    A candidate whose worker dies is tried again on a new one, three times in all.

    Args:
        slots: One per worker.
    """

    def __init__(self, slots: Sequence[dispatch.Slot]) -> None:
        self._slots = [_KeptSlot(slot) for slot in slots]

    def measure(self, paths: Sequence[str], measure: str) -> Iterator[Answer]:
        """Yield an answer for each path as it arrives."""
        yield from dispatch.execute(self._slots, _candidates(paths, measure))

    def close(self) -> None:
        """Stop the workers."""
        for slot in self._slots:
            slot.close()


class _KeptSlot(dispatch.Slot):
    """A slot whose worker stays between batches, as it holds pairs and weights."""

    def __init__(self, slot: dispatch.Slot) -> None:
        self._slot = slot
        self._ready: Any = None
        self._busy = False

    def start(self) -> Any:
        if self._ready is None:
            self._ready = self._slot.start()
        return self._ready

    def submit(self, unit: Unit) -> Any:
        self._busy = True
        return self._slot.submit(unit)

    def answer(self, future: Any) -> Answer:
        self._busy = False
        return self._slot.answer(future)

    def is_lost(self, error: BaseException) -> bool:
        lost = self._slot.is_lost(error)
        self._busy = False
        if lost:
            self._ready = None
        return lost

    def cause(self, error: BaseException) -> BaseException:
        return self._slot.cause(error)

    def kill(self) -> str:
        # `dispatch.execute` kills the workers of all slots after a batch; one that is idle is kept for the next batch.
        if self._ready is not None and not self._busy:
            return "it is kept"
        return self.close()

    def close(self) -> str:
        self._ready = None
        return self._slot.kill()

    def crash_report(self) -> str:
        return self._slot.crash_report()


@contextlib.contextmanager
def open_executor(
    job: EvaluationJob, *, engine: str = "local", jobs: int | None = None, address: str | None = None
) -> Iterator[Executor]:
    """Give the block an executor of candidates, and stop its workers at the end.

    Args:
        job: How candidates are evaluated.
        engine: ``local`` or ``ray``.
        jobs: Number of workers; None for this process, or for as many as the Ray cluster has room for.
        address: Address of the Ray cluster.

    Raises:
        EvalkitError: The cluster cannot be reached, or has no room for a worker.
    """
    if engine == "local" and jobs in (None, 1):
        yield SerialExecutor(job)
        return
    with _slots(job, engine, jobs, address) as slots:
        executor = WorkerExecutor(slots)
        try:
            yield executor
        finally:
            executor.close()


@contextlib.contextmanager
def _slots(job: EvaluationJob, engine: str, jobs: int | None, address: str | None) -> Iterator[list[dispatch.Slot]]:
    if engine == "ray":
        from evalkit.search.ray_slots import candidate_slots

        with candidate_slots(job, jobs=jobs, address=address) as remote:
            yield list(remote)
        return
    with temporary_folder() as spool:
        yield [ProcessSlot(job, spool / str(index), None) for index in range(jobs or 1)]
