from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.metrics import profiles
from evalkit.results.layouts.base import one_pass_trajectory
from evalkit.types import Dataset


def open_(name: str, root: Path | None) -> Dataset:
    return registry.dataset.find(name).build(root=root)  # type: ignore[no-any-return]


def make(place: Path, truth: str, images: int) -> None:
    place.mkdir(parents=True)
    (place / "groundtruth.txt").write_text(truth)
    for number in range(1, images + 1):
        cv2.imwrite(str(place / f"{number:08d}.jpg"), np.full((20, 30, 3), 9, np.uint8))


def test_boxes_labels_and_metadata_are_read(tmp_path: Path) -> None:
    place = tmp_path / "GOT-10k" / "val" / "GOT-10k_Val_000001"
    make(place, "1.0000,2.0000,3.0000,4.0000\n" * 3, 3)
    (place / "cover.label").write_text("8\n4\n0\n")
    (place / "absence.label").write_text("0\n0\n1\n")
    (place / "cut_by_image.label").write_text("0\n1\n0\n")
    (place / "meta_info.ini").write_text("[METAINFO]\nanno_fps: 10Hz\nobject_class: newt\nresolution: (30, 20)\n")
    benchmark = open_("got10k-val", tmp_path)
    (sequence,) = benchmark.sequences
    assert len(benchmark.expected) == 180
    assert sequence.flags["cover"].tolist() == [8, 4, 0]
    assert sequence.flags["absent"].tolist() == [False, False, True]
    assert sequence.flags["cut_by_image"].tolist() == [False, True, False]
    assert (sequence.size, sequence.fps, sequence.meta["object_class"]) == ((30, 20), 10.0, "newt")
    assert sequence.frames is not None and len(sequence.frames) == 3


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_folder_may_be_given_at_any_level(tmp_path: Path, depth: int) -> None:
    make(tmp_path / "GOT-10k" / "val" / "GOT-10k_Val_000007", "1,2,3,4\n", 1)
    root = (tmp_path, tmp_path / "GOT-10k", tmp_path / "GOT-10k" / "val")[depth]
    assert [sequence.name for sequence in open_("got10k-val", root).sequences] == ["GOT-10k_Val_000007"]


def test_only_the_first_box_of_a_test_sequence_is_annotated(tmp_path: Path) -> None:
    make(tmp_path / "test" / "GOT-10k_Test_000001", "1,2,3,4\n", 4)
    sequence = open_("got10k-test", tmp_path).sequence("GOT-10k_Test_000001")
    assert len(sequence) == 4
    assert np.isnan(sequence.groundtruth[1:]).all()


def test_labels_of_another_length_are_an_error(tmp_path: Path) -> None:
    make(tmp_path / "GOT-10k_Val_000001", "1,2,3,4\n" * 3, 3)
    (tmp_path / "GOT-10k_Val_000001" / "cover.label").write_text("8\n8\n")
    with pytest.raises(EvalkitError, match=r"cover.label: .* \(found 2, expected 3\)"):
        len(open_("got10k-val", tmp_path).sequence("GOT-10k_Val_000001"))


@pytest.mark.parametrize("name", ["00000001.jpg", "00000003.jpg"])
def test_a_missing_image_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    place = tmp_path / "GOT-10k_Val_000001"
    make(place, "1,2,3,4\n" * 5, 5)
    (place / name).rename(place / "preview.jpg")
    frames = open_("got10k-val", tmp_path).sequence("GOT-10k_Val_000001").frames
    assert frames is not None
    with pytest.raises(EvalkitError, match=rf"missing: {name} \(found 4 images, expected 5, one per row\)"):
        len(frames)


def test_an_image_without_a_number_is_not_a_frame(tmp_path: Path) -> None:
    place = tmp_path / "GOT-10k_Test_000001"
    make(place, "1,2,3,4\n", 5)
    (place / "preview.jpg").write_bytes((place / "00000001.jpg").read_bytes())
    sequence = open_("got10k-test", tmp_path).sequence("GOT-10k_Test_000001")
    assert sequence.frames is not None
    assert (len(sequence), len(sequence.frames)) == (5, 5)


def test_the_list_in_the_folder_sets_the_expected_sequences(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("walk\nrun\n")
    make(tmp_path / "walk", "1,2,3,4\n", 1)
    benchmark = open_("got10k-val", tmp_path)
    assert benchmark.expected == ("walk", "run")
    assert [sequence.name for sequence in benchmark.sequences] == ["walk"]


@pytest.mark.parametrize("missing", ["cover.label", "meta_info.ini"])
def test_the_notes_of_a_score_name_missing_annotation_files(tmp_path: Path, missing: str) -> None:
    place = tmp_path / "GOT-10k_Val_000001"
    make(place, "1,2,3,4\n" * 5, 5)
    (place / "cover.label").write_text("8\n" * 5)
    (place / "meta_info.ini").write_text("[METAINFO]\nresolution: (30, 20)\n")
    (place / missing).unlink()
    benchmark = open_("got10k-val", tmp_path)
    (sequence,) = benchmark.sequences
    runs = {sequence.name: [one_pass_trajectory(tmp_path, sequence, "one_pass", sequence.groundtruth)]}
    notes = {note for score in profiles.score("got10k", benchmark, "mine", "one_pass", runs) for note in score.notes}
    assert [note for note in notes if missing in note and "4 frames in 1 sequence" in note] == list(notes)
