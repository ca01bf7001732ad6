"""Track the sequences that a results folder lacks: the one loop behind ``evalkit run`` and ``evalkit regress``."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from evalkit import registry
from evalkit.engine.code_fingerprint import fingerprint
from evalkit.engine.plan import Plan
from evalkit.engine.tracker_files import is_own_code
from evalkit.engine.work import Outcome, Status, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.progress import tell
from evalkit.results import run_record

Progress: TypeAlias = Callable[[Outcome, int, int], None]
"""Called after each sequence and repetition with its outcome, its number and the total."""


def track_missing(
    worker: Worker,
    sequences: Sequence[str],
    plan: Plan,
    *,
    repeat: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Track every repetition of the sequences that is not stored yet, and store each as it is finished.

    An interrupted call is continued by the next one. A sequence that fails becomes an outcome, not an error.

    Args:
        worker: Worker of this process; it names the tracker, the dataset and the results folder.
        sequences: Names of sequences of the worker's dataset.
        plan: How the work is distributed over processes, and how long a sequence may take.
        repeat: Repetitions of each sequence; by default those of the dataset for a stochastic tracker, else 1.
        force: Delete the stored results of these sequences, or of another run, first.
        progress: Called for each unit that is tracked, not for those that were stored already.

    Returns:
        One outcome for each sequence and repetition, those stored before the call first.

    Raises:
        EvalkitError: The plan does not fit the job, the folder holds another run's results, or results cannot be
            written.
    """
    store, job = worker.store, worker.job
    plan.check(job)
    identity = worker.identity()
    with store.writing(plan.shard_name):
        if force:
            store.discard(sequences)
        store.begin(identity, force=force, record_environment=False)
        units = [Unit(job, name, index + 1) for name in sequences for index in range(repetitions(worker, repeat))]
        stored = [store.done(worker.dataset.sequence(unit.sequence), unit.repetition) for unit in units]
        missing = [unit for unit, done in zip(units, stored, strict=True) if not done]
        if missing:
            store.record_environment(fingerprint(job.tracker, job.execution.runtime), worker.files.digest())
        # Also where nothing is timed: what the tracker needs is not taken from it.
        tell(f"{worker.dataset.name} {job.label}: tracking", len(units) - len(missing), len(units), timed=True)
        outcomes = [Outcome(unit, Status.KEPT) for unit, done in zip(units, stored, strict=True) if done]
        with contextlib.closing(plan.execute(worker, missing)) as finished:
            for number, outcome in enumerate(finished, start=len(outcomes) + 1):
                outcomes.append(outcome)
                if progress is not None:
                    progress(outcome, number, len(units))
        store.add_clock(_clock(outcomes))
    return outcomes


def _clock(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Return the wall-clock and CPU seconds of the sequences that were tracked and timed now; empty if none were."""
    timed = [one for one in outcomes if one.status is Status.DONE and math.isfinite(one.cpu_seconds)]
    if not timed:
        return {}
    return {"wall": sum(one.seconds for one in timed), "cpu": sum(one.cpu_seconds for one in timed)}


def unverified_notice(worker: Worker) -> str | None:
    """Return the sentence that says that stored results do not record the tracker's files; None if they do.

    They were made by an earlier version of evalkit. They are used, but an edit of the tracker since cannot be found.
    """
    if not is_own_code(worker.job.tracker) and not worker.files.paths:
        return None
    try:
        record = worker.store.read_record()
    except EvalkitError:
        return None
    if record is None or run_record.FILES in record["identity"]:
        return None
    if {one.get("code") for one in record["environments"]} == {
        fingerprint(worker.job.tracker, worker.job.execution.runtime)
    }:
        return None
    return (
        f"{worker.job.label}: the stored results do not record the tracker's files (they are of an earlier evalkit); "
        "if it was edited since, track again with --force"
    )


def repetitions(worker: Worker, repeat: int | None = None) -> int:
    """Return how often each sequence is tracked: ``repeat``, else the dataset's number for a stochastic tracker."""
    return repeat or (1 if is_deterministic(worker.job.tracker) else worker.dataset.repetitions)


def is_deterministic(tracker: str) -> bool:
    """Return whether a tracker is registered as one that always gives the same answers (the default).

    Raises:
        EvalkitError: There is no such tracker.
    """
    return registry.tracker.find(tracker).deterministic
