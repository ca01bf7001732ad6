"""Evaluation of candidates in this process or in worker processes.

Workers evaluate and answer; only the process of the search writes the ledger.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import socket
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from evalkit.engine import dispatch
from evalkit.engine.pool import ProcessSlot
from evalkit.engine.threads import pin_threads
from evalkit.engine.work import Answer, Job, Unit
from evalkit.types import Execution


class Evaluator(Protocol):
    """Measures architectures; a tracker family provides it."""

    def measure(self, path: str, measure: str) -> tuple[float, dict[str, float]]:
        """Return the value of a path in [0, 1], higher is better, and the values of single sequences by name."""


@dataclass(frozen=True)
class Candidate(Unit):
    """An architecture to evaluate: ``sequence`` is its path string. It has no job of tracking.

    Attributes:
        measure: What to measure.
    """

    job: Job = field(init=False, repr=False, compare=False)
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
        files: Names of arguments that are files, which are sent to other machines.
        folders: Names of arguments that are folders for files of the evaluator, empty on other machines.
    """

    module: str
    arguments: Mapping[str, Any]
    execution: Execution = Execution()  # noqa: RUF009 - frozen
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def start_worker(self) -> CandidateWorker:
        """Return a worker that is ready for candidates."""
        pin_threads(self.execution.threads)
        module = importlib.import_module(self.module)
        evaluator = module.create_evaluator(device=self.execution.device, **self.arguments)
        return CandidateWorker(evaluator)


class CandidateWorker:
    """Evaluates candidates; every failure becomes an answer."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def track(self, unit: Unit) -> Answer:
        """Evaluate a candidate; ``evalkit.engine.pool`` calls its workers by this name."""
        if not isinstance(unit, Candidate):
            raise TypeError(f"{type(unit).__name__} is not a candidate")
        start = time.process_time()
        try:
            value, values = self._evaluator.measure(unit.sequence, unit.measure)
            if not math.isfinite(value):
                raise ValueError(f"the fitness is not finite: {value}")
        except Exception as error:
            text = str(error) or type(error).__name__
            return Answer(unit, error=text, traceback="".join(traceback.format_exception(error)))
        return Measured(
            unit, value=value, values=values, seconds=time.process_time() - start, host=socket.gethostname()
        )


def _candidates(paths: Sequence[str], measure: str) -> list[Candidate]:
    return [Candidate(path, measure=measure) for path in paths]


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
        for unit in _candidates(paths, measure):
            if self._worker is not None:
                yield self._worker.track(unit)


class WorkerEvaluation:
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
def open_evaluation(
    job: EvaluationJob, *, engine: str = "local", jobs: int | None = None, address: str | None = None
) -> Iterator[Evaluation]:
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
        yield SerialEvaluation(job)
        return
    with _slots(job, engine, jobs, address) as slots:
        evaluation = WorkerEvaluation(slots)
        try:
            yield evaluation
        finally:
            evaluation.close()


@contextlib.contextmanager
def _slots(job: EvaluationJob, engine: str, jobs: int | None, address: str | None) -> Iterator[list[dispatch.Slot]]:
    if engine == "ray":
        from evalkit.search.ray_slots import candidate_slots

        with candidate_slots(job, jobs=jobs, address=address) as remote:
            yield list(remote)
        return
    with tempfile.TemporaryDirectory(prefix="evalkit-", ignore_cleanup_errors=True) as spool:
        yield [ProcessSlot(job, Path(spool) / str(index), None) for index in range(jobs or 1)]
