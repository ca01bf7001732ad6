from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_square import tiny_dataset

from evalkit.errors import EvalkitError
from evalkit.results import run_record
from evalkit.results.label_folders import labels, safe_label
from evalkit.results.store import Store
from evalkit.types import Cost, FrameState, Trajectory

IDENTITY = {"tracker": "x", "card": {"penalty_k": 0.04}, "seed": 0}


def store(results: Path, label: str = "x") -> Store:
    return Store(results, tiny_dataset(), label, "one_pass")


def trajectory(sequence: str = "a", rows: int = 5) -> Trajectory:
    return Trajectory(
        tracker="x",
        sequence=sequence,
        protocol="one_pass",
        boxes=np.linspace(1, 2, rows * 4).reshape(rows, 4),
        regions=None,
        confidence=np.full(rows, np.nan),
        seconds=np.full(rows, 0.25),
        states=np.array([FrameState.INITIALIZED] + [FrameState.TRACKED] * (rows - 1), dtype=np.int8),
    )


def test_results_are_read_back_bit_for_bit(tmp_path: Path) -> None:
    opened = store(tmp_path)
    sequence = opened.dataset.sequence("a")
    assert not opened.done(sequence)
    assert opened.read(sequence) == []
    opened.write([trajectory()])
    assert opened.done(sequence)
    (read,) = opened.read(sequence)
    np.testing.assert_array_equal(read.boxes, trajectory().boxes)
    np.testing.assert_array_equal(read.seconds, trajectory().seconds)
    assert read.tracker == "x"


def test_the_same_run_is_continued_and_another_is_refused(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened.begin(IDENTITY)
    opened.begin(IDENTITY)
    opened.write([trajectory()])
    with pytest.raises(EvalkitError, match=r"penalty_k=0\.04, this run has 0\.05.*--name.*--force"):
        opened.begin({**IDENTITY, "card": {"penalty_k": 0.05}})
    assert opened.done(opened.dataset.sequence("a")), "a refusal keeps the results"


def test_force_clears_another_runs_results(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened.begin(IDENTITY)
    opened.write([trajectory()])
    opened.begin({**IDENTITY, "seed": 1}, force=True)
    assert not opened.done(opened.dataset.sequence("a"))
    loaded = run_record.load(opened.folder)
    assert loaded is not None
    assert loaded["identity"]["seed"] == 1


@pytest.mark.parametrize("layout", ["plain", "got10k", "vot"])
def test_a_discarded_sequence_is_gone_in_every_repetition_and_the_others_stay(tmp_path: Path, layout: str) -> None:
    opened = Store(tmp_path, replace(tiny_dataset(), layout=layout), "x", "one_pass")
    opened.begin(IDENTITY)
    for repetition in (1, 2):
        opened.write([replace(trajectory(name), repetition=repetition) for name in ("a", "b")])
    opened.discard(["a"])
    left = [path.name for path in opened.folder.rglob("*") if path.is_file()]
    assert left
    assert not [name for name in left if name.startswith("a")]
    assert len(opened.read(opened.dataset.sequence("b"))) == 2
    assert run_record.load(opened.folder) is not None


def test_the_record_is_deleted_with_the_last_sequence(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened.begin(IDENTITY)
    opened.write([trajectory("a"), trajectory("b")])
    opened.discard([sequence.name for sequence in opened.dataset.sequences])
    assert not opened.folder.exists() or not list(opened.folder.iterdir())


@pytest.mark.parametrize("file", ["a.txt", "a/a_001.bin", "a_mine.mat", "a.json"])
def test_results_in_any_layout_are_recognised(tmp_path: Path, file: str) -> None:
    opened = store(tmp_path)
    (opened.folder / file).parent.mkdir(parents=True)
    (opened.folder / file).touch()
    with pytest.raises(EvalkitError, match=r"results without run\.json"):
        opened.begin(IDENTITY)


def test_results_without_a_record_are_not_mixed_in(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened.write([trajectory()])
    with pytest.raises(EvalkitError, match=r"results without run\.json"):
        opened.begin(IDENTITY)


def test_environments_are_collected_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = store(tmp_path)
    opened.begin(IDENTITY)
    monkeypatch.setattr(run_record, "environment", lambda: {"processor": "another"})
    opened.begin(IDENTITY)
    opened.begin(IDENTITY)
    loaded = run_record.load(opened.folder)
    assert loaded is not None
    assert len(loaded["environments"]) == 2


def test_costs_are_kept_and_do_not_make_two_runs_different(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened.begin(IDENTITY)
    opened.add_costs([Cost("x", "macs", "conv", 5.0, "MACs")])
    opened.begin(IDENTITY)
    record = opened.read_record()
    assert record is not None
    assert record["identity"] == IDENTITY
    assert [(cost["quantity"], cost["value"], "tracker" in cost) for cost in record["costs"]] == [("macs", 5.0, False)]
    opened.begin({**IDENTITY, "seed": 1}, force=True)
    assert "costs" not in (opened.read_record() or {}), "another run's network may be another"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("{", "damaged"), ('{"version": 99}', "Update"), ('{"version": 0}', "--force"), ("[]", "another format")],
)
def test_a_record_that_cannot_be_read_is_an_error(tmp_path: Path, content: str, complaint: str) -> None:
    opened = store(tmp_path)
    opened.folder.mkdir(parents=True)
    (opened.folder / "run.json").write_text(content)
    with pytest.raises(EvalkitError, match=complaint):
        opened.begin(IDENTITY)
    opened.begin(IDENTITY, force=True)
    assert json.loads((opened.folder / "run.json").read_text())["identity"] == IDENTITY


def test_differences_are_dotted_and_sorted() -> None:
    old = {"a": 1, "card": {"x": 1, "y": 2}, "gone": True}
    new = {"a": 1, "card": {"x": 1, "y": 3}, "new": 0}
    assert run_record.differences(old, new) == [("card.y", 2, 3), ("gone", True, None), ("new", None, 0)]


def test_a_success_deletes_the_log_of_an_earlier_failure(tmp_path: Path) -> None:
    opened = store(tmp_path)
    log = opened.write_failure("a", 1, "Traceback")
    assert log.read_text() == "Traceback"
    opened.write([trajectory()])
    assert not log.exists()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/abs", "a\\b", "..", "", "<script>", "x\x00y", "lighttrack:back"]
)
def test_no_label_names_a_folder_outside_of_the_results_folder(tmp_path: Path, name: str) -> None:
    folder = store(tmp_path, name).folder
    assert folder.resolve().parent == (tmp_path / "tiny").resolve()
    assert safe_label(name) == folder.name


def test_a_folder_without_results_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="there are no results for tiny"):
        labels(tmp_path, tiny_dataset())


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    blocked = tmp_path / "tiny"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(EvalkitError, match="cannot write this file"):
        store(tmp_path).write([trajectory()])
    assert blocked.read_text().startswith("a file")


def test_folders_that_archives_from_a_mac_contain_are_not_trackers(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    for name in ("mine", "__MACOSX", ".cache"):
        (tmp_path / dataset.directory / name).mkdir(parents=True)
    assert labels(tmp_path, dataset) == ["mine"]
