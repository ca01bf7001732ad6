"""Evaluation of candidates in this process or in worker processes.

Workers evaluate and answer; only the process of the search writes the ledger.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import socket
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from evalkit.engine import dispatch
from evalkit.engine.pool import ProcessSlot
from evalkit.engine.threads import pin_threads
from evalkit.engine.work import Answer, Job, Unit
from evalkit.io.temporary import temporary_folder
from evalkit.types import Execution


class Evaluator(Protocol):
    """Measures architectures; a tracker family provides it."""

    def measure(self, path: str, measure: str) -> tuple[float, dict[str, float]]:
        """Return the value of a path in [0, 1], higher is better, and the values of single sequences by name."""


@dataclass(frozen=True)
class Candidate(Unit):
    """An architecture to evaluate: ``sequence`` is its path string.

    Attributes:
        measure: What to measure.
    """

    measure: str = ""


@dataclass(frozen=True, eq=False)
class Measured(Answer):
    """The answer for a candidate.

    Attributes:
        value: In [0, 1].
        values: By sequence.
        seconds: CPU seconds.
        host: Name of the machine.
    """

    value: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    host: str = ""


@dataclass(frozen=True)
class EvaluationJob:
    """All that another process needs to evaluate candidates. Pickles.

    Attributes:
        module: Name of a module with a function ``create_evaluator(device=..., **arguments)``.
        arguments: Its further arguments.
        execution: Device of the networks and threads of a worker.
    """

    module: str
    arguments: Mapping[str, Any]
    execution: Execution = Execution()  # noqa: RUF009 - frozen

    def start_worker(self) -> CandidateWorker:
        """Return a worker that is ready for candidates."""
        pin_threads(self.execution.threads)
        module = importlib.import_module(self.module)
        evaluator = module.create_evaluator(device=self.execution.device, **self.arguments)
        return CandidateWorker(evaluator)

    def candidates(self, paths: Sequence[str], measure: str) -> list[Candidate]:
        """Return the units of work for some paths."""
        return [Candidate(cast(Job, self), path, measure=measure) for path in paths]


class CandidateWorker:
    """Evaluates candidates; every failure becomes an answer."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def track(self, unit: Unit) -> Answer:
        """Evaluate a candidate; ``evalkit.engine.pool`` calls its workers by this name."""
        candidate = cast(Candidate, unit)
        start = time.process_time()
        try:
            value, values = self._evaluator.measure(candidate.sequence, candidate.measure)
            if not math.isfinite(value):
                raise ValueError(f"the fitness is not finite: {value}")
        except Exception as error:
            text = str(error) or type(error).__name__
            return Answer(unit, error=text, traceback="".join(traceback.format_exception(error)))
        return Measured(
            unit, value=value, values=values, seconds=time.process_time() - start, host=socket.gethostname()
        )


class Evaluation(Protocol):
    """Evaluates batches of candidates."""

    def measure(self, paths: Sequence[str], measure: str) -> Iterator[Answer]:
        """Yield an answer for each path, in any order."""


class SerialEvaluation:
    """Evaluates in this process."""

    def __init__(self, job: EvaluationJob) -> None:
        self._job = job
        self._worker: CandidateWorker | None = None

    def measure(self, paths: Sequence[str], measure: str) -> Iterator[Answer]:
        """Yield an answer for each path, in order."""
        if self._worker is None and paths:
            self._worker = self._job.start_worker()
        for unit in self._job.candidates(paths, measure):
            if self._worker is not None:
                yield self._worker.track(unit)


class PoolEvaluation:
    """Evaluates in several processes, which live as long as the search.

    A candidate whose process dies is tried again in a new one, three times in all.
    """

    def __init__(self, job: EvaluationJob, slots: Sequence[dispatch.Slot]) -> None:
        self._job = job
        self._slots = [_KeptSlot(slot) for slot in slots]

    def measure(self, paths: Sequence[str], measure: str) -> Iterator[Answer]:
        """Yield an answer for each path as it arrives."""
        yield from dispatch.execute(self._slots, self._job.candidates(paths, measure))

    def close(self) -> None:
        """Stop the processes."""
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
def open_evaluation(job: EvaluationJob, *, jobs: int) -> Iterator[Evaluation]:
    """Give the block an executor of candidates, and stop its workers at the end.

    Args:
        job: How candidates are evaluated.
        jobs: Number of worker processes; 1 for this process.
    """
    if jobs == 1:
        yield SerialEvaluation(job)
        return
    with temporary_folder() as spool:
        slots = [ProcessSlot(cast(Job, job), spool / str(index), None) for index in range(jobs)]
        pool = PoolEvaluation(job, slots)
        try:
            yield pool
        finally:
            pool.close()
