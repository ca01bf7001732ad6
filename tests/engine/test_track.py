"""Tracking what a results folder lacks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evalkit.engine.plan import Plan
from evalkit.engine.track import is_deterministic, repetitions, track_missing
from evalkit.engine.work import Job, Status, Worker
from evalkit.errors import EvalkitError
from evalkit.results import run_record

NAMES = [f"s{number}" for number in range(4)]


def statuses(worker: Worker, names: list[str], *, force: bool = False) -> dict[str, str]:
    return {one.unit.sequence: one.status.value for one in track_missing(worker, names, Plan(), force=force)}


def test_only_what_is_missing_is_tracked_and_force_tracks_again(job: Job) -> None:
    worker = Worker(job)
    assert statuses(worker, NAMES[:2]) == {"s0": "done", "s1": "done"}
    assert statuses(worker, NAMES[:3]) == {"s0": "kept", "s1": "kept", "s2": "done"}
    assert statuses(worker, NAMES[:2], force=True) == {"s0": "done", "s1": "done"}


def test_progress_counts_the_sequences_that_were_stored_before(job: Job) -> None:
    worker, seen = Worker(job), []
    track_missing(worker, NAMES[:1], Plan())
    track_missing(
        worker, NAMES, Plan(), progress=lambda one, number, total: seen.append((one.unit.sequence, number, total))
    )
    assert seen == [("s1", 2, 4), ("s2", 3, 4), ("s3", 4, 4)]


def test_a_failing_sequence_is_an_outcome_and_is_tracked_again(job: Job) -> None:
    worker = Worker(replace(job, tracker=job.tracker.replace("Drift", "Raising")))
    for _ in range(2):
        *others, last = track_missing(worker, NAMES, Plan())
        assert (last.unit.sequence, last.status) == ("s3", Status.FAILED)
        assert "too much" in (last.error or "")
        assert len(others) == 3


def test_an_environment_is_recorded_only_where_it_tracked_something(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(job)
    track_missing(worker, NAMES[:2], Plan())
    path = worker.store.home / run_record.FILE
    before = path.read_bytes()
    (environment,) = json.loads(before)["environments"]
    assert environment["code"]
    monkeypatch.setattr(run_record, "environment", lambda: {"processor": "another"})
    track_missing(worker, NAMES[:2], Plan())
    assert path.read_bytes() == before
    track_missing(worker, NAMES[:3], Plan())
    assert [one["processor"] for one in json.loads(path.read_bytes())["environments"]][1:] == ["another"]


def test_another_runs_folder_is_rejected_even_if_nothing_is_missing(job: Job) -> None:
    track_missing(Worker(job), NAMES[:1], Plan())
    with pytest.raises(EvalkitError, match="made with seed=0, this run has 1"):
        track_missing(Worker(replace(job, seed=1)), NAMES[:1], Plan())


def test_a_plan_that_does_not_fit_the_job_is_rejected_before_anything_is_written(job: Job) -> None:
    with pytest.raises(EvalkitError, match="real-time"):
        track_missing(Worker(replace(job, protocol="realtime")), NAMES, Plan(jobs=2))
    assert not job.results.exists()


def test_the_datasets_repetitions_are_for_stochastic_trackers(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(job)
    worker.dataset = replace(worker.dataset, repetitions=3)
    assert is_deterministic(job.tracker)
    assert (repetitions(worker), repetitions(worker, 2)) == (1, 2)
    monkeypatch.setattr("evalkit.engine.track.is_deterministic", lambda _: False)
    assert (repetitions(worker), repetitions(worker, 2)) == (3, 2)
    outcomes = track_missing(worker, NAMES[:1], Plan())
    assert [one.unit.repetition for one in outcomes] == [1, 2, 3]
