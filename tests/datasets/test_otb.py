from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.results import layouts
from evalkit.types import Dataset


def open_(name: str, root: Path | None) -> Dataset:
    return registry.dataset.find(name).build(root=root)  # type: ignore[no-any-return]


def make(folder: Path, images: list[str], rows: int, *, truth: str = "groundtruth_rect.txt") -> None:
    (folder / "img").mkdir(parents=True, exist_ok=True)
    for name in images:
        cv2.imwrite(str(folder / "img" / name), np.full((8, 9, 3), 7, np.uint8))
    (folder / truth).write_text("1,2,3,4\n" * rows)


def numbered(first: int, count: int) -> list[str]:
    return [f"{number:04d}.jpg" for number in range(first, first + count)]


@pytest.mark.parametrize(("name", "targets"), [("otb100", 100), ("otb50", 50), ("otb2013", 51)])
def test_the_official_lists_have_as_many_targets_as_published(data: Path, name: str, targets: int) -> None:
    benchmark = open_(name, data / "annotations")
    assert len(benchmark.sequences) == len(benchmark.expected) == targets


def test_the_official_rows_are_59035(data: Path) -> None:
    for root in (data / "annotations", data / "annotations" / "OTB100"):
        assert sum(len(sequence) for sequence in open_("otb100", root).sequences) == 59_035


def test_tiger1_of_354_rows_is_cut_to_the_349_that_are_evaluated(data: Path, tmp_path: Path) -> None:
    full = (data / "annotations" / "OTB100_Tiger1_full354.txt").read_text()
    (tmp_path / "Tiger1.txt").write_text(full)
    (sequence,) = open_("otb100", tmp_path).sequences
    assert len(sequence) == 349
    np.testing.assert_array_equal(
        sequence.groundtruth, open_("otb100", data / "annotations" / "OTB100").sequence("Tiger1").groundtruth
    )


def test_the_json_index_and_the_text_files_have_equal_boxes(data: Path, tmp_path: Path) -> None:
    (tmp_path / "OTB2015.json").symlink_to(data / "annotations" / "OTB2015.json")
    index, rows = open_("otb100", tmp_path), open_("otb100", data / "annotations" / "OTB100")
    assert len(index.sequences) == 100
    for sequence in index.sequences:
        np.testing.assert_array_equal(sequence.groundtruth, rows.sequence(sequence.name).groundtruth)


def test_real_sequences_are_a_part_of_the_expected(data: Path) -> None:
    benchmark = open_("otb100", data / "datasets")
    assert [sequence.name for sequence in benchmark.sequences] == [
        "Bird2", "Couple", "Crossing", "David", "Man", "Walking2",
    ]  # fmt: skip
    assert len(benchmark.expected) == 100
    david = benchmark.sequence("David")
    assert david.frames is not None
    assert len(david) == len(david.frames) == 471
    assert david.frames[0].shape == (240, 320, 3)
    assert david.attributes == {"IV", "SV", "OCC", "DEF", "MB", "IPR", "OPR"}


def test_the_frame_range_is_taken_from_the_full_set_of_images(tmp_path: Path) -> None:
    make(tmp_path / "Football1", numbered(1, 80), 74)
    frames = open_("otb100", tmp_path).sequence("Football1").frames
    assert frames is not None and len(frames) == 74
    assert frames.path(73).name == "0074.jpg"  # type: ignore[attr-defined]


def test_missing_images_are_named(tmp_path: Path) -> None:
    make(tmp_path / "Football1", [name for name in numbered(1, 80) if name != "0030.jpg"], 74)
    frames = open_("otb100", tmp_path).sequence("Football1").frames
    assert frames is not None
    with pytest.raises(
        EvalkitError, match=r"some of the images 1 to 74, which the sequence uses, are missing; missing: 0030.jpg"
    ):
        len(frames)


def test_a_row_too_few_is_an_error(tmp_path: Path) -> None:
    make(tmp_path / "Football1", numbered(1, 74), 73)
    with pytest.raises(EvalkitError, match=r"groundtruth_rect.txt: .* \(found 73, expected 74\)"):
        len(open_("otb100", tmp_path).sequence("Football1").groundtruth)


def test_two_targets_of_one_folder_are_two_sequences(tmp_path: Path) -> None:
    make(tmp_path / "Jogging", numbered(1, 3), 3, truth="groundtruth_rect.1.txt")
    make(tmp_path / "Jogging", [], 3, truth="groundtruth_rect.2.txt")
    make(tmp_path / "Human4", numbered(1, 3), 3, truth="groundtruth_rect.2.txt")
    (tmp_path / "Human4" / "groundtruth_rect.1.txt").write_text("")
    benchmark = open_("otb100", tmp_path)
    assert [sequence.name for sequence in benchmark.sequences] == ["Human4-2", "Jogging-1", "Jogging-2"]
    assert [len(sequence) for sequence in benchmark.sequences] == [3, 3, 3]


@pytest.mark.parametrize(("layout", "place"), [("plain", "theirs"), ("pytracking", "theirs/default_000")])
def test_results_of_human4_are_found_by_the_name_other_toolkits_give_it(
    tmp_path: Path, layout: str, place: str
) -> None:
    make(tmp_path / "Human4", numbered(1, 2), 2, truth="groundtruth_rect.2.txt")
    make(tmp_path / "Jogging", numbered(1, 2), 2, truth="groundtruth_rect.1.txt")
    results = tmp_path / place
    results.mkdir(parents=True)
    for name in ("Human4", "Jogging"):
        (results / f"{name}.txt").write_text("1,2,3,4\n" * 2)
        (results / f"{name}_time.txt").write_text("0.5\n" * 2)
    benchmark = open_("otb100", tmp_path)
    human, jogging = benchmark.sequence("Human4-2"), benchmark.sequence("Jogging-1")
    (found,) = layouts.get(layout).read(tmp_path / "theirs", human, "one_pass")
    assert (found.sequence, len(found), found.seconds.tolist()) == ("Human4-2", 2, [0.5, 0.5])
    assert layouts.get(layout).read(tmp_path / "theirs", jogging, "one_pass") == [], "it could be either target's"


@pytest.mark.parametrize("spelling", ["Jogging-1", "Jogging.1", "jogging_1"])
def test_copies_with_a_folder_for_each_target_are_read_too(tmp_path: Path, spelling: str) -> None:
    make(tmp_path / spelling, numbered(1, 3), 3)
    assert [sequence.name for sequence in open_("otb100", tmp_path).sequences] == ["Jogging-1"]


def test_one_file_is_never_taken_for_two_targets(tmp_path: Path) -> None:
    make(tmp_path / "Jogging", numbered(1, 3), 3)
    with pytest.raises(EvalkitError, match=r"groundtruth_rect.1.txt: this file does not exist"):
        len(open_("otb100", tmp_path).sequence("Jogging-1").groundtruth)


def test_forms_that_disagree_are_an_error(tmp_path: Path) -> None:
    make(tmp_path / "OTB100" / "Deer", [], 71)
    other = [[1, 2, 3, 4]] * 70 + [[1, 2, 3, 9]]
    (tmp_path / "OTB2015.json").write_text(json.dumps({"deer": {"gt_rect": other}}))
    with pytest.raises(EvalkitError, match="two annotations of one sequence disagree: row 71"):
        len(open_("otb100", tmp_path).sequence("Deer").groundtruth)


@pytest.mark.parametrize("rows", [[[1, 2, 3]], [[1, 2, 3, 4], [5]], [[1, 2, 3, 4, 5, 6, 7, 8]], [["x"] * 4], 7, []])
def test_an_index_with_invalid_rows_is_an_error_that_names_the_sequence(tmp_path: Path, rows: object) -> None:
    for benchmark, file, name in (("otb100", "OTB2015.json", "Deer"), ("lasot-train", "LaSOT.json", "airplane-2")):
        (tmp_path / file).write_text(json.dumps({name: {"gt_rect": rows}}))
        with pytest.raises(EvalkitError, match=f"{name}: (gt_rect must contain rows of x|the annotation is empty)"):
            len(open_(benchmark, tmp_path).sequence(name))


def test_the_error_for_a_folder_without_the_dataset_lists_its_content(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(EvalkitError, match=r"no sequences of otb100 were found \(found holiday.jpg, expected <Seq"):
        open_("otb100", tmp_path)


def test_the_error_without_a_folder_says_how_to_give_one() -> None:
    with pytest.raises(EvalkitError, match="--data"):
        open_("otb100", None)
