"""Track what a suite asks for and is not stored yet, and make a record of the results."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.engine.code_fingerprint import fingerprint
from evalkit.engine.plan import Plan
from evalkit.engine.track import Progress, is_deterministic, track_missing
from evalkit.engine.work import Job, Status, Worker
from evalkit.errors import EvalkitError
from evalkit.io.rows import read_bytes
from evalkit.metrics import profiles
from evalkit.progress import tell
from evalkit.regression import box_hashes
from evalkit.regression.baseline_results import OWN_FOLDER, keep_previous
from evalkit.regression.records import (
    DatasetRecord,
    MetricRecord,
    SequenceContribution,
    SequenceRecord,
    TrackerRecord,
    record_metric,
)
from evalkit.regression.resolved_dataset import ResolvedDataset
from evalkit.regression.suite import Suite, SuiteTracker
from evalkit.results import run_record
from evalkit.results.store import Store
from evalkit.stored import Trajectories, check, load_run
from evalkit.types import SplitTracker

_ENVIRONMENT_KEYS = ("system", "machine", "processor", "processor_model", "capability")


def record_tracker(
    tracker: SuiteTracker,
    suite: Suite,
    datasets: Sequence[ResolvedDataset],
    *,
    results: Path,
    jobs: int | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
    old: TrackerRecord | None = None,
) -> TrackerRecord:
    """Track what is missing of one tracker, and record its scores, hashes and counts.

    Args:
        results: Folder of results.
        jobs: Sequences that are tracked at the same time, in processes of their own.
        timeout: Seconds that a sequence may take.
        old: The baseline's record, whose results are kept when they are replaced.

    Raises:
        EvalkitError: Something that the suite names does not exist or does not fit. A sequence that fails is recorded.
    """
    plan = Plan(jobs=jobs, devices=(tracker.execution.device,), timeout=timeout)
    tell(f"loading {tracker.label}")
    known = {} if old is None else old.datasets
    workers = [
        _worker(_job(tracker, dataset, results, timed=plan.timed), known.get(dataset.dataset.name))
        for dataset in datasets
    ]
    checkpoints = _checkpoints_per_sequence(suite, datasets)
    records, environments = {}, []
    for worker, dataset in zip(workers, datasets, strict=True):
        began = time.monotonic()
        outcomes = track_missing(worker, dataset.sequences, plan, progress=progress)
        seconds = time.monotonic() - began
        failed = {one.unit.sequence: one.error or "failed" for one in outcomes if one.status is Status.FAILED}
        tell(f"{dataset.dataset.name}: scoring {tracker.label}")
        record = _record_dataset(worker, dataset, failed, checkpoints)
        records[dataset.dataset.name] = replace(record, seconds=seconds)
        environments.append(_environment(worker.store, tracker))
    return TrackerRecord(
        environment=_merge_environments(environments),
        weights=_weights_hash(workers[0], tracker),
        cost=_count_cost(workers[0]) if suite.gates.cost else {},
        datasets=records,
        stochastic=not is_deterministic(tracker.name),
    )


def _job(tracker: SuiteTracker, dataset: ResolvedDataset, results: Path, *, timed: bool) -> Job:
    return Job(
        tracker=tracker.name, label=tracker.label, dataset=dataset.name, results=results,
        protocol=dataset.protocol, protocol_source=dataset.protocol_source, data=dataset.data,
        weights=tracker.weights, execution=tracker.execution, seed=tracker.seed, settings=tracker.settings,
        timed=timed,
    )  # fmt: skip


def _checkpoints_per_sequence(suite: Suite, datasets: Sequence[ResolvedDataset]) -> int:
    """Return the number of hash checkpoints per sequence that the whole baseline has space for."""
    count = len(suite.trackers) * sum(len(dataset.sequences) for dataset in datasets)
    return max(1, box_hashes.MAX_CHARACTERS // 2 // max(count, 1))


def _worker(job: Job, old: DatasetRecord | None) -> Worker:
    """Return a worker that uses the results folder if the present code made what is stored there.

    Otherwise it uses ``regress`` inside that folder, from which results of other code are deleted; those that the
    baseline was made of are kept in ``regress/previous``.

    Args:
        old: The baseline's record.
    """
    worker = Worker(job)
    code = fingerprint(job.tracker, job.execution.runtime)
    if _is_made_by(worker.store, worker.identity(), code):
        return worker
    own = replace(job, results=job.results / OWN_FOLDER)
    store = Store(own.results, worker.dataset, own.label, own.protocol)
    if not _is_made_by(store, worker.identity(store), code):
        keep_previous(store, old, job.results)
        with store.writing():
            store.clear()
    worker.job, worker.store = own, store
    return worker


def _is_made_by(store: Store, identity: Mapping[str, Any], code: str) -> bool:
    try:
        found = store.read_record()
    except EvalkitError:
        return False
    if found is None or run_record.differences(found["identity"], run_record.as_json(identity)):
        return False
    return {environment.get("code") for environment in found["environments"]} == {code}


def _record_dataset(
    worker: Worker, dataset: ResolvedDataset, failed: Mapping[str, str], checkpoints: int
) -> DatasetRecord:
    runs = _stored_trajectories(worker, dataset, failed)
    metrics, contributions = _record_scores(dataset, runs)
    sequences = {
        name: SequenceRecord(
            box_hashes.hash_boxes(found, checkpoints=checkpoints),
            {metric: by_sequence[name] for metric, by_sequence in contributions.items() if name in by_sequence},
        )
        for name, found in runs.items()
    }
    return DatasetRecord(
        version=dataset.dataset.version,
        protocol=dataset.protocol,
        profile=profiles.find(dataset.profile).name,
        description=_settings(worker.identity()["card"]),
        metrics=metrics,
        sequences=sequences,
        failed=dict(failed),
    )


def _stored_trajectories(worker: Worker, dataset: ResolvedDataset, failed: Collection[str]) -> Trajectories:
    names = [name for name in dataset.sequences if name not in failed]
    if not names:
        return {}
    job = worker.job
    run = load_run(job.results, dataset.dataset, job.label, protocol=job.protocol, sequences=names)
    check([run.problem(groundtruth=dataset.gates_accuracy)])
    return run.trajectories


def _settings(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tracker reports about itself, without prose and without what other gates compare."""
    elsewhere = ("weights.", "runtime", "precision", "device", "threads")
    return {
        key: value
        for key, value in run_record.flat(description).items()
        if not key.startswith(elsewhere) and not key.endswith(("_source", "_notice"))
    }


def _record_scores(
    dataset: ResolvedDataset, runs: Trajectories
) -> tuple[dict[str, MetricRecord], dict[str, dict[str, SequenceContribution]]]:
    if not runs or not dataset.gates_accuracy:
        return {}, {}
    measures, _ = profiles.measure(dataset.profile, dataset.dataset, dataset.protocol, runs)
    by_name = {measure.metric.name: measure for measure in measures}
    found = {name: record_metric(by_name[name]) for name in dataset.margins_of(by_name)}
    return {name: one[0] for name, one in found.items()}, {name: one[1] for name, one in found.items()}


def _environment(store: Store, tracker: SuiteTracker) -> dict[str, Any]:
    """Return what the last bits of the boxes depend on besides code and weights."""
    record = store.read_record()
    entries = [_decisive_entries(entry, tracker) for entry in (record["environments"] if record else [])]
    runtime = registry.runtime.find(tracker.execution.runtime).name
    return {**_merge_environments(entries), **asdict(replace(tracker.execution, runtime=runtime))}


def _decisive_entries(environment: Mapping[str, Any], tracker: SuiteTracker) -> dict[str, Any]:
    keys = _ENVIRONMENT_KEYS if tracker.execution.device == "cpu" else (*_ENVIRONMENT_KEYS, "gpu")
    # Results that were made without PyTorch do not depend on its version.
    engine = registry.runtime.find(tracker.execution.runtime).engine.partition("-")[0]
    used = ("numpy", "opencv", *(("torch", engine) if environment.get("capability") else ()))
    versions = {name.partition("-")[0]: version for name, version in environment["versions"].items()}
    return {
        **{key: environment.get(key) for key in keys},
        **{name: version for name, version in versions.items() if name in used},
    }


def _merge_environments(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge several environments into one; where they differ, the value is a text that names all of them."""
    keys = dict.fromkeys(key for entry in entries for key in entry)
    values = {key: list(dict.fromkeys(entry.get(key) for entry in entries)) for key in keys}
    return {key: found[0] if len(found) == 1 else " + ".join(map(str, found)) for key, found in values.items()}


def _weights_hash(worker: Worker, tracker: SuiteTracker) -> str | None:
    weights = getattr(worker.tracker, "card", {}).get("weights")
    if isinstance(weights, Mapping) and weights.get("sha256"):
        return str(weights["sha256"])
    if tracker.weights is None:
        return None
    return hashlib.sha256(read_bytes(tracker.weights)).hexdigest()


def _count_cost(worker: Worker) -> dict[str, int]:
    if not isinstance(worker.tracker, SplitTracker):
        return {}
    from evalkit.cost import macs

    return {f"{one.quantity} {one.convention}": int(one.value or 0) for one in macs.costs(worker.tracker)}
