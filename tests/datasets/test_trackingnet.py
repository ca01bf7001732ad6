from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from evalkit import registry
from evalkit.types import Dataset

ID = "YaXKZdSEwt4_0"


def open_(name: str, root: Path | None) -> Dataset:
    return registry.dataset.find(name).build(root=root)  # type: ignore[no-any-return]


def make(root: Path, part: str, name: str, *, images: int, rows: int) -> None:
    (root / part / "anno").mkdir(parents=True, exist_ok=True)
    (root / part / "frames" / name).mkdir(parents=True)
    (root / part / "anno" / f"{name}.txt").write_text("1.5,2.0,3.0,4.0\n" * rows)
    for number in range(images):
        cv2.imwrite(str(root / part / "frames" / name / f"{number}.jpg"), np.full((8, 9, 3), number, np.uint8))


def test_the_511_names_are_the_official_ones(data: Path, tmp_path: Path) -> None:
    make(tmp_path, "TEST", ID, images=1, rows=1)
    official = json.loads((data / "annotations" / "TrackingNet_TEST_list.json").read_text())["sequences"]
    benchmark = open_("trackingnet-test", tmp_path)
    assert len(benchmark.expected) == 511
    assert set(benchmark.expected) == set(official)


def test_frames_are_in_natural_order_and_only_the_first_box_is_annotated(tmp_path: Path) -> None:
    make(tmp_path / "TrackingNet", "TEST", ID, images=12, rows=1)
    sequence = open_("trackingnet-test", tmp_path).sequence(ID)
    assert sequence.frames is not None
    assert [sequence.frames.path(index).name for index in (0, 2, 10)] == ["0.jpg", "2.jpg", "10.jpg"]  # type: ignore[attr-defined]
    assert len(sequence) == 12
    assert np.isnan(sequence.groundtruth[1:]).all()


def test_names_that_differ_in_case_only_are_two_sequences(tmp_path: Path) -> None:
    make(tmp_path, "TRAIN_0", "aB_0", images=2, rows=2)
    make(tmp_path, "TRAIN_3", "Ab_0", images=3, rows=3)
    benchmark = open_("trackingnet-train", tmp_path)
    assert {sequence.name: len(sequence) for sequence in benchmark.sequences} == {"aB_0": 2, "Ab_0": 3}


def test_annotations_without_frames_can_be_scored(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.txt").write_text("1,2,3,4\n5,6,7,8\n")
    sequence = open_("trackingnet-test", tmp_path).sequence(ID)
    assert sequence.frames is None and len(sequence) == 2
