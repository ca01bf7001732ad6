"""Running what a suite asks for and is not there yet, and making a record of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.engine import serial
from evalkit.engine.code_fingerprint import fingerprint
from evalkit.engine.work import Job, Outcome, Status, Unit, Worker, settle
from evalkit.errors import EvalkitError
from evalkit.io.rows import read_bytes
from evalkit.metrics import profiles
from evalkit.regression import digests, shares
from evalkit.regression.bench import Bench
from evalkit.regression.records import DatasetRecord, MetricRecord, SequenceRecord, Share, TrackerRecord
from evalkit.regression.suite import Candidate, Suite
from evalkit.results import run_record
from evalkit.results.store import Store
from evalkit.types import SplitTracker, Trajectory

Progress = Callable[[Outcome, int, int], None]

OWN = "regress"
"""Folder inside the results for runs of this command; those of other code are replaced there, never elsewhere."""


def measure(
    candidate: Candidate,
    suite: Suite,
    benches: Sequence[Bench],
    *,
    results: Path,
    progress: Progress | None = None,
) -> TrackerRecord:
    """Track what is missing and record scores, hashes and counts of one tracker.

    Raises:
        EvalkitError: Something asked for does not exist or does not fit. A sequence that fails is recorded instead.
    """
    workers = [Worker(_job(candidate, bench, results)) for bench in benches]
    marks = _marks(suite, benches)
    datasets, environments = {}, []
    for worker, bench in zip(workers, benches, strict=True):
        failed: dict[str, str] = {}
        store = _track(worker, bench, failed, progress)
        datasets[bench.dataset.name] = _dataset_record(worker, store, bench, failed, marks)
        environments.append(_environment(store, candidate))
    first = workers[0]
    return TrackerRecord(
        environment=_joined(environments),
        weights=_weights(first, candidate),
        cost=_cost(first) if suite.gates.cost else {},
        datasets=datasets,
        stochastic=not _deterministic(candidate.name),
    )


def _job(candidate: Candidate, bench: Bench, results: Path) -> Job:
    return Job(
        tracker=candidate.name, label=candidate.label, dataset=bench.dataset.name, results=results,
        protocol=bench.protocol, data=bench.data, weights=candidate.weights, runtime=candidate.runtime,
        precision=candidate.precision, device=candidate.device, threads=candidate.threads, seed=candidate.seed,
        settings=candidate.settings,
    )  # fmt: skip


def _marks(suite: Suite, benches: Sequence[Bench]) -> int:
    """Marks per sequence that the whole baseline has room for."""
    count = len(suite.candidates) * sum(len(bench.sequences) for bench in benches)
    return max(1, digests.ROOM // 2 // max(count, 1))


def _track(worker: Worker, bench: Bench, failed: dict[str, str], progress: Progress | None) -> Store:
    """Complete the results; ``failed`` receives the error by sequence."""
    store = _claimed(worker)
    repetitions = bench.dataset.repetitions if not _deterministic(worker.job.tracker) else 1
    units = [Unit(worker.job, name, number + 1) for name in bench.sequences for number in range(repetitions)]
    missing = [unit for unit in units if not store.done(bench.dataset.sequence(unit.sequence), unit.repetition)]
    for number, answer in enumerate(serial.execute(worker, missing), len(units) - len(missing) + 1):
        outcome = settle(store, answer)
        if outcome.status is Status.FAILED:
            failed[outcome.unit.sequence] = outcome.error or "failed"
        if progress is not None:
            progress(outcome, number, len(units))
    return store


def _deterministic(tracker: str) -> bool:
    return registry.tracker.find(tracker).deterministic


def _claimed(worker: Worker) -> Store:
    """Where the results are or will be: in the results folder if this very code made what lies there, else in
    ``regress`` inside of it, emptied if other code made what lies there."""
    job, identity, code = worker.job, worker.identity(), fingerprint(worker.job.tracker)
    shared = Store(job.results, worker.dataset, job.label, job.protocol)
    if _made_by(shared, identity, code):
        return shared
    own = Store(job.results / OWN, worker.dataset, job.label, job.protocol)
    if not _made_by(own, identity, code):
        own.clear()
    own.begin(identity, record_environment=False)
    own.record_environment(code)
    return own


def _made_by(store: Store, identity: Mapping[str, Any], code: str) -> bool:
    try:
        found = store.card()
    except EvalkitError:
        return False
    if found is None or run_record.differences(found["identity"], run_record.as_json(identity)):
        return False
    return {environment.get("code") for environment in found["environments"]} == {code}


def _dataset_record(worker: Worker, store: Store, bench: Bench, failed: Mapping[str, str], marks: int) -> DatasetRecord:
    runs = {name: store.read(bench.dataset.sequence(name)) for name in bench.sequences if name not in failed}
    metrics, contributions = _scores(bench, runs)
    sequences = {
        name: SequenceRecord(
            digests.digest(found, marks=marks),
            {metric: by_sequence[name] for metric, by_sequence in contributions.items() if name in by_sequence},
        )
        for name, found in runs.items()
    }
    card = _settings(worker.identity()["card"])
    return DatasetRecord(bench.dataset.version, bench.protocol, bench.profile, card, metrics, sequences, dict(failed))


def _settings(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a tracker says of itself, without what other gates look at and without prose."""
    elsewhere = ("weights.", "runtime", "precision", "device", "threads")
    return {
        key: value
        for key, value in run_record.flat(card).items()
        if not key.startswith(elsewhere) and not key.endswith(("_source", "_notice"))
    }


def _scores(
    bench: Bench, runs: Mapping[str, list[Trajectory]]
) -> tuple[dict[str, MetricRecord], dict[str, dict[str, Share]]]:
    if not runs:
        return {}, {}
    measures, _ = profiles.measure(bench.profile, bench.dataset, bench.protocol, runs)
    by_name = {measure.metric.name: measure for measure in measures}
    chosen = bench.margins_of(by_name)
    found = {name: shares.record(by_name[name]) for name in chosen}
    return {name: one[0] for name, one in found.items()}, {name: one[1] for name, one in found.items()}


def _environment(store: Store, candidate: Candidate) -> dict[str, Any]:
    """What the last bits of the boxes depend on besides code and weights."""
    card = store.card()
    entries = [_decisive(entry, candidate) for entry in (card["environments"] if card else [])]
    run = {key: getattr(candidate, key) for key in ("runtime", "precision", "device", "threads")}
    return {**_joined(entries), **run}


def _decisive(environment: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    keys = [
        "system",
        "machine",
        "processor",
        "processor_model",
        "capability",
        *(["gpu"] if candidate.device != "cpu" else []),
    ]
    # What does without PyTorch does not depend on its version.
    used = ("numpy", "opencv", *(("torch", candidate.runtime) if environment.get("capability") else ()))
    versions = {name.partition("-")[0]: version for name, version in environment["versions"].items()}
    return {
        **{key: environment.get(key) for key in keys},
        **{name: version for name, version in versions.items() if name in used},
    }


def _joined(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One environment of several; where they differ, all values, which then equals no single one."""
    keys = dict.fromkeys(key for entry in entries for key in entry)
    values = {key: list(dict.fromkeys(entry.get(key) for entry in entries)) for key in keys}
    return {key: found[0] if len(found) == 1 else " + ".join(map(str, found)) for key, found in values.items()}


def _weights(worker: Worker, candidate: Candidate) -> str | None:
    card = getattr(worker.tracker, "card", {}).get("weights")
    if isinstance(card, Mapping) and card.get("sha256"):
        return str(card["sha256"])
    if candidate.weights is None:
        return None
    return hashlib.sha256(read_bytes(candidate.weights)).hexdigest()


def _cost(worker: Worker) -> dict[str, int]:
    if not isinstance(worker.tracker, SplitTracker):
        return {}
    from evalkit.cost import macs

    return {f"{one.quantity} {one.convention}": int(one.value or 0) for one in macs.costs(worker.tracker)}
