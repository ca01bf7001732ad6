"""Worker processes give the answers of a single process, also when they are killed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit.engine import pool, serial
from evalkit.engine.work import Answer, Job, Unit, Worker

TWO = ("cpu", "cpu")


def units(job: Job, numbers: Iterable[int] = range(6)) -> list[Unit]:
    return [Unit(job, f"s{number}") for number in numbers]


def as_tracker(job: Job, name: str) -> Job:
    return replace(job, tracker=job.tracker.replace(":Drift", f":{name}"))


def by_name(answers: Iterable[Answer]) -> dict[str, Answer]:
    return {answer.unit.sequence: answer for answer in answers}


def test_two_processes_give_the_bits_that_one_gives(job: Job) -> None:
    alone = by_name(serial.execute(Worker(job), units(job)))
    together = by_name(pool.execute(job, units(job), devices=TWO))
    assert together.keys() == alone.keys()
    for name, answer in together.items():
        (expected,), (found,) = alone[name].trajectories, answer.trajectories
        assert found.boxes.tobytes() == expected.boxes.tobytes()
        assert found.confidence.tobytes() == expected.confidence.tobytes()
        assert np.isnan(found.seconds).all(), "times under parallel load mean nothing"
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(("name", "error"), [("Raising", "MemoryError: too much"), ("Leaving", "SystemExit: 7")])
def test_a_tracker_that_raises_fails_on_its_sequence_only(job: Job, name: str, error: str) -> None:
    found = by_name(serial.execute(Worker(as_tracker(job, name)), units(job, [2, 3, 4])))
    assert error in (found["s3"].error or "")
    assert "misbehave" in found["s3"].traceback
    assert found["s2"].error is None
    assert found["s4"].error is None


def test_an_error_without_message_is_reported_by_its_name(job: Job) -> None:
    (found,) = serial.execute(Worker(as_tracker(job, "RaisingWithoutMessage")), units(job, [3]))
    assert (found.error or "").endswith("the tracker failed with MemoryError")


def test_a_unit_whose_worker_is_killed_is_tried_again(job: Job) -> None:
    found = by_name(pool.execute(as_tracker(job, "KilledOnce"), units(job, [2, 3]), devices=TWO))
    assert [found[name].error for name in ("s2", "s3")] == [None, None]


def test_a_unit_that_kills_every_worker_is_given_up_and_the_rest_completes(job: Job) -> None:
    found = by_name(pool.execute(as_tracker(job, "Killed"), units(job, [3, 1, 2]), devices=("cpu",)))
    assert "its worker died 3 times; it was killed by SIGKILL" in (found["s3"].error or "")
    assert found["s1"].error is None
    assert found["s2"].error is None


def test_a_unit_that_hangs_is_stopped_and_its_stack_reported(job: Job) -> None:
    found = by_name(pool.execute(as_tracker(job, "Hanging"), units(job, [3, 1]), devices=("cpu",), timeout=0.5))
    assert found["s3"].error == "not finished after 0.5 seconds: its worker was killed"
    assert "in misbehave" in found["s3"].traceback
    assert found["s1"].error is None
    assert not multiprocessing.active_children()


def test_leaving_the_iterator_early_leaves_no_process_behind(job: Job) -> None:
    answers = pool.execute(as_tracker(job, "Slow"), units(job), devices=TWO)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


def test_a_tracker_that_cannot_be_built_stops_the_run_with_its_error(job: Job, tmp_path: Path) -> None:
    broken = replace(job, tracker=f"{tmp_path}/mine.py:Missing")
    with pytest.raises(Exception, match="it does not define 'Missing'"):
        list(pool.execute(broken, units(job), devices=("cpu",)))
