"""Run trackers on datasets: track what is missing, store it, score it, and collect notices on the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit import protocols, registry
from evalkit.cost.recorded import Timed
from evalkit.dataframes import frame
from evalkit.engine.default_label import default_label
from evalkit.engine.plan import Plan, parse_shard
from evalkit.engine.track import Progress, track_missing, unverified_notice
from evalkit.engine.work import Job, Outcome, Status, Worker
from evalkit.errors import EvalkitError, listed
from evalkit.factories import open_dataset
from evalkit.io.orientation import turned_notice
from evalkit.metrics.withheld import withheld_error
from evalkit.progress import each, tell
from evalkit.scoring import default_scores, joined_notices
from evalkit.stored import StoredRun, load_run
from evalkit.types import Cost, Dataset, Execution, Score, SplitTracker, Trajectory

if TYPE_CHECKING:
    import pandas as pd

_DEFAULT_EXECUTION = Execution()


@dataclass(frozen=True)
class RunReport:
    """Outcome of a run.

    Attributes:
        outcomes: One per sequence and repetition, also for those that were stored already.
        scores: Scores of every tracker without a failed sequence.
        costs: MACs, parameters and frames per second.
        notices: Sentences that a reader of the numbers has to know.
    """

    outcomes: tuple[Outcome, ...]
    scores: tuple[Score, ...]
    costs: tuple[Cost, ...]
    notices: tuple[str, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes of sequences that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status is Status.FAILED)

    def frame(self) -> pd.DataFrame:
        """Return the scores as a table, one row each; ``evalkit.frame(report.costs)`` does the same for the costs."""
        return frame(self.scores)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of a run, as ``evalkit run`` and ``evalkit.run`` take them; ``evalkit.run`` documents each.

    Attributes:
        execution: Runtime, precision, device and threads; the device may be several, separated by commas.
    """

    data: Path | None = None
    results: Path = Path("results")
    weights: Path | None = None
    execution: Execution = _DEFAULT_EXECUTION
    protocol: str | None = None
    sequences: tuple[str, ...] | None = None
    repeat: int | None = None
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    force: bool = False
    engine: str = "local"
    jobs: int | None = None
    shard: str | None = None
    address: str | None = None
    timeout: float | None = None

    def plan(self) -> Plan:
        """Return the engine and how it divides the work.

        Raises:
            EvalkitError: Engine, jobs, devices, shard, address and timeout do not go together.
        """
        shard = parse_shard(self.shard) if self.shard else None
        return Plan(self.engine, self.jobs, tuple(self.execution.device.split(",")), self.timeout, self.address, shard)


def run(
    trackers: Sequence[str], datasets: Sequence[str], options: RunOptions, *, progress: Progress | None = None
) -> RunReport:
    """Track datasets, store the trajectories, and score what is complete; ``evalkit.run`` documents the options.

    Raises:
        EvalkitError: Something that was asked for does not exist or does not match; nothing stored is lost.
    """
    plan = options.plan()
    if options.name is not None and len(trackers) != 1:
        raise EvalkitError(
            "one label cannot be used for several trackers", where="--name", found=f"{len(trackers)} trackers",
            hint="Run each separately, or leave out --name",
        )  # fmt: skip
    for tracker in trackers:
        _check_executes(tracker, options.execution)
    if datasets:
        _check_builds(trackers[1:], datasets[0], options, plan)
    return _joined([_run_tracker(tracker, one, options, plan, progress) for one in datasets for tracker in trackers])


def _check_builds(trackers: Sequence[str], dataset_name: str, options: RunOptions, plan: Plan) -> None:
    """Build evalkit's own trackers once, so that what is missing is found before the first of several is tracked.

    Trackers of a user may not expect to be built twice, and a runtime may take long to start: these are built when it
    is their turn.
    """
    entries = {name: registry.tracker.find(name) for name in trackers}
    checked = [name for name, one in entries.items() if registry.tracker.is_builtin(one) and one.program_files is None]
    if not checked or registry.runtime.find(options.execution.runtime).start_seconds:
        return
    tell(f"{dataset_name}: opening")
    dataset = open_dataset(dataset_name, options.data)
    for name in each(checked, lambda name: f"checking that {name} can be loaded"):
        plan.worker(_job(name, dataset, dataset_name, options, plan)).tracker  # noqa: B018


def _joined(runs: Sequence[tuple[RunReport, list[Timed]]]) -> RunReport:
    """Join the reports of all trackers and datasets."""
    reports = [report for report, _ in runs]
    scores = tuple(chain.from_iterable(report.scores for report in reports))
    notices = chain.from_iterable(report.notices for report in reports)
    return RunReport(
        outcomes=tuple(chain.from_iterable(report.outcomes for report in reports)),
        scores=scores,
        costs=tuple(chain.from_iterable(report.costs for report in reports)),
        notices=joined_notices(notices, scores, chain.from_iterable(timed for _, timed in runs)),
    )


def _run_tracker(
    tracker: str, dataset_name: str, options: RunOptions, plan: Plan, progress: Progress | None
) -> tuple[RunReport, list[Timed]]:
    """Track and score one tracker on one dataset; the second result is for ``joined_notices``."""
    tell(f"{dataset_name}: opening")
    dataset = open_dataset(dataset_name, options.data)
    tell(f"loading {tracker}")
    worker = plan.worker(_job(tracker, dataset, dataset_name, options, plan))
    chosen = plan.share(choose_sequences(dataset, options.sequences))
    plan.check(worker.job)
    worker.identity()  # fails before the results folder is locked
    # Locked until the scores are read: they are those of this run.
    with worker.store.writing(plan.shard_name):
        return _track_and_score(worker, chosen, options, plan, progress)


def _track_and_score(
    worker: Worker, chosen: list[str], options: RunOptions, plan: Plan, progress: Progress | None
) -> tuple[RunReport, list[Timed]]:
    dataset = worker.dataset
    unverified = None if options.force else unverified_notice(worker)
    outcomes = track_missing(worker, chosen, plan, repeat=options.repeat, force=options.force, progress=progress)
    turned = turned_notice(dataset.sequence(name) for name in chosen)
    first = [notice for notice in (unverified, turned) if notice]
    notices = [*first, *_notices(worker), *plan.notices(worker, chosen)]
    tell(f"{worker.job.label}: counting operations")
    counted = _counted(worker, notices)
    worker.store.add_costs(counted)
    if plan.shard is not None:
        return RunReport(tuple(outcomes), (), (), tuple(notices)), []
    tell(f"{dataset.name}: scoring {worker.job.label}")
    stored = load_run(options.results, dataset, worker.job.label, protocol=worker.job.protocol, sequences=chosen)
    if mixed := stored.code_notice():
        notices.append(mixed)
    scores = []
    if not any(outcome.status is Status.FAILED for outcome in outcomes):
        scores = default_scores(stored)
        if stored.withheld:
            notices.append(str(withheld_error(dataset, worker.job.label)))
    speed = _speed(worker.job, stored)
    timed = [(worker.job.label, stored.record, cost.value or 0.0) for cost in speed]
    return RunReport(tuple(outcomes), tuple(scores), (*counted, *speed), tuple(notices)), timed


def _job(tracker: str, dataset: Dataset, dataset_name: str, options: RunOptions, plan: Plan) -> Job:
    execution = options.execution
    return Job(
        tracker=tracker,
        label=options.name or default_label(tracker, execution.runtime, execution.precision),
        dataset=dataset_name if ":" in dataset_name else dataset.name,
        results=options.results,
        protocol=protocols.choose(dataset, options.protocol),
        protocol_source=protocols.source_of(options.protocol),
        data=options.data,
        weights=options.weights,
        execution=replace(execution, device=plan.devices[0]),
        seed=options.seed,
        settings=dict(options.settings),
        timed=plan.timed,
    )


def _check_executes(tracker: str, execution: Execution) -> None:
    """Refuse options that the tracker ignores: results and speeds are stored under them."""
    entry = registry.tracker.find(tracker)
    takes = entry.parameters
    builtin = registry.tracker.is_builtin(entry) and entry.program_files is None
    for option, value, usual in (
        ("runtime", execution.runtime, "torch"),
        ("precision", execution.precision, "fp32"),
        ("device", execution.device, "cpu"),
    ):
        # A user's tracker may compute on a GPU without asking evalkit for it.
        if value != usual and option not in takes and (builtin or option != "device"):
            raise EvalkitError(
                f"{tracker} has no network that evalkit executes", where=f"--{option}", found=value,
                hint=f"Run it separately, without --{option}",
            )  # fmt: skip


def choose_sequences(dataset: Dataset, asked: Sequence[str] | None) -> list[str]:
    """Return the names of the sequences to track, in the benchmark's order.

    Raises:
        UnknownName: A requested sequence does not exist.
        EvalkitError: The benchmark is incomplete and no sequences were requested.
    """
    present = [sequence.name for sequence in dataset.sequences]
    if asked is None:
        missing = [name for name in dataset.expected if name not in set(present)]
        if missing:
            raise EvalkitError(
                f"{len(missing)} of {len(dataset.expected)} sequences are missing",
                where=f"{dataset.name} in {dataset.root}",
                found=f"only {listed(present)}",
                hint=f"Missing: {listed(missing)}. Choose a part with --sequences",
            )
        return present
    wanted = {dataset.find(name).name for name in asked}
    return [name for name in present if name in wanted]


def _counted(worker: Worker, notices: list[str]) -> list[Cost]:
    """Return MACs and parameters; none where the tracker holds no network, or fails when it is counted."""
    from evalkit.cost import macs, update_costs

    tracker, label = worker.tracker, worker.job.label
    try:
        if isinstance(tracker, SplitTracker):
            return macs.costs(tracker, name=label)
        return [cost for cost in update_costs.update_costs(tracker, name=label) if cost.value is not None]
    except EvalkitError:
        raise
    except Exception as error:  # the tracker's own `parts` or network; its results are stored
        notices.append(f"{label}: not counted, {type(error).__name__}: {error}")
        return []


def _speed(job: Job, stored: StoredRun) -> list[Cost]:
    """Return frames per second; empty where nothing was timed."""
    fps = frames_per_second(one for trajectories in stored.trajectories.values() for one in trajectories)
    if fps is None:
        return []
    how = job.execution
    return [
        Cost(
            tracker=job.label, quantity="fps", convention="tracking", value=fps, unit="1/s", runtime=job.runtime_name,
            precision=how.precision, device=how.device, threads=how.threads,
        )
    ]  # fmt: skip


def frames_per_second(trajectories: Iterable[Trajectory]) -> float | None:
    """Return frames divided by the seconds inside the tracker, initialisation included; None if not timed."""
    frames, seconds = 0, 0.0
    for trajectory in trajectories:
        timed = trajectory.seconds[np.isfinite(trajectory.seconds)]
        frames += timed.size
        seconds += float(timed.sum())
    return frames / seconds if seconds > 0 and math.isfinite(seconds) else None


def _notices(worker: Worker) -> list[str]:
    """Return the sentences on the tracker's interface, weights and hyperparameters."""
    card: Mapping[str, Any] = getattr(worker.tracker, "card", {})
    label = worker.job.label
    interface = getattr(worker.tracker, "interface", "")
    notices = [f"{label}: taken for {interface}"] if interface else []
    weights = card.get("weights")
    if weights:
        identity = weights.get("identity") or "unknown to evalkit"
        notices.append(f"{label}: weights {weights['file']} (sha256 {weights['sha256'][:12]}): {identity}")
    if card.get("hyperparameters_source"):
        notices.append(f"{label}: hyperparameters from {card['hyperparameters_source']}")
    if card.get("weights_notice"):
        notices.append(f"{label}: {card['weights_notice']}")
    return notices
