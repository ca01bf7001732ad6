"""A protocol in one file outside the package: run, stored, continued, read back and scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from moving_square import MovingSquare, moving_square, tiny_dataset
from own_protocol import SHIFTED_START
from scripted_tracker import Scripted

import evalkit
from evalkit import protocols, registry
from evalkit.engine.work import Status
from evalkit.errors import EvalkitError, UnknownName
from evalkit.registry import DatasetEntry
from evalkit.results import layouts
from evalkit.results.store import Store
from evalkit.types import Dataset, VotRules

START = 20.0
SHIFTED = START + 4


@pytest.fixture
def protocol_file(tmp_path: Path) -> Iterator[Path]:
    """The file with the protocol ``shifted_start``; what it registers is forgotten after the test."""
    path = tmp_path / "shifted_start.py"
    path.write_text(SHIFTED_START)
    with registry.protocol.temporarily():
        yield path


@pytest.fixture
def protocol(protocol_file: Path) -> str:
    return f"{protocol_file}:run_shifted_start"


@pytest.fixture
def squares() -> Iterator[Dataset]:
    dataset = tiny_dataset()
    with registry.dataset.temporarily(DatasetEntry("tiny", lambda: dataset, "three moving squares")):
        yield dataset


def first_boxes(dataset: Dataset, results: Path, protocol: str) -> list[float]:
    """The left edge of the first box of every stored result."""
    store = Store(results, dataset, "identity", protocol)
    return [run.boxes[0, 0] for sequence in dataset.sequences for run in store.read(sequence)]


def test_results_are_stored_next_to_those_of_the_datasets_own_protocol(
    squares: Dataset, protocol: str, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    evalkit.run("identity", "tiny", results=results)
    report = evalkit.run("identity", "tiny", results=results, protocol=protocol)
    folder = results / "tiny" / "identity"
    assert {path.name for path in (folder / "shifted_start").glob("?.txt")} == {"a.txt", "b.txt", "c.txt"}
    for place, name in ((folder, "one_pass"), (folder / "shifted_start", "shifted_start")):
        assert json.loads((place / "run.json").read_text())["identity"]["protocol"] == name
    assert first_boxes(squares, results, "one_pass") == [START] * 3
    assert first_boxes(squares, results, "shifted_start") == [SHIFTED] * 3
    assert {(score.protocol, score.profile, score.metric) for score in report.scores} >= {
        ("shifted_start", "otb-matlab", "auc"), ("shifted_start", "got10k", "ao"),
    }  # fmt: skip


@pytest.mark.usefixtures("squares")
def test_a_second_run_continues_and_a_forced_one_leaves_the_other_protocol_alone(
    squares: Dataset, protocol: str, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    evalkit.run("identity", "tiny", results=results, protocol=protocol)
    again = evalkit.run("identity", "tiny", results=results, protocol="shifted-start")
    assert {outcome.status for outcome in again.outcomes} == {Status.KEPT}
    evalkit.run("identity", "tiny", results=results, force=True)
    evalkit.run("identity", "tiny", results=results, force=True, protocol=protocol)
    assert first_boxes(squares, results, "one_pass") == [START] * 3
    assert first_boxes(squares, results, "shifted_start") == [SHIFTED] * 3


@pytest.mark.usefixtures("squares")
def test_stored_results_are_scored_by_name_and_by_path(protocol: str, tmp_path: Path) -> None:
    results = tmp_path / "results"
    evalkit.run("identity", "tiny", results=results, protocol=protocol)
    tables = [evalkit.score("tiny", results=results, protocol=name) for name in (protocol, "shifted_start")]
    assert tables[0].equals(tables[1])
    assert set(tables[0]["protocol"]) == {"shifted_start"}
    precision = tables[0].set_index("metric")["value"]["precision"]
    assert precision == 1
    with pytest.raises(EvalkitError, match="no results under the one_pass protocol"):
        evalkit.score("tiny", results=results)


def test_worker_processes_load_the_protocol_from_its_file(protocol: str, tmp_path: Path) -> None:
    frames = MovingSquare(4)
    for name in ("one", "two"):
        clip = tmp_path / "clips" / name
        clip.mkdir(parents=True)
        for index in range(4):
            cv2.imwrite(str(clip / f"{index:02d}.png"), frames[index])
        (clip / "groundtruth.txt").write_text("".join(f"{x:g},{y:g},16,12\n" for x, y in frames.boxes()[:, :2]))
    options = {"data": tmp_path / "clips", "results": tmp_path / "results", "protocol": protocol}
    report = evalkit.run("identity", "folder", jobs=2, **options)
    assert {outcome.status for outcome in report.outcomes} == {Status.DONE}
    stored = tmp_path / "results" / "clips" / "identity" / "shifted_start" / "one.txt"
    assert stored.read_text().startswith("24,24,16,12\n")


def test_it_is_stored_and_read_back_in_the_layout_of_vot(protocol: str, tmp_path: Path) -> None:
    sequence = moving_square("a", 4)
    dataset = replace(tiny_dataset(sequence), protocols=("supervised",), layout="vot")
    (run,) = protocols.run(protocol, Scripted(), sequence, dataset, name="scripted")
    layouts.get("vot").write(tmp_path, run)
    (back,) = layouts.get("vot").read(tmp_path, sequence, "shifted_start")
    np.testing.assert_array_equal(back.boxes[1:], run.boxes[1:])
    assert layouts.get("vot").done(tmp_path, sequence, "shifted_start")
    assert layouts.read(tmp_path, dataset, sequence, "supervised") == []


def test_a_protocol_gets_the_arguments_that_it_names_and_the_rules_of_the_dataset() -> None:
    given: dict[str, Any] = {}

    def record(tracker: object, sequence: object, *, seed: int, rules: VotRules, repetition: int) -> list[Any]:
        given.update(seed=seed, rules=rules, repetition=repetition)
        return []

    rules = VotRules(skip=3)
    dataset = replace(tiny_dataset(), vot=rules)
    with registry.protocol.temporarily(registry.ProtocolEntry("recording", record, "")):
        assert protocols.run("recording", Scripted(), dataset.sequences[0], dataset, name="x", seed=7) == []
    assert given == {"seed": 7, "rules": rules, "repetition": 1}


def test_a_protocol_runs_on_the_datasets_that_it_applies_to(protocol: str) -> None:
    dataset = tiny_dataset()
    assert protocols.choose(dataset, protocol) == "shifted_start"
    limited = registry.ProtocolEntry("limited", print, "", applies=lambda dataset: dataset.family == "uav")
    with registry.protocol.temporarily(limited):
        with pytest.raises(EvalkitError, match="tiny is not run under this protocol"):
            protocols.choose(dataset, "limited")
        assert protocols.choose(replace(dataset, family="uav"), "limited") == "limited"
    with pytest.raises(EvalkitError, match="tiny is not run under this protocol"):
        protocols.choose(dataset, "supervised")


def test_a_function_that_returns_something_else_is_refused() -> None:
    dataset = tiny_dataset()
    wrong = registry.ProtocolEntry("wrong", lambda tracker, sequence: None, "")
    with registry.protocol.temporarily(wrong), pytest.raises(EvalkitError, match="must return a list of Trajectory"):
        protocols.run("wrong", Scripted(), dataset.sequences[0], dataset, name="x")


def test_a_file_without_that_protocol_is_refused(protocol_file: Path) -> None:
    with pytest.raises(UnknownName, match="does not define 'run_shifted'"):
        protocols.find(f"{protocol_file}:run_shifted")
