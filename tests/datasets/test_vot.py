from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.types import Box, Dataset, Mask, Polygon


def open_(name: str, root: Path | None) -> Dataset:
    return registry.dataset.find(name).build(root=root)  # type: ignore[no-any-return]


def make(place: Path, truth: str, *, images: int = 3, color: bool = True) -> None:
    folder = place / "color" if color else place
    folder.mkdir(parents=True)
    for number in range(1, images + 1):
        cv2.imwrite(str(folder / f"{number:08d}.jpg"), np.full((20, 30, 3), 9, np.uint8))
    (place / "groundtruth.txt").write_text(truth)


@pytest.mark.parametrize(("year", "frames"), [(2018, 21_356), (2019, 19_935)])
def test_the_official_frames_are_counted_from_the_index(data: Path, year: int, frames: int) -> None:
    benchmark = open_(f"vot{year}", data / "annotations")
    assert len(benchmark.sequences) == len(benchmark.expected) == 60
    assert sum(len(sequence) for sequence in benchmark.sequences) == frames
    assert all(sequence.size is not None for sequence in benchmark.sequences)


def test_real_sequences_have_polygons_tags_and_sizes(data: Path) -> None:
    benchmark = open_("vot2018", data / "datasets")
    assert [sequence.name for sequence in benchmark.sequences] == ["bag", "ball1"]
    assert len(benchmark.expected) == 60
    bag, ball = benchmark.sequences
    assert (len(bag), bag.size, len(ball), ball.size) == (196, (480, 360), 105, (1280, 720))
    assert bag.frames is not None and bag.frames[0].shape == (360, 480, 3)
    assert isinstance(bag.region(0), Polygon)
    assert bag.flags["camera_motion"].sum() > 0
    assert not ball.flags["occlusion"].any() and ball.flags["occlusion"].shape == (105,)


def test_folder_and_index_have_equal_annotations(data: Path) -> None:
    folder, index = open_("vot2018", data / "datasets"), open_("vot2018", data / "annotations")
    for name in ("bag", "ball1"):
        a, b = folder.sequence(name), index.sequence(name)
        np.testing.assert_array_equal(a.groundtruth, b.groundtruth)
        assert a.size == b.size
        for tag in a.flags:
            np.testing.assert_array_equal(a.flags[tag], b.flags[tag])


@pytest.mark.parametrize("color", [True, False])
def test_images_are_in_color_or_next_to_the_groundtruth(tmp_path: Path, color: bool) -> None:
    (tmp_path / "list.txt").write_text("one\n")
    make(tmp_path / "one", "1,2,3,4\n" * 3, color=color)
    (sequence,) = open_("vot2016", tmp_path).sequences
    assert sequence.frames is not None and len(sequence.frames) == 3
    assert sequence.size == (30, 20)


def test_short_tags_are_padded_and_long_ones_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one\n")
    make(tmp_path / "one", "1,2,3,4\n" * 3)
    (tmp_path / "one" / "occlusion.tag").write_text("1\n")
    (tmp_path / "one" / "motion_change.tag").write_text("")
    (sequence,) = open_("vot2018", tmp_path).sequences
    assert sequence.flags["occlusion"].tolist() == [True, False, False]
    assert sequence.flags["motion_change"].tolist() == [False, False, False]
    (tmp_path / "one" / "occlusion.tag").write_text("1\n0\n0\n0\n")
    with pytest.raises(EvalkitError, match=r"more flags than frames \(found 4, expected 3\)"):
        len(open_("vot2018", tmp_path).sequence("one"))


def test_the_description_file_of_a_sequence_is_used(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one\n")
    make(tmp_path / "one", "1,2,3,4\n" * 3)
    (tmp_path / "one" / "color").rename(tmp_path / "one" / "frames")
    (tmp_path / "one" / "sequence").write_text(
        "channels.color=frames/%08d.jpg\nfps=25\nformat=default\nwidth=30\nheight=20\n"
    )
    (sequence,) = open_("vot2019", tmp_path).sequences
    assert (sequence.fps, sequence.size) == (25.0, (30, 20))
    assert sequence.frames is not None and len(sequence.frames) == 3


def test_masks_and_anchors_of_the_later_years_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one\n")
    make(tmp_path / "one", "m1,2,2,2,0,4\nm0,0,1,1,1\nm3,3,2,1,1,1\n")
    (tmp_path / "one" / "anchor.value").write_text("1\n0\n-1\n")
    benchmark = open_("vot2020", tmp_path)
    (sequence,) = benchmark.sequences
    assert benchmark.protocols[0] == "multistart"
    assert isinstance(sequence.region(0), Mask)
    np.testing.assert_array_equal(sequence.groundtruth, [[1, 2, 2, 2], [0, 0, 0, 0], [4, 3, 1, 1]])
    assert sequence.annotation.anchors is not None
    assert sequence.annotation.anchors.tolist() == [1, 0, -1]


def test_missing_anchors_are_an_error_in_multi_start_datasets(tmp_path: Path) -> None:
    make(tmp_path / "one", "1,2,3,4\n" * 3)
    with pytest.raises(EvalkitError, match="no sequences of vot2022-stb were found"):
        open_("vot2022-stb", tmp_path)
    (tmp_path / "list.txt").write_text("one\n")
    with pytest.raises(EvalkitError, match=r"anchor.value: .*is missing"):
        len(open_("vot2022-stb", tmp_path).sequence("one"))


def test_the_lists_of_2020_and_2021_differ_from_their_predecessors_as_published() -> None:
    from evalkit.datasets._facts import read_facts

    before = {entry["name"] for entry in read_facts("vot")["vot2019"]}
    first, second = (set(read_facts("vot")[name]) for name in ("vot2020", "vot2021"))
    assert (len(first), len(second)) == (60, 60)
    assert (before - first, first - before) == ({"pedestrian1"}, {"hand02"})
    assert second - first == {"animal", "bag", "birds2", "diver", "kangaroo", "snake"}


def test_a_part_of_vot2020_is_counted_against_all_60_sequences(tmp_path: Path) -> None:
    for name in ("agility", "wiper"):
        make(tmp_path / name, "1,2,3,4\n" * 3)
        (tmp_path / name / "anchor.value").write_text("1\n0\n-1\n")
    benchmark = open_("vot2020", tmp_path)
    assert ([one.name for one in benchmark.sequences], len(benchmark.expected)) == (["agility", "wiper"], 60)


def test_sequences_of_the_same_name_in_another_year_are_ignored(tmp_path: Path) -> None:
    make(tmp_path / "agility", "1,2,3,4\n" * 3)
    with pytest.raises(EvalkitError, match="no sequences of vot2020 were found"):
        open_("vot2020", tmp_path)


@pytest.mark.parametrize("name", ["vot2018", "vot2022"])
def test_several_objects_in_one_sequence_are_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "list.txt").write_text("one\n")
    make(tmp_path / "one", "1,2,3,4\n" * 3)
    (tmp_path / "one" / "groundtruth.txt").rename(tmp_path / "one" / "groundtruth_1.txt")
    (tmp_path / "one" / "groundtruth_2.txt").write_text("1,2,3,4\n" * 3)
    (tmp_path / "one" / "anchor.value").write_text("1\n0\n-1\n")
    with pytest.raises(EvalkitError, match=r"several objects.*\(found groundtruth_1.txt, groundtruth_2.txt, expected"):
        len(open_(name, tmp_path).sequence("one"))
    (tmp_path / "list.txt").unlink()
    if name == "vot2022":
        with pytest.raises(EvalkitError, match="several objects"):
            len(open_(name, tmp_path).sequence("one"))


def test_an_absent_target_is_nan_in_long_term_sequences(tmp_path: Path) -> None:
    make(tmp_path / "VOT2018-LT" / "ballet", "1,2,3,4\nnan,nan,nan,nan\n5,6,7,8\n")
    benchmark = open_("vot2018-lt", tmp_path)
    assert len(benchmark.expected) == 35 and benchmark.protocols == ("longterm",)
    (sequence,) = benchmark.sequences
    assert np.isnan(sequence.groundtruth[1]).all()
    assert sequence.region(1) is None and sequence.region(2) == Box(5, 6, 7, 8)


def test_the_long_term_lists_are_complete() -> None:
    from evalkit.datasets._facts import read_facts

    assert [len(read_facts("vot")[name]) for name in ("vot2016", "vot2018-lt", "vot2019-lt")] == [60, 35, 50]


@pytest.mark.parametrize(
    ("name", "interval"),
    [("vot2016", (108, 371)), ("vot2017", (100, 356)), ("vot2018", (100, 356)), ("vot2019", (46, 291))],
)
def test_every_year_has_its_interval(tmp_path: Path, name: str, interval: tuple[int, int]) -> None:
    make(tmp_path / "matrix", "1,2,3,4\n" * 3)
    assert open_(name, tmp_path).vot.eao_interval == interval


def test_a_row_too_few_is_an_error(tmp_path: Path) -> None:
    make(tmp_path / "bag", "1,2,3,4\n" * 2)
    with pytest.raises(EvalkitError, match=r"groundtruth.txt: .* \(found 2, expected 196\)"):
        len(open_("vot2018", tmp_path).sequence("bag"))


def test_a_damaged_index_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "VOT2018.json").write_text(json.dumps({"bag": {"gt_rect": [[1, 2, 3]]}}))
    with pytest.raises(EvalkitError, match="not a valid region"):
        len(open_("vot2018", tmp_path).sequence("bag"))
    (tmp_path / "VOT2018.json").write_text("[1, 2")
    with pytest.raises(EvalkitError, match=r"VOT2018.json: this index cannot be read"):
        open_("vot2018", tmp_path)


def test_an_index_can_be_given_by_its_own_name(data: Path, tmp_path: Path) -> None:
    index = tmp_path / "anything.json"
    index.symlink_to(data / "annotations" / "VOT2018.json")
    assert len(open_("vot2018", index).sequences) == 60
    index.unlink()
    index.write_text('{"walk": {"gt_rect": [[1, 2, 3, 4]]}}')
    with pytest.raises(EvalkitError, match=r"anything.json: no sequences of vot2018 were found"):
        open_("vot2018", index)
