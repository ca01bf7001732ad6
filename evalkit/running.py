"""Tracking benchmarks: what is to be done, by which engine, and what the reader of the outcome has to know."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit import protocols, registry
from evalkit.arguments import Names, Place, names, path, some
from evalkit.cost.recorded import clock_notice
from evalkit.dataframes import frame
from evalkit.engine.code_fingerprint import fingerprint
from evalkit.engine.plan import Plan, parse_shard
from evalkit.engine.work import Job, Outcome, Status, Unit, Worker, default_label
from evalkit.errors import EvalkitError, listed
from evalkit.factories import open_dataset
from evalkit.scoring import default_scores
from evalkit.stored import load_run, withheld_error
from evalkit.types import Cost, Dataset, Score, SplitTracker, Trajectory

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[Outcome, int, int], None]
"""Called after each unit of work with its outcome, its number and the number of units."""


@dataclass(frozen=True)
class RunReport:
    """What ``run`` did.

    Attributes:
        outcomes: One per sequence and repetition, also those that were there already.
        scores: Of every tracker whose sequences are all there.
        costs: MACs, parameters and frames per second.
        notices: Sentences the reader of the numbers has to know.
    """

    outcomes: tuple[Outcome, ...]
    scores: tuple[Score, ...]
    costs: tuple[Cost, ...]
    notices: tuple[str, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status is Status.FAILED)

    def frame(self) -> pd.DataFrame:
        """The scores, one row each; ``evalkit.frame(report.costs)`` is the same of the costs."""
        return frame(self.scores)


def run(
    trackers: Names,
    datasets: Names = "synthetic",
    *,
    data: Place | None = None,
    results: Place = "results",
    weights: Place | None = None,
    runtime: str = "torch",
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    protocol: str | None = None,
    sequences: Names | None = None,
    repeat: int | None = None,
    seed: int = 0,
    settings: Mapping[str, str] | None = None,
    name: str | None = None,
    force: bool = False,
    engine: str = "local",
    jobs: int | None = None,
    shard: str | None = None,
    address: str | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Track benchmarks, store the trajectories, score what is complete.

    What is stored already is kept; the same call continues an interrupted one.

    Args:
        trackers: Registered names or ``path/to/file.py:Class``.
        datasets: Registered names.
        data: Folder of the benchmarks; ``$EVALKIT_DATA`` or the configuration file otherwise.
        results: Folder that receives ``<BENCHMARK>/<tracker>/...``.
        sequences: Only these; every score then says how many of how many.
        repeat: Repetitions; by default what the benchmark asks for if the tracker is stochastic, else 1.
        settings: Hyperparameters that override the published ones.
        name: Label of the results instead of the tracker's name; for a single tracker.
        force: Forget what is there of these sequences and redo it, and replace another run's results.
        device: Several, separated by commas, are taken in turn by the jobs.
        engine, jobs, address, timeout: See ``evalkit.engine.plan.Plan``.
        shard: ``I/N``: only every N-th sequence, beginning with number I; nothing is scored then.

    Raises:
        EvalkitError: Something asked for does not exist or does not fit; nothing stored is lost.
    """
    plan = Plan(engine, jobs, tuple(device.split(",")), timeout, address, parse_shard(shard) if shard else None)
    asked = names(trackers)
    part = some(sequences)
    if name is not None and len(asked) != 1:
        raise EvalkitError(
            "one label cannot stand for several", where="--name", found=f"{len(asked)} trackers",
            hint="Run each by itself, or leave out --name",
        )  # fmt: skip
    for tracker in asked:
        _check_executes(tracker, runtime, precision, device)
    outcomes: list[Outcome] = []
    scores: list[Score] = []
    costs: list[Cost] = []
    notices: list[str] = []
    for dataset_name in names(datasets):
        for tracker_name in asked:
            dataset = open_dataset(dataset_name, path(data))
            job = Job(
                tracker=tracker_name,
                label=name or default_label(tracker_name, runtime, precision),
                dataset=dataset.name,
                results=Path(results),
                protocol=protocols.choose(dataset, protocol),
                data=path(data),
                weights=path(weights),
                runtime=runtime,
                precision=precision,
                device=plan.devices[0],
                threads=threads,
                seed=seed,
                settings=dict(settings or {}),
                timed=plan.timed,
            )
            worker = plan.worker(job)
            chosen = plan.share(choose_sequences(dataset, part))
            done = _track(worker, chosen, plan=plan, repeat=repeat, force=force, progress=progress)
            outcomes += done
            notices += [*_notices(worker), *plan.notices(worker, chosen)]
            counted = _counted(worker)
            worker.store.add_costs(counted)
            if plan.shard is not None:
                continue
            if not any(outcome.status is Status.FAILED for outcome in done):
                stored = load_run(job.results, worker.dataset, job.label, protocol=job.protocol, sequences=chosen)
                scores += default_scores(stored)
                if stored.withheld:
                    notices.append(str(withheld_error(worker.dataset, job.label)))
            speed = _speed(worker, chosen)
            costs += [*counted, *speed]
            if speed:
                notices.append(clock_notice([worker.store.card()]))
    return RunReport(tuple(outcomes), tuple(scores), tuple(costs), tuple(dict.fromkeys(notices)))


def _check_executes(tracker: str, runtime: str, precision: str, device: str) -> None:
    """Results and speeds are filed under these, so only who executes a network by them may carry their names."""
    entry = registry.tracker.find(tracker)
    takes = entry.parameters
    ours = registry.tracker.is_builtin(entry) and entry.name != "program:"
    for option, value, usual in (
        ("runtime", runtime, "torch"),
        ("precision", precision, "fp32"),
        ("device", device, "cpu"),
    ):
        # A stranger's tracker may well compute on a GPU that it does not ask evalkit for.
        if value != usual and option not in takes and (ours or option != "device"):
            raise EvalkitError(
                f"{tracker} has no network that evalkit executes", where=f"--{option}", found=value,
                hint=f"Run it by itself, without --{option}",
            )  # fmt: skip


def choose_sequences(dataset: Dataset, asked: Sequence[str] | None) -> list[str]:
    """Names of the sequences to work on, in the benchmark's order.

    Raises:
        EvalkitError: A name that was asked for is not there, or the benchmark is incomplete and nobody
            asked for a part.
    """
    present = [sequence.name for sequence in dataset.sequences]
    if asked is None:
        missing = [name for name in dataset.expected if name not in set(present)]
        if missing:
            raise EvalkitError(
                f"{len(missing)} of {len(dataset.expected)} sequences are missing",
                where=f"{dataset.name} in {dataset.root}",
                found=f"only {listed(present)}",
                hint=f"Missing: {listed(missing)}. Ask for a part with --sequences",
            )
        return present
    wanted = {dataset.find(name).name for name in asked}
    return [name for name in present if name in wanted]


def _track(
    worker: Worker,
    sequences: Sequence[str],
    *,
    plan: Plan,
    repeat: int | None,
    force: bool,
    progress: Progress | None,
) -> list[Outcome]:
    job = worker.job
    entry = registry.tracker.find(job.tracker)
    stochastic = not entry.deterministic
    repetitions = repeat or (worker.dataset.repetitions if stochastic else 1)
    plan.check(job)
    identity = worker.identity()
    if force:
        worker.store.discard(sequences)
    worker.store.begin(identity, force=force, code=fingerprint(job.tracker))
    units = [Unit(job, name, index + 1) for name in sequences for index in range(repetitions)]
    done = [_is_done(worker, unit) for unit in units]
    outcomes = [Outcome(unit, Status.KEPT) for unit, kept in zip(units, done, strict=True) if kept]
    missing = [unit for unit, kept in zip(units, done, strict=True) if not kept]
    with contextlib.closing(plan.execute(worker, missing)) as done_now:
        for number, outcome in enumerate(done_now, start=len(outcomes) + 1):
            outcomes.append(outcome)
            if progress is not None:
                progress(outcome, number, len(units))
    return outcomes


def _is_done(worker: Worker, unit: Unit) -> bool:
    return worker.store.done(worker.dataset.sequence(unit.sequence), unit.repetition)


def _counted(worker: Worker) -> list[Cost]:
    """MACs and parameters; none where the tracker has no network that evalkit executes."""
    if not isinstance(worker.tracker, SplitTracker):
        return []
    from evalkit.cost import macs

    return macs.costs(worker.tracker, name=worker.job.label)


def _speed(worker: Worker, sequences: Iterable[str]) -> list[Cost]:
    """Frames per second; empty where nothing was timed."""
    job = worker.job
    fps = frames_per_second(
        trajectory for name in sequences for trajectory in worker.store.read(worker.dataset.sequence(name))
    )
    if fps is None:
        return []
    return [
        Cost(
            tracker=job.label, quantity="fps", convention="tracking", value=fps, unit="1/s", runtime=job.runtime,
            precision=job.precision, device=job.device, threads=job.threads,
        )
    ]  # fmt: skip


def frames_per_second(trajectories: Iterable[Trajectory]) -> float | None:
    """Frames divided by the seconds spent on them inside the tracker, initialisation included; None if not timed."""
    frames, seconds = 0, 0.0
    for trajectory in trajectories:
        timed = trajectory.seconds[np.isfinite(trajectory.seconds)]
        frames += timed.size
        seconds += float(timed.sum())
    return frames / seconds if seconds > 0 and math.isfinite(seconds) else None


def _notices(worker: Worker) -> list[str]:
    """What the reader of the numbers has to know about the tracker: which weights, whose hyperparameters."""
    card: Mapping[str, Any] = getattr(worker.tracker, "card", {})
    label = worker.job.label
    notices = []
    weights = card.get("weights")
    if weights:
        identity = weights.get("identity") or "unknown to evalkit"
        notices.append(f"{label}: weights {weights['file']} (sha256 {weights['sha256'][:12]}): {identity}")
    if card.get("hyperparameters_source"):
        notices.append(f"{label}: hyperparameters from {card['hyperparameters_source']}")
    if card.get("weights_notice"):
        notices.append(f"{label}: {card['weights_notice']}")
    return notices
