"""What evalkit does, for Python users and for the command line, which only parses and prints.

>>> import evalkit
>>> report = evalkit.run(["identity"], sequences=["scale"])
>>> score = report.scores[0]
>>> score.metric, score.profile, score.sequences, score.expected_sequences
('auc', 'otb-matlab', 1, 12)
"""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import comparison as comparisons
from evalkit import doctor, inspection, registry
from evalkit.comparison import Comparison
from evalkit.engine.plan import Plan, parse_shard
from evalkit.engine.source import fingerprint
from evalkit.engine.work import Job, Outcome, Status, Unit, Worker, default_label, open_dataset
from evalkit.errors import EvalkitError
from evalkit.fetching import fetch_weights as fetch_weights
from evalkit.fetching import list_weights as list_weights
from evalkit.fetching import verify_weights as verify_weights
from evalkit.metrics import profiles as metric_profiles
from evalkit.regression import diff as diff
from evalkit.regression import regress as regress
from evalkit.regression import render_divergence as render_divergence
from evalkit.regression import render_regression as render_regression
from evalkit.rendering import layouts
from evalkit.results import importing, merging, packing
from evalkit.results import store as result_store
from evalkit.results.atomic import write_bytes
from evalkit.results.store import Store
from evalkit.types import Cost, Dataset, Score, SplitTracker, Tracker, Trajectory

Progress = Callable[[Outcome, int, int], None]
"""Called after each unit of work with its outcome, its number and the number of units."""


_BESIDE = {"pysot": ("norm_precision",), "got10k": ("ao", "sr50", "sr75")}


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


def run(
    trackers: Sequence[str],
    datasets: Sequence[str] = ("synthetic",),
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    weights: Path | None = None,
    runtime: str = "torch",
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    protocol: str | None = None,
    sequences: Sequence[str] | None = None,
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
        force: Redo what is there, and replace another run's results.
        device: Several, separated by commas, are taken in turn by the jobs.
        engine, jobs, address, timeout: See ``evalkit.engine.plan.Plan``.
        shard: ``I/N``: only every N-th sequence, beginning with number I; nothing is scored then.

    Raises:
        EvalkitError: Something asked for does not exist or does not fit; nothing stored is lost.
    """
    plan = Plan(engine, jobs, tuple(device.split(",")), timeout, address, parse_shard(shard) if shard else None)
    if name is not None and len(trackers) != 1:
        raise EvalkitError("--name labels one tracker", where="--name", found=f"{len(trackers)} trackers")
    outcomes: list[Outcome] = []
    scores: list[Score] = []
    costs: list[Cost] = []
    notices: list[str] = []
    for dataset_name in datasets:
        for tracker_name in trackers:
            dataset = open_dataset(dataset_name, data)
            job = Job(
                tracker=tracker_name,
                label=name or default_label(tracker_name, runtime, precision),
                dataset=dataset.name,
                results=results,
                protocol=(protocol or dataset.protocols[0]).replace("-", "_"),
                data=data,
                weights=weights,
                runtime=runtime,
                precision=precision,
                device=plan.devices[0],
                threads=threads,
                seed=seed,
                settings=dict(settings or {}),
                timed=plan.timed,
            )
            worker = plan.worker(job)
            chosen = plan.share(choose_sequences(dataset, sequences))
            done = _track(worker, chosen, plan=plan, repeat=repeat, force=force, progress=progress)
            outcomes += done
            notices += [*_notices(worker), *plan.notices(worker)]
            if plan.shard is not None:
                continue
            if not any(outcome.status is Status.FAILED for outcome in done):
                runs = _read_runs(worker.store, chosen)
                scores += _headline(worker.store, runs)
            costs += _costs(worker, chosen)
    return RunReport(tuple(outcomes), tuple(scores), tuple(costs), tuple(dict.fromkeys(notices)))


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
                found=f"only {_listed(present)}",
                hint=f"Missing: {_listed(missing)}. Ask for a part with --sequences",
            )
        return present
    by_key = {_key(name): name for name in present}
    unknown = [name for name in asked if _key(name) not in by_key]
    if unknown:
        official = {_key(name) for name in dataset.expected}
        absent = [name for name in unknown if _key(name) in official]
        what = "this sequence is not on disk" if absent else "no such sequence"
        raise EvalkitError(what, where=f"{dataset.name}/{unknown[0]}", found=_listed(present))
    wanted = {by_key[_key(name)] for name in asked}
    return [name for name in present if name in wanted]


def _key(name: str) -> str:
    return name.casefold().translate(str.maketrans("", "", "-._"))


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return (", ".join(names[:most]) + more) or "nothing"


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
    entry, _ = registry.find_tracker(job.tracker)
    stochastic = not entry.facts.get("deterministic", True)
    repetitions = repeat or (worker.dataset.repetitions if stochastic else 1)
    worker.store.begin(worker.identity(), force=force, code=fingerprint(job.tracker))
    units = [Unit(job, name, index + 1) for name in sequences for index in range(repetitions)]
    done = [not force and _is_done(worker, unit) for unit in units]
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


def score(
    dataset: str,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    trackers: Sequence[str] | None = None,
    profiles: Sequence[str] | None = None,
    protocol: str | None = None,
    attributes: bool = False,
    allow_partial: bool = False,
) -> list[Score]:
    """Score stored trajectories, ours or a stranger's; frames are not needed.

    Args:
        trackers: Labels; all that have results for the benchmark by default.
        profiles: Metric profiles; the benchmark's official one by default, every one that applies for ``("all",)``.
        attributes: Also by attribute or tag.
        allow_partial: Score what is there; every score says how many of how many sequences it covers.

    Raises:
        EvalkitError: Results are missing, incomplete or damaged; the sequences are named.
    """
    opened = open_dataset(dataset, data)
    chosen_protocol = (protocol or opened.protocols[0]).replace("-", "_")
    chosen_profiles = _profiles(opened, profiles)
    scores: list[Score] = []
    for label in trackers or result_store.labels(results, opened):
        store = Store(results, opened, label, chosen_protocol)
        runs = _read_runs(store, [sequence.name for sequence in opened.sequences])
        _check_complete(store, runs, allow_partial=allow_partial)
        scores += _score_runs(store, runs, chosen_profiles, attributes=attributes)
    return scores


def _profiles(dataset: Dataset, asked: Sequence[str] | None) -> tuple[str, ...]:
    if asked is None:
        return (dataset.profiles[0],)
    if tuple(asked) == ("all",):
        return dataset.profiles
    for name in asked:
        if name not in dataset.profiles:
            raise EvalkitError(
                f"{dataset.name} cannot be scored by profile {name!r}",
                where="--profile",
                expected=", ".join(dataset.profiles),
            )
    return tuple(asked)


def _read_runs(store: Store, sequences: Iterable[str]) -> dict[str, list[Trajectory]]:
    """Stored trajectories by sequence; sequences without any are left out."""
    read = {name: store.read(store.dataset.sequence(name)) for name in sequences}
    return {name: trajectories for name, trajectories in read.items() if trajectories}


def _check_complete(store: Store, runs: Mapping[str, list[Trajectory]], *, allow_partial: bool) -> None:
    missing = [name for name in store.dataset.expected if name not in runs]
    if not runs:
        raise EvalkitError("there are no results", where=store.folder, hint=_near_labels(store))
    if missing and not allow_partial:
        raise EvalkitError(
            f"{len(missing)} of {len(store.dataset.expected)} sequences have no result",
            where=f"{store.dataset.name}/{store.label}",
            hint=f"Missing: {_listed(missing)}. Score what is there with --allow-partial",
        )


def _near_labels(store: Store) -> str:
    known = result_store.labels(store.folder.parent.parent, store.dataset)
    return f"There are results of {_listed([name for name in known if name != store.folder.name])}"


def _score_runs(
    store: Store, runs: Mapping[str, list[Trajectory]], profiles: Sequence[str], *, attributes: bool
) -> list[Score]:
    return [
        one
        for profile in profiles
        for one in metric_profiles.score(
            profile, store.dataset, store.label, store.protocol, runs, attributes=attributes
        )
    ]


def _headline(store: Store, runs: Mapping[str, list[Trajectory]]) -> list[Score]:
    """The official scores, and beside them those of other conventions that a reader looks for."""
    official, *others = store.dataset.profiles
    scores = _score_runs(store, runs, [official], attributes=False)
    known = {one.metric for one in scores}
    for profile, metrics in _BESIDE.items():
        if profile in others and not known.issuperset(metrics):
            fresh = _score_runs(store, runs, [profile], attributes=False)
            scores += [one for one in fresh if one.metric in metrics and one.metric not in known]
    return scores


def _costs(worker: Worker, sequences: Iterable[str]) -> list[Cost]:
    job = worker.job
    costs: list[Cost] = []
    if isinstance(worker.tracker, SplitTracker):
        from evalkit.cost import macs

        costs += macs.costs(worker.tracker, name=job.label)
    fps = frames_per_second(
        trajectory for name in sequences for trajectory in worker.store.read(worker.dataset.sequence(name))
    )
    if fps is not None:
        costs.append(
            Cost(
                tracker=job.label,
                quantity="fps",
                convention="tracking",
                value=fps,
                unit="1/s",
                runtime=job.runtime,
                precision=job.precision,
                device=job.device,
                threads=job.threads,
            )
        )
    return costs


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


def render(form: str, **content: Any) -> str:
    """Write scores and costs as text.

    Args:
        form: ``table``, ``json``, ``csv``, ``markdown`` or ``latex``.
        **content: ``scores``, ``costs``, ``notices``: what the form names is used.

    Raises:
        EvalkitError: No report has that name.
    """
    entry, _ = registry.report.find(form)
    return str(entry.build(**content))


def report(
    trackers: Sequence[str] | None,
    datasets: Sequence[str],
    output: Path,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    profiles: Sequence[str] | None = None,
    costs: Sequence[Path] = (),
    allow_partial: bool = False,
    replay: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    jobs: int = 1,
) -> Comparison:
    """Compare trackers by what result files say, and write the report that the output's suffix names.

    Args:
        trackers: Labels; all that have results by default. A name without results stands for its published numbers.
        output: Ends in ``.html``, ``.pdf``, ``.md``, ``.tex``, ``.csv``, ``.xlsx`` or ``.json``.
        replay: Sequences to show frame by frame; only these need frames.
        names: By label, the tracker whose published numbers stand beside it, where the label does not say it.
        jobs: Processes to read and score with; more than one needs a main module that can be imported again.

    Raises:
        EvalkitError: No form of report has that suffix; see ``evalkit.comparison.gather``.
    """
    entry = comparisons.form_of(output)
    gathered = comparisons.gather(
        trackers, datasets, data=data, results=results, profiles=profiles, costs=costs,
        allow_partial=allow_partial, replay=replay, names=names, jobs=jobs,
    )  # fmt: skip
    content = entry.build(comparison=gathered, scores=gathered.scores, costs=gathered.costs, notices=gathered.notices)
    write_bytes(output, content if isinstance(content, bytes) else f"{content}\n".encode())
    return gathered


def replay(
    trackers: Sequence[str] | None,
    dataset: str,
    sequence: str,
    output: Path,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    fps: float | None = None,
    width: int | None = None,
) -> None:
    """Write a sequence with groundtruth and every tracker's box as ``.mp4`` or ``.gif``.

    Args:
        trackers: Labels; all that have results by default.
        fps: Frames per second; the video's by default.
        width: Of the picture at most, in pixels.

    Raises:
        EvalkitError: There is no such sequence, it has no frames or no results, or the suffix is another.
    """
    entry = comparisons.form_of(output, "video")
    opened, name, runs = comparisons.gather_sequence(trackers, dataset, sequence, data=data, results=results)
    chosen = {} if width is None else {"width": width}
    write_bytes(output, entry.build(dataset=opened, sequence=name, runs=runs, fps=fps, **chosen))


def examine(data: Path | None = None, results: Path = Path("results")) -> list[doctor.Finding]:
    """Look at this installation; see ``evalkit.doctor``."""
    return doctor.examine(data, results)


def import_results(
    source: Path,
    layout: str,
    dataset: str,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    label: str | None = None,
    protocol: str | None = None,
) -> importing.Imported:
    """Bring somebody else's results into the results folder; see ``evalkit.results.importing``."""
    opened = open_dataset(dataset, data)
    return importing.import_results(source, layout, opened, results, label=label, protocol=protocol)


def pack(
    dataset: str,
    tracker: str,
    output: Path,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    protocol: str | None = None,
) -> packing.Packed:
    """Write a submission for an evaluation server; see ``evalkit.results.packing``."""
    return packing.pack(open_dataset(dataset, data), tracker, results, output, protocol=protocol)


def check_archive(path: Path, dataset: str, *, data: Path | None = None, protocol: str | None = None) -> list[str]:
    """What is wrong with a submission; see ``evalkit.results.packing.check``."""
    return packing.check(path, open_dataset(dataset, data), protocol=protocol)


def check_data(
    name: str, *, data: Path | None = None, deep: bool = False
) -> tuple[Dataset, Iterable[inspection.Finding]]:
    """Look at a benchmark's files; see ``evalkit.inspection``. Findings come while one waits.

    Raises:
        EvalkitError: There is no such benchmark, or nothing of it where it was looked for.
    """
    dataset = open_dataset(name, data)
    return dataset, inspection.inspect(dataset, deep=deep)


def profile(trackers: Sequence[str], **options: Any) -> list[Cost]:
    """Count and time trackers; see ``evalkit.cost.profiling.profile`` for the options."""
    from evalkit.cost import profiling

    return profiling.profile(trackers, registry.create_tracker, **options)


def export(tracker: str, **options: Any) -> dict[str, Any]:
    """Write a tracker's networks in a runtime's format; see ``evalkit.cost.exporting.export`` for the options."""
    from evalkit.cost import exporting

    return exporting.export(tracker, registry.create_tracker, **options)


def render_data(layout: str, output: Path, *, seed: int = 0, sequences: Sequence[str] | None = None) -> list[str]:
    """Write the synthetic benchmark as files; see ``evalkit.rendering.layouts.render``."""
    return layouts.render(layout, output, seed=seed, sequences=sequences)


def train(name: str, output: Path, **options: Any) -> Path:
    """Train a tracker's network by the recipe that its file registers as ``training``.

    Args:
        name: E.g. ``lighttrack-m`` or ``lighttrack:<path string>``.
        output: Folder of checkpoints, curve and weights.
        **options: What the recipe takes; see its ``train``.

    Raises:
        EvalkitError: There is no such tracker, or no recipe for it.
    """
    entry, variant = registry.tracker.find(name)
    recipe = entry.facts.get("training")
    if recipe is None:
        raise EvalkitError("evalkit has no training recipe for this tracker", where=name)
    weights: Path = importlib.import_module(recipe).train(variant, output, **options)
    return weights


def create_tracker(name: str, **offered: Any) -> Tracker:
    """See ``evalkit.registry.create_tracker``."""
    return registry.create_tracker(name, **offered)


def merge(folders: Sequence[Path], results: Path) -> list[merging.Merged]:
    """See ``evalkit.results.merging.merge``."""
    return merging.merge(folders, results)


def listing(kind: str) -> list[dict[str, Any]]:
    """One flat record for each of the trackers, datasets, metrics, reports or runtimes there are."""
    if kind == "metrics":
        return [_profile_record(name) for name in metric_profiles.PROFILES]
    if kind == "runtimes":
        from evalkit import runtimes

        return [one.record() for one in runtimes.listing()]
    registered = {"trackers": registry.tracker, "datasets": registry.dataset, "reports": registry.report}[kind]
    return [{"name": entry.name, "summary": entry.summary} for entry in registered.entries()]


def _profile_record(name: str) -> dict[str, Any]:
    profile = metric_profiles.PROFILES[name]
    metrics = ", ".join(metric.name for metric in profile.metrics)
    return {"name": name, "summary": f"protocols {', '.join(profile.protocols)}; metrics {metrics}"}
