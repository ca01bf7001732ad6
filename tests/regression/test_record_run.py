"""Tracking what a suite asks for: processes, time limit, interruption."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.engine.work import Outcome
from evalkit.errors import EvalkitError
from evalkit.regression import Verdict, regress
from evalkit.types import Dataset

from .conftest import WriteSuite

RENDERED = {"dataset": "synthetic", "sequences": 'sequences = ["scale"]'}


@pytest.mark.slow
def test_two_jobs_give_the_verdict_of_one(write_suite: WriteSuite, tmp_path: Path) -> None:
    suite = write_suite(settings={"speed": 1}, **RENDERED)
    regress(suite, results=tmp_path / "one", update=True, reason="first")
    assert regress(suite, results=tmp_path / "two", jobs=2).verdict is Verdict.PASS

    worse = write_suite(settings={"changed_from": 10, "changed_speed": 50}, **RENDERED)
    one, two = (regress(worse, results=tmp_path / f"worse-{jobs}", jobs=jobs) for jobs in (1, 2))
    assert one.verdict is two.verdict is Verdict.FAIL
    assert one.findings == two.findings


@pytest.mark.slow
def test_a_tracker_that_sleeps_for_ever_is_stopped_and_named(write_suite: WriteSuite, tmp_path: Path) -> None:
    regress(write_suite(**RENDERED), results=tmp_path / "first", update=True, reason="first")
    suite = write_suite("sleeping", tracker="Sleeping", latency="0.5", **RENDERED)
    command = [sys.executable, "-m", "evalkit", "regress", str(suite), "--timeout", "4"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert answer.returncode == 1, answer.stderr
    assert "1 of 1 missing: scale (not finished after 4 seconds" in answer.stdout
    assert "latency (CPU time): not timed, because sequences failed" in answer.stdout


def test_an_interrupted_call_is_continued_by_the_next_one(squares: Dataset, write_suite: WriteSuite) -> None:
    suite = write_suite()
    results = suite.parent / "results"

    def interrupt(outcome: Outcome, number: int, total: int) -> None:
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        regress(suite, results=results, update=True, reason="first", progress=interrupt)
    tracked: list[str] = []
    regress(
        suite, results=results, update=True, reason="first",
        progress=lambda outcome, *_: tracked.append(outcome.unit.sequence),
    )  # fmt: skip
    assert tracked == [f"square-{index}" for index in range(3, 8)]


def test_several_jobs_are_rejected_where_the_protocol_depends_on_the_speed(
    squares: Dataset, write_suite: WriteSuite, register_dataset: Callable[[Dataset], None]
) -> None:
    vot = replace(squares, protocols=("supervised", "realtime"), profiles=("vot-supervised",), layout="vot")
    register_dataset(vot)
    suite = write_suite(sequences='protocol = "realtime"', accuracy="{}")
    with pytest.raises(EvalkitError, match="depends on the tracker's speed"):
        regress(suite, jobs=2, update=True, reason="first", results=suite.parent / "results")
