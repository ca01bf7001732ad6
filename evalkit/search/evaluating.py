"""Candidates, and the worker that evaluates them in this or another process.

Workers evaluate and answer; only the process of the search writes the ledger.
"""

from __future__ import annotations

import importlib
import math
import socket
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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
