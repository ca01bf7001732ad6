"""Two runs never write into one folder, and what killed processes leave behind does not stop the next run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_square import tiny_dataset

from evalkit.errors import EvalkitError
from evalkit.io.file_lock import FileLockedError, exclusive_lock
from evalkit.results import run_lock
from evalkit.results.store import Store
from evalkit.types import Dataset, FrameState, Trajectory

IDENTITY = {"tracker": "x", "seed": 0}


def store(results: Path, dataset: Dataset | None = None) -> Store:
    return Store(results, dataset or tiny_dataset(), "x", "one_pass")


def trajectory(sequence: str = "a", value: float = 1.0, *, timed: bool = True) -> Trajectory:
    return Trajectory(
        tracker="x", sequence=sequence, protocol="one_pass", boxes=np.full((5, 4), value), regions=None,
        confidence=np.full(5, 0.5), seconds=np.full(5, 0.25 if timed else np.nan),
        states=np.array([FrameState.INITIALIZED] + [FrameState.TRACKED] * 4, dtype=np.int8),
    )  # fmt: skip


def named(*names: str) -> Dataset:
    first = tiny_dataset()
    sequences = tuple(replace(first.sequences[0], name=name) for name in names)
    return replace(first, sequences=sequences, expected=names)


def test_a_second_run_is_refused_while_the_first_writes_and_allowed_afterwards(tmp_path: Path) -> None:
    with store(tmp_path).writing():
        with (
            pytest.raises(EvalkitError, match=rf"another run is writing.*process {os.getpid()}"),
            store(tmp_path).writing(),
        ):
            pass
        with pytest.raises(EvalkitError, match="another run"), store(tmp_path).writing("1/2"):
            pass
    with store(tmp_path).writing():
        pass
    assert not list(tmp_path.rglob("*.lock"))


def test_shards_share_a_run_but_none_runs_twice(tmp_path: Path) -> None:
    one, two = store(tmp_path), store(tmp_path)
    with one.writing("1/2"), two.writing("2/2"):
        one.begin(IDENTITY)
        two.begin(IDENTITY)
        with pytest.raises(EvalkitError, match=r"shard 1/2 is writing.*the same shard"), store(tmp_path).writing("1/2"):
            pass
        with pytest.raises(EvalkitError, match="another shard is writing"):
            two.begin({**IDENTITY, "seed": 1}, force=True)
        one.write([trajectory()])
        two.write([trajectory("b")])


def test_the_lock_of_a_killed_process_is_stale(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib\nfrom evalkit.results import run_lock\n"
        "with run_lock.hold(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(EvalkitError, match=f"process {other.pid}"), run_lock.hold(tmp_path):
        pass
    other.kill()
    other.communicate()
    with run_lock.hold(tmp_path):
        assert len(list(tmp_path.glob(".writing-*"))) == 1


@pytest.mark.parametrize(("age", "stale"), [(5.0, False), (2 * run_lock.STALE_SECONDS, True)])
def test_another_machines_lock_is_stale_when_it_is_not_touched(tmp_path: Path, age: float, stale: bool) -> None:
    path = tmp_path / ".writing-elsewhere-7-1.lock"
    path.write_text(json.dumps({"host": "elsewhere", "process": 7, "shard": None}))
    changed = path.stat().st_mtime - age
    os.utime(path, (changed, changed))
    if stale:
        with run_lock.hold(tmp_path):
            assert not path.exists()
    else:
        with pytest.raises(EvalkitError, match="process 7 on elsewhere"), run_lock.hold(tmp_path):
            pass


@pytest.mark.parametrize("deleted", [True, False])
def test_a_write_into_a_folder_that_is_no_longer_the_runs_own_is_refused(tmp_path: Path, deleted: bool) -> None:
    opened = store(tmp_path)
    with opened.writing():
        opened.begin(IDENTITY)
        opened.write([trajectory()])
        if deleted:
            for path in [*opened.home.rglob("*.*")]:
                path.unlink()
        else:
            text = (opened.home / "run.json").read_text()
            (opened.home / "run.json").write_text(text.replace('"seed": 0', '"seed": 3'))
        with pytest.raises(EvalkitError, match="deleted or replaced while the run was writing"):
            opened.write([trajectory("b")])
    assert not (opened.home / "b.txt").exists()


@pytest.mark.parametrize("layout", ["plain", "got10k", "vot", "otb-json"])
def test_discarding_a_sequence_keeps_those_with_similar_names(tmp_path: Path, layout: str) -> None:
    names = ("a", "a_time", "times", "confidence", "failures", "a_001")
    opened = store(tmp_path, replace(named(*names), layout=layout))
    opened.begin(IDENTITY)
    for number, name in enumerate(names):
        opened.write([trajectory(name, number + 1.0, timed=False)])
        opened.write_failure(name, 2, "traceback")
    for gone in ("a", "times", "failures"):
        opened.discard([gone])
        left = [name for name in names if opened.done(opened.dataset.sequence(name))]
        assert gone not in left
        names = tuple(name for name in names if name != gone)
        assert left == list(names)
    for name in names:
        (read,) = opened.read(opened.dataset.sequence(name))
        assert len(np.unique(read.boxes[1:])) == 1


def test_boxes_of_a_sequence_are_not_the_times_of_another(tmp_path: Path) -> None:
    opened = store(tmp_path, named("a", "a_time"))
    opened.write([trajectory("a", timed=False), trajectory("a_time", timed=False)])
    (read,) = opened.read(opened.dataset.sequence("a"))
    assert np.isnan(read.seconds).all()


def test_a_sequence_named_like_the_record_is_refused_where_the_files_would_be_the_same(tmp_path: Path) -> None:
    store(tmp_path, named("run")).begin(IDENTITY)
    with pytest.raises(EvalkitError, match=r"run: .*name of another file"):
        store(tmp_path, replace(named("run"), layout="otb-json")).begin(IDENTITY)
    with pytest.raises(EvalkitError, match=r"a_time: .*name of another file"):
        store(tmp_path / "p", replace(named("a", "a_time"), layout="pytracking")).begin(IDENTITY)


def test_a_sequence_whose_files_could_not_exist_is_refused_before_anything_is_tracked(tmp_path: Path) -> None:
    store(tmp_path / "a", named("\u00e9" * 107)).begin(IDENTITY)
    with pytest.raises(EvalkitError, match=r"too long for files of results \(found 216 bytes, expected at most 215"):
        store(tmp_path / "b", named("a", "\u00e9" * 108)).begin(IDENTITY)


def test_an_interrupted_deletion_is_completed_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = tiny_dataset()
    opened = store(tmp_path)
    opened.begin(IDENTITY)
    opened.write(trajectory(one.name) for one in dataset.sequences)
    unlink, calls = Path.unlink, []

    def interrupted(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".txt":
            calls.append(path)
            if len(calls) == 2:
                raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            opened.discard([one.name for one in dataset.sequences])
    again = store(tmp_path)
    with again.writing():
        again.begin(IDENTITY)
        assert not any(again.done(one) for one in dataset.sequences)


def test_temporary_files_of_killed_runs_are_removed(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened.begin(IDENTITY)
    left = opened.home / ".a.txt.4711.tmp"
    left.write_text("half")
    with opened.writing():
        pass
    assert not left.exists()
    assert (opened.home / "run.json").exists()


@pytest.mark.parametrize("interrupted", [False, True])
def test_other_shards_wait_while_a_shard_deletes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    one = store(tmp_path)
    with one.writing("1/2"):
        one.begin(IDENTITY)
        one.write([trajectory()])
    locked: list[str] = []

    def files_of(self: Store, sequence: str) -> list[Path]:
        with pytest.raises(FileLockedError), exclusive_lock(self.home / "run.json"):
            pass
        locked.append(sequence)
        return []

    monkeypatch.setattr(Store, "_files_of", files_of)
    if interrupted:
        (one.home / ".discard.json").write_text('{"sequences": ["a"]}')
    with store(tmp_path).writing("2/2"):
        if not interrupted:
            one.discard(["a"])
    assert locked == ["a"]
