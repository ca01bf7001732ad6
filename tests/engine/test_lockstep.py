"""Sequences in lockstep: one batch through the network gives the same answers."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.engine import lockstep, serial
from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.errors import EvalkitError


def units(job: Job, numbers: Iterable[int] = range(6)) -> list[Unit]:
    return [Unit(job, f"s{number}") for number in numbers]


def split(job: Job, name: str = "Split") -> Worker:
    return Worker(replace(job, tracker=job.tracker.replace(":Drift", f":{name}")))


def by_name(answers: Iterable[Answer]) -> dict[str, Answer]:
    return {answer.unit.sequence: answer for answer in answers}


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_any_number_of_lanes_gives_the_answers_of_a_serial_run(job: Job, lanes: int) -> None:
    alone = by_name(serial.execute(split(job), units(job)))
    together = by_name(lockstep.execute(split(job), units(job), lanes=lanes))
    assert together.keys() == alone.keys()
    for name, answer in together.items():
        assert answer.trajectories[0].boxes.tobytes() == alone[name].trajectories[0].boxes.tobytes()


def test_crops_of_all_lanes_go_through_the_network_together(job: Job) -> None:
    worker = split(job)
    # Lengths 8 to 12 and 8 again: four lanes are full until the last sequences run out.
    list(lockstep.execute(worker, units(job), lanes=4))
    batches = worker.tracker.batches  # type: ignore[attr-defined]
    assert batches[:8] == [4] * 8
    assert set(batches) <= {1, 2, 4}
    assert sum(batches) >= 7 + 8 + 9 + 10 + 11 + 7
    assert len(batches) < 20


def test_the_same_run_has_the_same_batches(job: Job) -> None:
    seen = []
    for _ in range(3):
        worker = split(job)
        list(lockstep.execute(worker, units(job), lanes=3))
        seen.append(worker.tracker.batches)  # type: ignore[attr-defined]
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize(("name", "error"), [("SplitRaising", "too much"), ("FailingBatch", "no room for this batch")])
def test_a_failure_affects_only_its_own_sequence(job: Job, name: str, error: str) -> None:
    found = by_name(lockstep.execute(split(job, name), units(job), lanes=4))
    assert error in (found["s3"].error or "")
    assert [answer.unit.sequence for answer in found.values() if answer.error] == ["s3"]


@pytest.mark.parametrize("lanes", [0, 4])
def test_a_runtime_that_went_wrong_fails_every_sequence(job: Job, lanes: int) -> None:
    worker = split(job, "WrongRuntime")
    answers = lockstep.execute(worker, units(job), lanes=lanes) if lanes else serial.execute(worker, units(job))
    assert [answer.error for answer in answers] == ["its runtime: the network differs from torch"] * 6


def test_a_batch_that_is_too_large_for_the_memory_is_halved_until_it_fits(job: Job) -> None:
    worker = split(job, "SmallMemory")
    found = by_name(lockstep.execute(worker, units(job), lanes=4))
    assert [answer.error for answer in found.values()] == [None] * 6
    assert worker.tracker.batches[:4] == [2] * 4  # type: ignore[attr-defined]


def test_closing_the_iterator_early_ends_every_lane(job: Job) -> None:
    answers = lockstep.execute(split(job), units(job), lanes=4)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("lane")]


def test_a_tracker_without_the_three_steps_is_refused(job: Job) -> None:
    with pytest.raises(EvalkitError, match="no crop, network, locate"):
        list(lockstep.execute(Worker(job), units(job), lanes=2))


def test_a_batch_is_padded_to_a_power_of_two_but_not_beyond_the_lanes() -> None:
    sizes = []

    def network(values: NDArray[np.int64]) -> tuple[NDArray[np.int64]]:
        sizes.append(len(values))
        return (values * 10,)

    for count, most in ((1, 8), (3, 8), (5, 8), (5, 6), (3, 3)):
        inputs = [(np.array([[number]]),) for number in range(count)]
        responses = lockstep.respond(network, inputs, most)
        assert [response[0].tolist() for response in responses] == [[[number * 10]] for number in range(count)]
    assert sizes == [1, 4, 8, 6, 3]
