from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import registry
from evalkit.api import scores
from evalkit.data_check import check_files
from evalkit.errors import EvalkitError
from evalkit.types import Dataset


def open_(name: str, root: Path | None) -> Dataset:
    return registry.dataset.find(name).build(root=root)  # type: ignore[no-any-return]


def make(place: Path, rows: int, *, images: int | None = None) -> None:
    (place / "img").mkdir(parents=True)
    for number in range(1, (rows if images is None else images) + 1):
        cv2.imwrite(str(place / "img" / f"{number:08d}.jpg"), np.full((20, 30, 3), 9, np.uint8))
    (place / "groundtruth.txt").write_text("1,2,3,4\n" * rows)
    (place / "full_occlusion.txt").write_text(",".join(["0", "1", *["0"] * rows][:rows]))
    (place / "out_of_view.txt").write_text(",".join(["0", "0", "1", *["0"] * rows][:rows]))
    (place / "nlp.txt").write_text("a white airplane\n")


def test_the_official_test_split_has_685360_rows_and_18346_absent_frames(data: Path) -> None:
    benchmark = open_("lasot", data / "annotations")
    assert len(benchmark.sequences) == len(benchmark.expected) == 280
    assert sum(len(sequence) for sequence in benchmark.sequences) == 685_360
    assert sum(int(sequence.flags["absent"].sum()) for sequence in benchmark.sequences) == 18_346
    assert benchmark.sequence("airplane-1").attributes == {"POC", "ROT", "SV", "LR"}


def test_the_lists_are_complete(data: Path) -> None:
    lists = data / "annotations" / "LaSOT_toolkit" / "sequence_evaluation_config"
    test, everything = (set((lists / name).read_text().split()) for name in ("testing_set.txt", "all_dataset.txt"))
    assert set(open_("lasot", data / "annotations").expected) == test
    from evalkit.datasets._facts import read_facts

    names = {f"{group}-{number}" for group in read_facts("lasot")["classes"] for number in range(1, 21)}
    assert names == everything
    extension = {f"{group}-{number}" for group in read_facts("lasot")["extension_classes"] for number in range(1, 11)}
    assert extension == set((lists / "lasot_ext_150.txt").read_text().split())


def test_a_sequence_cut_short_with_its_images_is_read(data: Path) -> None:
    benchmark = open_("lasot", data / "datasets")
    (sequence,) = benchmark.sequences
    assert sequence.frames is not None
    assert len(sequence) == len(sequence.frames) == 300
    assert set(sequence.flags) == {"absent", "full_occlusion", "out_of_view"}


@pytest.mark.parametrize("nested", [True, False])
def test_flags_and_the_language_description_are_read(tmp_path: Path, nested: bool) -> None:
    make(tmp_path / "airplane" / "airplane-1" if nested else tmp_path / "airplane-1", 4)
    sequence = open_("lasot", tmp_path).sequence("airplane-1")
    assert sequence.flags["full_occlusion"].tolist() == [False, True, False, False]
    assert sequence.flags["out_of_view"].tolist() == [False, False, True, False]
    assert sequence.flags["absent"].tolist() == [False, True, True, False]
    assert sequence.language == "a white airplane"


def test_the_training_split_has_the_1120_sequences_outside_the_test_split(tmp_path: Path) -> None:
    make(tmp_path / "airplane-2", 2)
    make(tmp_path / "airplane-1", 2)
    benchmark = open_("lasot-train", tmp_path)
    assert len(benchmark.expected) == 1120
    assert [sequence.name for sequence in benchmark.sequences] == ["airplane-2"]


def test_the_extension_has_150_sequences(tmp_path: Path) -> None:
    make(tmp_path / "LaSOT_extension_subset" / "atv" / "atv-3", 2)
    benchmark = open_("lasot-ext", tmp_path)
    assert len(benchmark.expected) == 150
    assert [sequence.name for sequence in benchmark.sequences] == ["atv-3"]


def test_one_image_more_than_rows_is_left_out_and_two_are_an_error(tmp_path: Path) -> None:
    make(tmp_path / "airplane-2", 3, images=4)
    make(tmp_path / "airplane-3", 3, images=5)
    benchmark = open_("lasot-train", tmp_path)
    one, two = benchmark.sequence("airplane-2").frames, benchmark.sequence("airplane-3").frames
    assert one is not None and two is not None
    assert len(one) == 3
    with pytest.raises(EvalkitError, match=r"\(found 5 images, expected 3, one per row\)"):
        len(two)


def test_rows_beyond_those_of_the_toolkit_are_cut(tmp_path: Path) -> None:
    (tmp_path / "cup-1.txt").write_text("1,2,3,4\n" * 5000)
    sequence = open_("lasot", tmp_path).sequence("cup-1")
    from evalkit.datasets._facts import read_facts

    official = next(entry["rows"] for entry in read_facts("lasot")["test"] if entry["name"] == "cup-1")
    assert len(sequence) == official < 5000


def test_the_index_of_pysot_has_absent_inverted(tmp_path: Path) -> None:
    (tmp_path / "LaSOT.json").write_text(json.dumps({"airplane-2": {"gt_rect": [[1, 2, 3, 4]] * 2, "absent": [1, 0]}}))
    sequence = open_("lasot-train", tmp_path).sequence("airplane-2")
    assert sequence.flags["absent"].tolist() == [False, True]


def test_flags_of_another_length_are_an_error(tmp_path: Path) -> None:
    make(tmp_path / "airplane-2", 3)
    (tmp_path / "airplane-2" / "out_of_view.txt").write_text("0,0")
    with pytest.raises(EvalkitError, match=r"out_of_view.txt: .* \(found 2, expected 3\)"):
        len(open_("lasot-train", tmp_path).sequence("airplane-2"))


def paddle(place: Path, rows: int) -> None:
    """An annotation of ``paddle-1`` that moves, so that rows differ."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(f"{1 + row % 90},2,30,40\n" for row in range(rows)))


@pytest.mark.parametrize("forms", ["toolkit", "folder", "both", "pysot"])
@pytest.mark.parametrize("rows_of_the_result", [2500, 2703])
def test_paddle_1_of_the_extension_is_scored_over_2500_rows_whichever_form_is_there(
    tmp_path: Path, forms: str, rows_of_the_result: int
) -> None:
    root = tmp_path / "LaSOT_extension_subset"
    if forms in ("folder", "both"):
        paddle(root / "paddle" / "paddle-1" / "groundtruth.txt", 2703)
        for name in ("full_occlusion", "out_of_view"):
            (root / "paddle" / "paddle-1" / f"{name}.txt").write_text(",".join(["0"] * 2703))
    if forms in ("toolkit", "both"):
        paddle(root / "annos" / "paddle-1.txt", 2500)
    if forms == "pysot":
        boxes = [[1 + row % 90, 2, 30, 40] for row in range(2703)]
        root.mkdir()
        (root / "LaSOT_ext.json").write_text(json.dumps({"paddle-1": {"gt_rect": boxes}}))
    paddle(tmp_path / "results" / "LaSOT-ext" / "perfect" / "paddle-1.txt", rows_of_the_result)
    report = scores(
        "lasot-ext", data=root if forms != "pysot" else root / "LaSOT_ext.json", results=tmp_path / "results",
        sequences="paddle-1", profiles=["lasot-matlab"],
    )  # fmt: skip
    assert {score.metric: score.value for score in report.scores}["sr75"] == 1
    (sequence,) = open_("lasot-ext", root if forms != "pysot" else root / "LaSOT_ext.json").sequences
    assert len(sequence) == 2500


@pytest.mark.parametrize("images", [2500, 2703])
def test_the_images_beyond_the_scored_rows_of_paddle_1_are_left_out(tmp_path: Path, images: int) -> None:
    make(tmp_path / "paddle" / "paddle-1", 2703, images=images)
    (sequence,) = open_("lasot-ext", tmp_path).sequences
    assert sequence.frames is not None
    assert len(sequence) == len(sequence.frames) == 2500
    assert list(check_files(open_("lasot-ext", tmp_path)))[149:] == []
