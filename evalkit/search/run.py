"""A complete search: evolve, record, validate the front, write its members."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from evalkit.engine.work import Answer
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.io.file_lock import FileLockedError, exclusive_lock
from evalkit.search.evaluating import EvaluationJob, Measured
from evalkit.search.evolution import Goal, create_method
from evalkit.search.executors import Executor, open_executor
from evalkit.search.front import hypervolume, pareto_front, spread_over_costs
from evalkit.search.ledger import LEDGER, Evaluation, Ledger
from evalkit.search.limits import check_satisfiable, limits_without_effect, parse_limits
from evalkit.search.options import FINAL, SearchOptions
from evalkit.search.record import FRONT, MEMBERS, RECORD, claim_folder, write_record
from evalkit.search.space import SearchSpace
from evalkit.search.validation import front_records


class Prepared(Protocol):
    """What a tracker family prepares for a search."""

    @property
    def space(self) -> SearchSpace:
        """The architectures."""

    @property
    def job(self) -> EvaluationJob:
        """How they are evaluated."""

    @property
    def reference(self) -> str | None:
        """Path string that the front is compared with; None if there is none."""

    def identity(self) -> Mapping[str, Any]:
        """Return what determines the fitness, as JSON."""

    def write_inputs(self) -> None:
        """Write files that the workers share; called before the first evaluation."""

    def write_member(self, path: str, file: Path) -> None:
        """Write the weights of a path."""

    def measured_costs(self, path: str) -> Mapping[str, float]:
        """Return the costs of a path that the space only estimates, measured; empty if all its costs are exact."""

    def tracker(self, path: str) -> str:
        """Return the tracker name of a path for ``evalkit run``."""


@dataclass(frozen=True)
class Generation:
    """Progress after a generation.

    Attributes:
        number: From 0.
        evaluated: Architectures evaluated so far.
        total: Architectures to evaluate.
        best: Highest value so far.
        front: Number of members of the front so far.
        hypervolume: Area that the front dominates, relative to the largest possible; see ``Search.hypervolume``.
        seconds: Seconds that the generation took.
    """

    number: int
    evaluated: int
    total: int
    best: float
    front: int
    hypervolume: float
    seconds: float


@dataclass(frozen=True)
class SearchResult:
    """The outcome of a search.

    Attributes:
        folder: Folder of the search.
        records: Members of the front, best first, as in ``front.json``; the reference is last.
        evaluations: Number of architectures evaluated.
        failed: Number of these whose evaluation failed.
        notes: What the user should know about the search, one sentence each.
    """

    folder: Path
    records: list[dict[str, Any]]
    evaluations: int
    failed: int
    notes: tuple[str, ...] = ()


Progress = Callable[[Generation], None]


def run_search(
    prepare: Callable[[], Prepared], options: SearchOptions, progress: Progress | None = None
) -> SearchResult:
    """Search, and write ledger, front and weights into the folder of the options.

    Args:
        prepare: Called once the folder is locked; may write files into it.
        options: What is searched for, and how.
        progress: Called after each generation.

    Raises:
        EvalkitError: An option is invalid, the folder holds another search or is in use, or a file cannot be written.
    """
    options.check()
    with locked(options.output):
        claim_folder(options.output, resume=options.resume)
        prepared = prepare()
        goal = create_goal(prepared.space, options)
        write_record(options.output, _identity(prepared, options, goal.limits))
        ledger = Ledger(options.output / LEDGER)
        prepared.write_inputs()
        with open_executor(prepared.job, engine=options.engine, jobs=options.jobs, address=options.address) as executor:
            search = Search(goal, options, ledger, executor)
            evaluations = search.evolve(progress)
            records = search.validate(prepared, evaluations)
            notes = [*limits_without_effect(goal.space, goal.limits), *search.notes]
        _write_front(prepared, options.output, records)
    failed = sum(one.error is not None for one in evaluations)
    return SearchResult(options.output, records, len(evaluations), failed, tuple(notes))


def create_goal(space: SearchSpace, options: SearchOptions) -> Goal:
    """Return what the options look for in a space.

    Raises:
        EvalkitError: A cost or a limit is invalid, or no architecture is within the limits.
    """
    known = list(space.costs(space.smallest()[0]))
    limits = parse_limits(options.limits, known)
    if options.against not in known:
        raise EvalkitError("there is no such cost", where="--against", found=options.against, expected=", ".join(known))
    check_satisfiable(space, limits)
    return Goal(space, limits, options.against)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a search's folder.

    Raises:
        EvalkitError: Another search holds it, or the folder cannot be written to.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(folder / RECORD))
        except FileLockedError as error:
            raise EvalkitError(
                "another search uses this folder", where=folder, found=str(error), hint="Wait for it to end"
            ) from error
        except OSError as error:
            raise EvalkitError(
                f"cannot write to this folder: {error.strerror or error}", where=folder, hint="Choose another --output"
            ) from error
        yield


class Search:
    """The evolution and what follows it.

    Args:
        goal: What is looked for.
        options: How.
        ledger: What is known already, and where new evaluations go.
        executor: Evaluates candidates.
    """

    def __init__(self, goal: Goal, options: SearchOptions, ledger: Ledger, executor: Executor) -> None:
        self.goal, self.options, self.ledger, self.executor = goal, options, ledger, executor
        self.notes: list[str] = []
        """What happened that the user should know, one sentence each."""

    def evolve(self, progress: Progress | None = None) -> list[Evaluation]:
        """Evaluate architectures, generation by generation, and return all evaluations in the order asked for.

        Raises:
            EvalkitError: No architecture is within the limits, or every candidate of the first generation failed.
        """
        options = self.options
        method = create_method(
            options.method, self.goal, population=options.population, evaluations=options.evaluations,
            seed=options.seed,
        )  # fmt: skip
        done: list[Evaluation] = []
        number = 0
        while len(done) < options.evaluations:
            start = time.monotonic()
            asked = method.ask()
            batch = asked[: options.evaluations - len(done)]
            if not batch:
                break
            done += self.measure([self.goal.space.path(genes) for genes in batch], options.fitness, number)
            if number == 0:
                _refuse_failures(done)
            if len(batch) == len(asked):
                method.tell([one.value for one in done[-len(batch) :]])
            if progress is not None:
                progress(self._summary(done, number, time.monotonic() - start))
            number += 1
        if not done:
            raise EvalkitError(
                "no architecture of the search space within the limits was found", where=f"--method {options.method}",
                hint="Raise a limit, or allow more architectures with --outputs or --radius",
            )  # fmt: skip
        return done

    def measure(self, paths: Sequence[str], measure: str, generation: int) -> list[Evaluation]:
        """Return the evaluations of some paths, from the ledger or made now."""
        missing = [path for path in paths if self.ledger.find(path, measure) is None]
        for answer in self.executor.measure(missing, measure):
            self.ledger.append(self._evaluation(answer, measure, generation))
        if missing:
            self.ledger.sync()
        found = [self.ledger.find(path, measure) for path in paths]
        return [one for one in found if one is not None]

    def _evaluation(self, answer: Answer, measure: str, generation: int) -> Evaluation:
        path = answer.unit.sequence
        costs = dict(self.goal.space.costs(self.goal.space.genes(path)))
        if not isinstance(answer, Measured):
            return Evaluation(path, measure, 0.0, costs=costs, generation=generation, error=answer.error or "no answer")
        return Evaluation(
            path, measure, min(max(answer.value, 0.0), 1.0), dict(answer.values), costs, generation,
            round(answer.seconds, 3), answer.host,
        )  # fmt: skip

    def _summary(self, done: Sequence[Evaluation], number: int, seconds: float) -> Generation:
        return Generation(
            number, len(done), self.options.evaluations, max(one.value for one in done),
            len(self._front(done)), self.hypervolume(done), seconds,
        )  # fmt: skip

    def hypervolume(self, evaluations: Sequence[Evaluation]) -> float:
        """Return the dominated area of cost and value as a fraction of that of a perfect architecture without cost.

        The reference point is the limit of the cost, or the highest cost evaluated if there is no limit, and value 0.
        """
        points = [self._point(one) for one in evaluations]
        most = self.goal.limits.get(self.goal.against, max(cost for cost, _ in points))
        return hypervolume(points, (most * (1 + 1e-9), 0.0)) / most

    def _point(self, evaluation: Evaluation) -> tuple[float, float]:
        return float(evaluation.costs[self.goal.against]), evaluation.value

    def _front(self, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
        return pareto_front([one for one in evaluations if one.error is None], self._point)

    def validate(self, prepared: Prepared, evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
        """Return records of the front's members, ranked on scenes that did not steer the search.

        Members whose measured costs are over a limit are left out, with a note.
        """
        front, measured = self._measured_front(prepared, evaluations)
        paths = [one.path for one in front]
        reference = prepared.reference
        if reference is not None:
            front += [one for one in self.measure([reference], self.options.fitness, -1) if one.path not in paths]
            measured.setdefault(reference, prepared.measured_costs(reference))
        final = self.measure([one.path for one in front], FINAL, -1) if self.options.scenes else []
        records = front_records(front, final, members=paths, reference=reference, tracker=prepared.tracker)
        for record in records:
            record |= {f"{name}_measured": value for name, value in measured[record["path"]].items()}
        return records

    def _measured_front(
        self, prepared: Prepared, evaluations: Sequence[Evaluation]
    ) -> tuple[list[Evaluation], dict[str, Mapping[str, float]]]:
        """Return the members of the front whose measured costs are within the limits, and the costs by path."""
        front = spread_over_costs(self._front(evaluations), self.options.front, lambda one: self._point(one)[0])
        measured = {one.path: prepared.measured_costs(one.path) for one in front}
        return [one for one in front if self._is_within(one.path, measured[one.path])], measured

    def _is_within(self, path: str, measured: Mapping[str, float]) -> bool:
        limits = {name: limit for name, limit in self.goal.limits.items() if name in measured}
        over = {name: measured[name] for name, limit in limits.items() if measured[name] > limit}
        for name, value in over.items():
            self.notes.append(f"{path} is left out of the front: its measured {name} is {value:.4g}")
        return not over


def _refuse_failures(first: Sequence[Evaluation]) -> None:
    """Raise an error if every candidate of the first generation failed."""
    if all(one.error is not None for one in first):
        raise EvalkitError(
            f"every candidate failed; the first said: {first[0].error}", where=first[0].path, exit_code=1,
            hint="Remove the cause, then search in a new folder: failures stay in the ledger",
        )  # fmt: skip


def _identity(prepared: Prepared, options: SearchOptions, limits: Mapping[str, float]) -> dict[str, Any]:
    return {
        "space": dict(prepared.space.identity()),
        "limits": dict(limits),
        "against": options.against,
        "fitness": options.fitness,
        "method": options.method,
        "population": options.population,
        "seed": options.seed,
        **prepared.identity(),
    }


def _write_front(prepared: Prepared, folder: Path, records: Sequence[Mapping[str, Any]]) -> None:
    for record in records:
        if record["weights"] is not None:
            prepared.write_member(record["path"], folder / record["weights"])
    written = {folder / record["weights"] for record in records if record["weights"] is not None}
    for file in {*(folder / MEMBERS).glob("*.safetensors")} - written:
        file.unlink()  # of a front with more members, before the search was extended
    text = json.dumps({"version": 1, "records": list(records)}, indent=2, allow_nan=False)
    atomic.write_text(folder / FRONT, text + "\n")
