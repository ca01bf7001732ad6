"""Sequences that a person names to calibrate int8 on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit import factories, registry
from evalkit.cost.exporting import export_tracker
from evalkit.errors import EvalkitError
from evalkit.runtimes import calibration
from evalkit.runtimes.calibration_sequences import (
    FRAMES,
    CalibrationSequences,
    find_calibration_sequences,
)
from evalkit.trackers._siamese import build, networks
from evalkit.types import Annotation, Box, Dataset, Execution, Frames, Image, Region, Sequence

OWN = """
import torch
from evalkit import Prediction


class Own:
    def __init__(self, settings):
        self.network = torch.nn.Conv2d(3, 1, 3)
        self.card = {"settings": settings}

    def initialize(self, image, region):
        self.region = region

    def update(self, image):
        self.network(torch.zeros(1, 3, 8, 8))
        return Prediction(self.region)


def build(settings):
    return Own(settings)
"""


class Numbered:
    """Frames of 8x8 pixels, each filled with its number."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int, /) -> Image:
        return np.full((8, 8, 3), index, np.uint8)


class Recorder:
    """A split tracker that notes where it is initialised and returns the frame as its crop."""

    def __init__(self) -> None:
        self.started: list[tuple[int, Region]] = []

    def initialize(self, image: Image, region: Region) -> None:
        self.started.append((int(image[0, 0, 0]), region))

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        return (np.zeros((1, 2), np.float32), image[None])

    def sibling(self) -> Recorder:
        return self


def sequence(name: str, boxes: NDArray[np.float64], *, frames: bool = True) -> Sequence:
    images: Frames | None = Numbered(len(boxes)) if frames else None
    return Sequence(name, lambda: Annotation(boxes), images)


def dataset(*sequences: Sequence, origin: int = 1) -> Dataset:
    return Dataset(
        "numbered", "NUMBERED", "3", origin, sequences, tuple(one.name for one in sequences), ("one_pass",), ("otb",),
        "plain",
    )  # fmt: skip


def boxes(count: int) -> NDArray[np.float64]:
    return np.array([[3.0 + index, 4, 2, 1] for index in range(count)])


def inputs(tracker: Recorder, *sequences: Sequence) -> list[Any]:
    return CalibrationSequences(dataset(*sequences), sequences).inputs(tracker)  # type: ignore[arg-type]


def test_frames_at_equal_distances_are_taken_each_after_an_initialisation_on_the_groundtruth() -> None:
    tracker = Recorder()
    rows = inputs(tracker, sequence("long", boxes(72)))
    starts = [start for start, _ in tracker.started]
    assert starts == [0, 10, 20, 30, 40, 50, 60, 70]
    assert len(starts) == FRAMES
    assert [int(crop[0, 0, 0, 0]) for _, crop in rows] == [start + 1 for start in starts]
    # Files that count pixels from 1.
    assert tracker.started[1][1] == Box(12.0, 3.0, 2.0, 1.0)


def test_frames_without_annotation_are_not_started_on_and_a_short_sequence_is_used_whole() -> None:
    tracker, rows = Recorder(), boxes(5)
    rows[1] = np.nan
    assert len(inputs(tracker, sequence("gap", rows), sequence("short", boxes(2)))) == 4
    assert [start for start, _ in tracker.started] == [0, 2, 3, 0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(sequence("bare", boxes(4), frames=False), "a sequence without frames", id="no frames"),
        pytest.param(sequence("one", boxes(1)), "without an annotated frame that another", id="one frame"),
    ],
)
def test_a_sequence_that_gives_no_inputs_is_refused(given: Sequence, words: str) -> None:
    with pytest.raises(EvalkitError, match=rf"numbered/{given.name}: .*{words}"):
        inputs(Recorder(), given)


def test_the_record_depends_on_the_frames() -> None:
    named = CalibrationSequences(dataset(), (sequence("a", boxes(9)),))
    first = named.record(inputs(Recorder(), sequence("a", boxes(9))))
    assert first["dataset"] == "numbered"
    assert first["dataset_version"] == "3"
    assert first["sequences"] == ["a"]
    assert first["frames"] == 8
    other = named.record(inputs(Recorder(), sequence("a", boxes(20))))
    assert other["crops_sha256"] != first["crops_sha256"]


def test_named_sequences_are_used_in_addition_to_rendered_targets() -> None:
    class Tracker(Recorder):
        def network(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            return inputs

        def locate(self, response: tuple[NDArray[Any], ...]) -> None:
            return None

    named = CalibrationSequences(dataset(), (sequence("a", boxes(9)),))
    rows = calibration.inputs(Tracker(), named, scenes=2, frames=1)  # type: ignore[arg-type]
    assert [crop.shape for _, crop in rows] == [(1, 480, 640, 3)] * 2 + [(1, 8, 8, 3)] * 8


@pytest.mark.parametrize("text", ["", "synthetic", "synthetic:", ":scale", "synthetic:scale,"])
def test_another_form_of_the_setting_is_refused(text: str) -> None:
    with pytest.raises(EvalkitError, match=r"--set calibration: invalid sequences.*DATASET:SEQUENCE,SEQUENCE"):
        find_calibration_sequences(text, "int8")


def test_the_sequences_are_found_by_name() -> None:
    named = find_calibration_sequences("synthetic: scale , blur,scale", "int8")
    assert named is not None
    assert [one.name for one in named.sequences] == ["scale", "blur"]
    with pytest.raises(EvalkitError, match="no such sequence"):
        find_calibration_sequences("synthetic:nothing", "int8")


def test_the_setting_is_split_off_for_trackers_that_evalkit_calibrates() -> None:
    given = {"penalty_k": "0.5", "calibration": "synthetic:scale"}
    entry = registry.tracker.find("lighttrack-m")
    assert factories.split_calibration(entry, given) == ({"penalty_k": "0.5"}, "synthetic:scale")
    assert factories.split_calibration(entry, None) == ({}, None)


def test_a_tracker_may_have_a_setting_of_that_name_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "own.py"
    path.write_text(OWN)
    export_tracker(
        f"{path}:build", runtime="onnxruntime", output=tmp_path / "out", settings={"calibration": "mine"}
    )  # fmt: skip
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["card"] == {"settings": {"calibration": "mine"}}


def test_sequences_to_calibrate_on_are_refused_where_nothing_is_calibrated() -> None:
    with pytest.raises(EvalkitError, match=r"only int8 is calibrated \(found precision fp32\)"):
        factories.create_tracker("lighttrack-m", settings={"calibration": "synthetic:scale"})


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The samples that networks were given to calibrate int8; these networks compute in fp32."""
    found: list[Any] = []

    class Networks(networks.SiameseNetworks):
        def __init__(self, *arguments: Any, execution: Execution, samples: Any, **options: Any) -> None:
            if execution.precision == "int8":
                found.append(samples())
            super().__init__(*arguments, execution=Execution(), samples=None, **options)

    monkeypatch.setattr(build, "SiameseNetworks", Networks)
    monkeypatch.setattr(build, "rendered_inputs", lambda tracker, **_: [tracker.hyperparameters.small])
    return found


def test_the_network_of_a_lost_target_is_calibrated_on_crops_of_its_size(given: list[Any]) -> None:
    factories.create_tracker("lighttrack-m", precision="int8", settings={"lost_size": "320"})
    assert given == [[256, 320]]


def test_the_tracker_calibrates_on_the_sequences_and_records_them(given: list[Any]) -> None:
    def card(*settings: tuple[str, str]) -> dict[str, Any]:
        tracker: Any = factories.create_tracker("lighttrack-m", precision="int8", settings=dict(settings))
        return dict(tracker.card)

    assert "calibration" not in card()
    named = card(("calibration", "synthetic:scale"))["calibration"]
    assert named["sequences"] == ["scale"]
    assert named["frames"] == FRAMES
    assert [len(rows) for rows in given] == [1, 1 + FRAMES]
    assert card(("calibration", "synthetic:blur"))["calibration"]["crops_sha256"] != named["crops_sha256"]
