"""Complete searches on the toy space: ledger, resume, workers, front."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_search import ToySearch, ToySpace, planted_fitness, toy_search

from evalkit.errors import EvalkitError
from evalkit.search import ledger as ledgers
from evalkit.search.evaluating import EvaluationJob
from evalkit.search.ledger import LEDGER, Evaluation, Ledger
from evalkit.search.options import SearchOptions
from evalkit.search.ray_slots import RemoteCandidateWorker
from evalkit.search.run import Generation, run_search

ROOT = Path(__file__).resolve().parents[2]


def keys(folder: Path) -> list[tuple[str, str, float]]:
    return [(one.path, one.measure, one.value) for one in Ledger(folder / LEDGER)]


def test_the_ledger_holds_every_evaluation_with_its_costs(tmp_path: Path) -> None:
    result = toy_search(tmp_path)
    searched = [one for one in Ledger(tmp_path / LEDGER) if one.measure == "pairs"]
    assert len(searched) == result.evaluations == 60
    assert {one.generation for one in searched} == set(range(5))
    for one in searched:
        genes = ToySpace().genes(one.path)
        assert one.costs == ToySpace().costs(genes)
        assert one.value == pytest.approx(planted_fitness(genes))


def test_the_front_is_ranked_by_other_scenes_and_its_weights_are_written(tmp_path: Path) -> None:
    reference = ToySpace().path(ToySpace().canonical((*[2] * 24, 11)))
    result = toy_search(tmp_path, ToySearch(reference=reference))
    stored = json.loads((tmp_path / "front.json").read_text())
    assert stored == {"version": 1, "records": result.records}
    members = [record for record in result.records if record["rank"] is not None]
    assert [record["rank"] for record in members] == list(range(1, len(members) + 1))
    assert [record["value"] for record in members] == sorted((one["value"] for one in members), reverse=True)
    for record in members:
        assert (tmp_path / record["weights"]).read_text() == record["path"]
        assert record["low"] <= record["value"] + 0.02
        assert record["sequences"] == 3
    assert result.records[-1]["path"] == reference
    assert result.records[-1]["difference"] == 0
    first = members[0]
    assert first["difference"] == pytest.approx(first["value"] - result.records[-1]["value"], abs=0.02)


def test_a_resumed_search_evaluates_nothing_twice_and_gives_the_same_files(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    log = tmp_path / "log"
    toy_search(whole)
    toy_search(cut)
    lines = (cut / LEDGER).read_bytes().splitlines(keepends=True)
    (cut / LEDGER).write_bytes(b"".join(lines[:31]) + lines[31][:20])
    result = toy_search(cut, ToySearch(log=str(log)), resume=True)
    assert len(log.read_text().splitlines()) == len(lines) - 31
    assert keys(cut) == keys(whole)
    assert (cut / "front.json").read_bytes() == (whole / "front.json").read_bytes()
    assert result.evaluations == 60


def test_a_search_can_be_extended(tmp_path: Path) -> None:
    toy_search(tmp_path / "short", evaluations=24)
    toy_search(tmp_path / "short", evaluations=60, resume=True)
    toy_search(tmp_path / "long")
    short, long = ({one for one in keys(tmp_path / name) if one[1] == "pairs"} for name in ("short", "long"))
    assert short == long


def test_weights_of_a_former_front_are_deleted(tmp_path: Path) -> None:
    toy_search(tmp_path, evaluations=24)
    result = toy_search(tmp_path, evaluations=60, front=2, resume=True)
    assert {record["weights"] for record in result.records} == {"front/1.safetensors", "front/2.safetensors"}
    assert {file.name for file in (tmp_path / "front").iterdir()} == {"1.safetensors", "2.safetensors"}


@pytest.mark.slow
def test_a_search_that_is_killed_again_and_again_gives_the_same_ledger_and_front(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    toy_search(whole, ToySearch(pause=0.01))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    mode, deaths = "new", 0
    for attempt in range(40):
        process = subprocess.Popen(
            [sys.executable, ROOT / "tests/toy_search.py", killed, mode], env=environment, stderr=subprocess.PIPE
        )
        # Later attempts live longer, so that the search ends.
        time.sleep(0.9 + 0.13 * attempt)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            deaths += 1
        _, error = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, error.decode()
        mode = "resume" if (killed / "search.json").exists() else "new"
    assert process.returncode == 0
    assert deaths > 0
    assert keys(killed) == keys(whole)
    assert (killed / "front.json").read_bytes() == (whole / "front.json").read_bytes()


def test_workers_give_the_same_ledger_up_to_order(tmp_path: Path) -> None:
    toy_search(tmp_path / "serial", evaluations=36)
    toy_search(tmp_path / "pool", evaluations=36, jobs=2)
    assert sorted(keys(tmp_path / "pool")) == sorted(keys(tmp_path / "serial"))
    assert (tmp_path / "pool/front.json").read_bytes() == (tmp_path / "serial/front.json").read_bytes()


@pytest.mark.slow
def test_a_ray_cluster_gives_the_same_ledger_up_to_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="needs the extra evalkit-sot[ray]")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
    toy_search(tmp_path / "serial", evaluations=36)
    path = keys(tmp_path / "serial")[3][0]
    toy_search(tmp_path / "ray", evaluations=36, engine="ray", jobs=2)
    assert sorted(keys(tmp_path / "ray")) == sorted(keys(tmp_path / "serial"))
    assert (tmp_path / "ray/front.json").read_bytes() == (tmp_path / "serial/front.json").read_bytes()

    fatal = ToySearch(trouble={path: "die"}, log=str(tmp_path / "log"))
    toy_search(tmp_path / "dying", fatal, evaluations=12, engine="ray", jobs=2)
    found = Ledger(tmp_path / "dying" / LEDGER).find(path, "pairs")
    assert found is not None
    assert "its worker died 3 times" in str(found.error)
    assert len([line for line in (tmp_path / "log").read_text().splitlines() if line.startswith(f"{path} ")]) == 3


def test_a_worker_on_another_machine_gets_files_and_folders_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"weights")
    arguments = {"weights": str(tmp_path / "weights.bin"), "folder": "/folder/of/the/search", "trouble": {}}
    job = EvaluationJob("toy_search", arguments, files=("weights",), folders=("folder",))
    worker = RemoteCandidateWorker(job, {"weights": ("weights.bin", b"weights")})
    found = worker.job.arguments
    assert Path(found["weights"]).read_bytes() == b"weights"
    assert found["weights"] != arguments["weights"]
    assert list(Path(found["folder"]).iterdir()) == []
    with pytest.raises(EvalkitError, match="another version of evalkit"):
        worker.begin("0.0.0")
    worker.close()
    assert not Path(found["folder"]).exists()


def test_members_whose_measured_cost_is_over_a_limit_are_left_out(tmp_path: Path) -> None:
    sound = toy_search(tmp_path / "sound", limits=("macs=60",))
    members = [record["path"] for record in sound.records]
    measured = dict.fromkeys(members, 10.0) | {members[0]: 61.0}
    result = toy_search(tmp_path / "measured", ToySearch(measured=measured), limits=("macs=60",))
    assert {record["path"] for record in result.records} == set(members[1:])
    assert [record["rank"] for record in result.records] == list(range(1, len(members)))
    assert {record["macs_measured"] for record in result.records} == {10.0}
    assert result.notes == (f"{members[0]} is left out of the front: its measured macs is 61",)


def failing(tmp_path: Path, trouble: str, **options: object) -> tuple[Evaluation, list[str]]:
    """Search with a member of the first generation that fails, and return its evaluation and the log."""
    toy_search(tmp_path / "sound")
    path = keys(tmp_path / "sound")[3][0]
    log = tmp_path / "log"
    toy_search(tmp_path / "failing", ToySearch(trouble={path: trouble}, log=str(log)), **options)
    found = Ledger(tmp_path / "failing" / LEDGER).find(path, "pairs")
    assert found is not None
    return found, [line for line in log.read_text().splitlines() if line.startswith(f"{path} ")]


def test_a_candidate_whose_worker_dies_is_retried_and_then_counts_as_worst(tmp_path: Path) -> None:
    found, attempts = failing(tmp_path, "die", jobs=2, evaluations=24)
    assert found.value == 0
    assert "its worker died 3 times" in str(found.error)
    assert len(attempts) == 3


def test_a_fitness_that_is_not_finite_counts_as_worst_with_the_reason(tmp_path: Path) -> None:
    found, attempts = failing(tmp_path, "nan")
    assert (found.value, len(attempts)) == (0, 1)
    assert "not finite" in str(found.error)


def test_failed_candidates_are_no_members_of_the_front(tmp_path: Path) -> None:
    first, *others = dict.fromkeys(one[0] for one in keys_of_a_search(tmp_path / "sound"))
    found: list[Generation] = []
    options = SearchOptions(tmp_path / "failing", evaluations=12, population=12)
    result = run_search(lambda: ToySearch(trouble=dict.fromkeys(others, "nan")), options, found.append)
    assert [one.front for one in found] == [1]
    assert [record["path"] for record in result.records] == [first]
    assert result.failed == 11


def test_a_search_whose_candidates_all_fail_is_an_error(tmp_path: Path) -> None:
    trouble = {one[0]: "nan" for one in keys_of_a_search(tmp_path / "sound")}
    with pytest.raises(
        EvalkitError, match=r"every candidate failed; the first said: the fitness is not finite.*in a new folder"
    ):
        toy_search(tmp_path / "broken", ToySearch(trouble=trouble))


def keys_of_a_search(folder: Path) -> list[tuple[str, str, float]]:
    toy_search(folder, evaluations=12)
    return keys(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits the size of files")
def test_a_full_disk_leaves_a_ledger_that_can_be_continued(tmp_path: Path) -> None:
    import resource

    ledger = Ledger(tmp_path / LEDGER)
    ledger.append(Evaluation("1-2", "pairs", 0.5))
    before = ledger.path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # The next line can be written in part only.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(EvalkitError, match=r"cannot write this file: .*--resume"):
            ledger.append(Evaluation("1-3", "pairs", 0.6))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert ledger.path.read_bytes() == before
    ledger.append(Evaluation("1-3", "pairs", 0.6))
    assert [one.path for one in Ledger(ledger.path)] == ["1-2", "1-3"]


def test_a_disk_that_fails_when_it_is_waited_for_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / LEDGER)
    ledger.append(Evaluation("1-2", "pairs", 0.5))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledgers.os, "fsync", full)
    with pytest.raises(EvalkitError, match=r"No space left on device.*--resume"):
        ledger.sync()
    assert len(Ledger(ledger.path)) == 1


def test_lines_that_did_not_reach_the_disk_are_evaluated_again(tmp_path: Path) -> None:
    whole, lost = tmp_path / "whole", tmp_path / "lost"
    toy_search(whole)
    toy_search(lost)
    content = bytearray((lost / LEDGER).read_bytes())
    # After a power failure, blocks that were not written read as zeros.
    content[3000:5000] = bytes(2000)
    content[9000:] = bytes(len(content) - 9000)
    (lost / LEDGER).write_bytes(content)
    known = len(Ledger(lost / LEDGER))
    assert (lost / LEDGER).read_bytes() == content, "reading alone changes nothing"
    log = tmp_path / "log"
    toy_search(lost, ToySearch(log=str(log)), resume=True)
    assert 0 < known < len(keys(whole))
    assert len(log.read_text().splitlines()) == len(keys(whole)) - known
    assert sorted(keys(lost)) == sorted(keys(whole))
    assert (lost / "front.json").read_bytes() == (whole / "front.json").read_bytes()


def test_the_disk_is_waited_for_once_per_generation_and_per_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(ledgers.os, "fsync", calls.append)
    monkeypatch.setattr(ledgers, "SYNC_SECONDS", 1e9)
    ledger = Ledger(tmp_path / LEDGER)
    for index in range(50):
        ledger.append(Evaluation(f"1-{index}", "pairs", 0.5))
    assert len(calls) == 0
    ledger.sync()
    assert len(calls) == 1
    monkeypatch.setattr(ledgers, "SYNC_SECONDS", -1)
    ledger.append(Evaluation("2-1", "pairs", 0.5))
    assert len(calls) == 2


def test_resuming_after_a_thousand_evaluations_evaluates_and_writes_nothing(tmp_path: Path) -> None:
    first = toy_search(tmp_path, evaluations=1000, population=50)
    before = (tmp_path / LEDGER).read_bytes()
    again = toy_search(tmp_path, evaluations=1000, population=50, resume=True)
    assert (tmp_path / LEDGER).read_bytes() == before
    assert again == first
