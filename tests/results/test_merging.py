"""Join shards into one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from evalkit.errors import EvalkitError
from evalkit.results import run_record
from evalkit.results.merging import merge
from evalkit.types import Cost

HERE = {"machine": "here"}


COST = {key: value for key, value in Cost("mine", "macs", "conv", 5.0, "").record().items() if key != "tracker"}


def shard(root: Path, files: Mapping[str, str], *, step: int = 1, environment: Mapping[str, str] = HERE) -> Path:
    folder = root / "OTB100" / "mine"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run_record.save(folder, {"tracker": "mine", "card": {"step": step}}, [dict(environment)])
    return root


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_joined_shards_equal_one_run(tmp_path: Path) -> None:
    files = {
        "A.txt": "1,2,3,4\n",
        "B.txt": "5,6,7,8\n",
        "confidence/B.txt": "0.5\n",
        "repetition_002/A.txt": "1,1,1,1\n",
    }
    whole = shard(tmp_path / "whole", files)
    one = shard(tmp_path / "1", {name: files[name] for name in ("A.txt", "repetition_002/A.txt")})
    two = shard(tmp_path / "2", {name: files[name] for name in ("B.txt", "confidence/B.txt")})
    (merged,) = merge([one, two], tmp_path / "out")
    assert (merged.folder, merged.shards, merged.files) == (tmp_path / "out" / "OTB100" / "mine", 2, 4)
    assert content(tmp_path / "out") == content(whole)


def test_every_machine_that_contributed_is_recorded(tmp_path: Path) -> None:
    parts = [shard(tmp_path / name, {f"{name}.txt": ""}, environment={"machine": name}) for name in ("x", "y")]
    merge([*parts, shard(tmp_path / "z", {"z.txt": ""}, environment={"machine": "x"})], tmp_path / "out")
    joined = run_record.load(tmp_path / "out" / "OTB100" / "mine")
    assert joined is not None
    assert joined["environments"] == [{"machine": "x"}, {"machine": "y"}]


def test_the_costs_of_one_shard_are_those_of_the_run(tmp_path: Path) -> None:
    parts = [shard(tmp_path / name, {f"{name}.txt": ""}) for name in ("x", "y")]
    run_record.save(parts[1] / "OTB100" / "mine", {"tracker": "mine", "card": {"step": 1}}, [HERE], [COST])
    merge(parts, tmp_path / "out")
    joined = run_record.load(tmp_path / "out" / "OTB100" / "mine")
    assert joined is not None
    assert joined["costs"] == [COST]


def test_another_runs_results_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    parts = [shard(tmp_path / "1", {"A.txt": ""}), shard(tmp_path / "2", {"B.txt": ""}, step=2)]
    with pytest.raises(EvalkitError, match=r"2/OTB100/mine: .*card.step differs \(found 2, expected 1\)"):
        merge(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sequence_that_was_tracked_twice_must_have_the_same_boxes_but_not_the_same_times(tmp_path: Path) -> None:
    one = shard(tmp_path / "1", {"A.txt": "1,2,3,4\n", "times/A_time.txt": "0.1\n"})
    two = shard(tmp_path / "2", {"A.txt": "1,2,3,4\n", "times/A_time.txt": "0.2\n"})
    merge([one, two], tmp_path / "out")
    assert content(tmp_path / "out")["OTB100/mine/times/A_time.txt"] == b"0.1\n"
    three = shard(tmp_path / "3", {"A.txt": "1,2,3,5\n"})
    with pytest.raises(EvalkitError, match=r"3/OTB100/mine/A.txt: this result differs from .*1/OTB100/mine/A.txt"):
        merge([one, three], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_merging_into_existing_results_adds_to_them(tmp_path: Path) -> None:
    out = shard(tmp_path / "out", {"A.txt": "1\n"})
    (merged,) = merge([shard(tmp_path / "2", {"B.txt": "2\n"}), out], out)
    assert (merged.shards, merged.files) == (2, 2)
    with pytest.raises(EvalkitError, match="differs from"):
        merge([shard(tmp_path / "3", {"A.txt": "changed\n"})], out)


@pytest.mark.parametrize("first", [True, False])
def test_a_further_protocol_is_joined_as_a_run_of_its_own(tmp_path: Path, first: bool) -> None:
    parts = []
    for name in ("x", "y"):
        machine = {"machine": name}
        root = tmp_path / name
        if first:
            shard(root, {f"{name}.txt": "1,2,3,4\n"}, environment=machine)
        further = root / "OTB100" / "mine" / "unsupervised"
        further.mkdir(parents=True)
        (further / f"{name}.txt").write_text("5,6,7,8\n")
        run_record.save(further, {"tracker": "mine", "protocol": "unsupervised"}, [machine])
        parts.append(root)
    merged = merge(parts, tmp_path / "out")
    place = tmp_path / "out" / "OTB100" / "mine"
    assert [(one.folder, one.files) for one in merged] == ([(place, 2)] if first else []) + [
        (place / "unsupervised", 2)
    ]
    for folder in (one.folder for one in merged):
        joined = run_record.load(folder)
        assert joined is not None
        assert joined["environments"] == [{"machine": "x"}, {"machine": "y"}]


def test_a_failure_is_dropped_if_another_shard_succeeded(tmp_path: Path) -> None:
    one = shard(tmp_path / "1", {"failures/A_001.log": "why", "failures/C_001.log": "why"})
    two = shard(tmp_path / "2", {"A.txt": "1\n"})
    merge([one, two], tmp_path / "out")
    assert sorted(name for name in content(tmp_path / "out") if name.endswith((".log", ".txt"))) == [
        "OTB100/mine/A.txt", "OTB100/mine/failures/C_001.log"
    ]  # fmt: skip


def test_a_temporary_file_of_a_killed_run_is_not_copied(tmp_path: Path) -> None:
    merge([shard(tmp_path / "1", {"A.txt": "1\n", ".B.txt.99.tmp": "2"})], tmp_path / "out")
    assert not list((tmp_path / "out").rglob(".*"))


def test_results_without_a_record_and_empty_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs" / "OTB100" / "CSK").mkdir(parents=True)
    (tmp_path / "theirs" / "OTB100" / "CSK" / "A.txt").write_text("1,2,3,4\n")
    (tmp_path / "empty").mkdir()
    complaints = {
        "theirs": r"results without run\.json",
        "empty": "no results in this folder",
        "gone": "no such folder",
    }
    for folder, complaint in complaints.items():
        with pytest.raises(EvalkitError, match=complaint):
            merge([tmp_path / folder], tmp_path / "out")
