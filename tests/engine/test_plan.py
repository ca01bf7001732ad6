"""The engine of a run, and that all engines write the same files."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit import api
from evalkit.engine.plan import Plan, Shard, parse_shard
from evalkit.engine.work import Job, Outcome, Status, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.types import Execution


def files(root: Path) -> dict[str, bytes]:
    """All but times, which only a tracker that runs alone has."""
    paths = (path for path in root.rglob("*") if path.is_file() and path.parent.name != "times")
    return {str(path.relative_to(root)): without_clock(path) for path in paths}


def without_clock(path: Path) -> bytes:
    if path.name != "run.json":
        return path.read_bytes()
    return json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "clock"}).encode()


def run(trackers: Path, results: Path, tracker: str = "Split", **options: Any) -> api.RunReport:
    return api.run([f"{trackers}:{tracker}"], ["marching"], results=results, **options)


@pytest.mark.usefixtures("marching")
def test_processes_lockstep_and_shards_write_the_bytes_that_one_process_writes(trackers: Path, tmp_path: Path) -> None:
    alone = run(trackers, tmp_path / "alone")
    assert alone.scores
    assert any(cost.quantity == "fps" for cost in alone.costs)
    expected = files(tmp_path / "alone")
    assert {name.rpartition("/")[2] for name in expected} >= {"s0.txt", "s5.txt", "run.json"}

    together = run(trackers, tmp_path / "pool", jobs=2)
    assert files(tmp_path / "pool") == expected
    assert [score.value for score in together.scores] == [score.value for score in alone.scores]
    assert not any(cost.quantity == "fps" for cost in together.costs), "it did not run alone"
    assert any("frames per second are not reported" in notice for notice in together.notices)

    run(trackers, tmp_path / "lockstep", engine="lockstep", jobs=4)
    assert files(tmp_path / "lockstep") == expected

    for index in (1, 2):
        part = run(trackers, tmp_path / f"part{index}", shard=f"{index}/2")
        assert part.scores == ()
        assert len(part.outcomes) == 3
    api.merge([tmp_path / "part1", tmp_path / "part2"], tmp_path / "merged")
    assert files(tmp_path / "merged") == expected


@pytest.mark.usefixtures("marching")
def test_any_engine_continues_what_another_began(trackers: Path, tmp_path: Path) -> None:
    run(trackers, tmp_path / "alone")
    run(trackers, tmp_path / "mixed", sequences=["s1", "s2"])
    run(trackers, tmp_path / "mixed", engine="lockstep", sequences=["s0", "s1", "s4"])
    done = run(trackers, tmp_path / "mixed", jobs=2)
    kept = [outcome.unit.sequence for outcome in done.outcomes if outcome.status is Status.KEPT]
    assert kept == ["s0", "s1", "s2", "s4"]
    assert files(tmp_path / "mixed") == files(tmp_path / "alone")


@pytest.mark.usefixtures("marching")
def test_a_failed_sequence_is_tried_again_and_its_log_deleted_on_success(
    trackers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = run(trackers, tmp_path / "r", "Killed", jobs=2)
    (row,) = failed.failures
    assert row.unit.sequence == "s3"
    assert row.log is not None
    assert row.log.is_file()
    assert failed.scores == ()
    assert sorted(path.name for path in row.log.parents[1].glob("s*.txt")) == [f"s{n}.txt" for n in (0, 1, 2, 4, 5)]
    monkeypatch.setenv("SURVIVE", "1")
    again = run(trackers, tmp_path / "r", "Killed", jobs=2)
    assert [outcome.unit.sequence for outcome in again.outcomes if outcome.status is Status.DONE] == ["s3"]
    assert again.scores
    assert not row.log.exists()


@pytest.mark.usefixtures("marching")
def test_a_tracker_without_the_three_steps_runs_one_by_one_in_lockstep_and_says_so(
    trackers: Path, tmp_path: Path
) -> None:
    report = run(trackers, tmp_path / "r", "Drift", engine="lockstep")
    assert len(report.outcomes) == 6
    assert any("its sequences ran one by one" in notice for notice in report.notices)


def test_a_shard_is_every_nth_sequence_and_shards_cover_all() -> None:
    names = [f"s{number}" for number in range(7)]
    shards = [Shard(index, 3).of(names) for index in (1, 2, 3)]
    assert shards == [["s0", "s3", "s6"], ["s1", "s4"], ["s2", "s5"]]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_an_invalid_shard_is_an_error(text: str) -> None:
    with pytest.raises(EvalkitError, match="I/N with I from 1 to N"):
        parse_shard(text)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"engine": "slurm"}, "no such engine"),
        ({"address": "auto"}, "used by --engine ray only"),
        ({"engine": "lockstep", "timeout": 5.0}, "cannot stop a single sequence"),
        ({"engine": "ray", "devices": ("cuda:0", "cuda:1")}, "uses one device"),
    ],
)
def test_options_that_cannot_be_combined_are_an_error(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(EvalkitError, match=complaint):
        Plan(**options)


@pytest.mark.parametrize(
    ("options", "processes", "timed"),
    [
        ({}, 0, True),
        ({"timeout": 5.0}, 1, True),
        ({"jobs": 2}, 2, False),
        ({"devices": ("cuda:0", "cuda:1")}, 2, False),
        ({"shard": Shard(1, 2)}, 0, False),
        ({"engine": "lockstep"}, 0, False),
        ({"engine": "ray"}, 0, False),
    ],
)
def test_times_count_only_where_the_tracker_runs_alone(options: dict[str, Any], processes: int, timed: bool) -> None:
    plan = Plan(**options)
    assert (plan.processes, plan.timed) == (processes, timed)


def test_the_real_time_protocol_is_refused_under_parallel_load(job: Job) -> None:
    worker = Worker(replace(job, protocol="realtime"))
    with pytest.raises(EvalkitError, match="depends on the tracker's speed"):
        list(Plan(jobs=2).execute(worker, [Unit(worker.job, "s0")]))


def test_the_shares_of_two_gpus_are_one_run(job: Job, trackers: Path) -> None:
    jobs = (replace(job, execution=Execution(device=device)) for device in ("cuda:0", "cuda:1"))
    first, second = (Worker(one, device="cpu").identity() for one in jobs)
    assert first == second
    assert first["device"] == "cuda"


@pytest.mark.usefixtures("marching")
def test_no_worker_is_left_if_a_result_cannot_be_stored(trackers: Path, tmp_path: Path) -> None:
    def stop(outcome: Outcome, number: int, total: int) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        run(trackers, tmp_path / "r", jobs=2, progress=stop)
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("marching")
@pytest.mark.parametrize("engine", ["local", "lockstep"])
def test_a_forced_run_keeps_no_earlier_result_of_a_sequence_that_fails(
    trackers: Path, tmp_path: Path, engine: str
) -> None:
    run(trackers, tmp_path, "Split")
    # The same tracker after an edit by which it fails on one sequence: same name, same identity.
    trackers.write_text(trackers.read_text().replace("class Split(Drift)", "class Split(Raising)"))
    forget_imports(trackers)
    forced = run(trackers, tmp_path, "Split", force=True, engine=engine)
    assert [outcome.unit.sequence for outcome in forced.failures] == ["s3"]
    assert not (tmp_path / "marching" / "Split" / "s3.txt").exists()
    again = run(trackers, tmp_path, "Split")
    assert [outcome.unit.sequence for outcome in again.outcomes if outcome.status is not Status.KEPT] == ["s3"]


@pytest.mark.usefixtures("marching")
def test_a_forced_run_that_was_interrupted_continues_without_force(trackers: Path, tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    def stop(outcome: Outcome, number: int, total: int) -> None:
        if number == 2:
            raise EnoughError

    run(trackers, tmp_path)
    with pytest.raises(EnoughError):
        run(trackers, tmp_path, force=True, progress=stop)
    done = run(trackers, tmp_path)
    assert sum(outcome.status is Status.KEPT for outcome in done.outcomes) == 2


@pytest.mark.usefixtures("marching")
def test_force_loses_nothing_when_the_run_cannot_begin(
    trackers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(trackers, tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EvalkitError, match="Ray is not installed"):
        run(trackers, tmp_path, force=True, engine="ray")
    assert files(tmp_path) == before


def test_a_machine_that_only_distributes_work_needs_no_gpu(tmp_path: Path) -> None:
    job = Job(
        tracker="lighttrack-m", label="x", dataset="synthetic", results=tmp_path, protocol="one_pass",
        execution=Execution("torch-cuda-graph", device="cuda:1"),
    )  # fmt: skip
    identity = Plan("ray", devices=("cuda:1",)).worker(job).identity()
    assert (identity["runtime"], identity["device"]) == ("torch-cuda-graph", "cuda")
    assert (identity["card"]["runtime"], identity["card"]["device"]) == ("torch-cuda-graph", "cuda")


def forget_imports(trackers: Path) -> None:
    for name in [name for name, module in sys.modules.items() if getattr(module, "__file__", None) == str(trackers)]:
        del sys.modules[name]
    shutil.rmtree(trackers.with_name("__pycache__"), ignore_errors=True)
