"""The parts that dataset files are built of: folders, names, annotation forms, cut image folders."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import registry
from evalkit.datasets import building
from evalkit.datasets.building import (
    FolderImages,
    Source,
    boxes_reader,
    find_folders,
    join_forms,
    match_names,
)
from evalkit.datasets.building.descriptions import frame_rate, frame_size
from evalkit.errors import EvalkitError
from evalkit.names import canonical
from evalkit.types import Annotation, Dataset

NAMES = ("car1_1", "car11", "bike_1")
BOXES = {"car1_1": (1, 1, 9, 9), "car11": (2, 2, 9, 9), "Bike-1": (3, 3, 9, 9)}
"""The name on disk and the box in every row of its annotation."""

WIDTHS = {"car1_1": 31, "car11": 32, "Bike-1": 33}
"""The width of the images in the folder of that name."""


def rows(name: str) -> str:
    return f"{','.join(map(str, BOXES[name]))}\n" * 2


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_images(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in (1, 2):
        cv2.imwrite(str(folder / f"{number:08d}.jpg"), np.zeros((20, WIDTHS[name], 3), np.uint8))


def text_files(root: Path) -> None:
    for name in BOXES:
        write(root / f"{name}.txt", rows(name))


def folders_with_images(root: Path) -> None:
    for name in BOXES:
        write(root / name / "groundtruth.txt", rows(name))
        write_images(root / name, name)


def lasot_toolkit(root: Path) -> None:
    for name in BOXES:
        write(root / "annos" / f"{name}.txt", rows(name))


def json_index(root: Path) -> None:
    entries = {name: {"gt_rect": [BOXES[name]] * 2} for name in BOXES}
    write(root / "VOT2018.json", json.dumps(entries))
    write(root / "LaSOT.json", json.dumps(entries))


def trackingnet(root: Path) -> None:
    for name in BOXES:
        write(root / "TEST" / "anno" / f"{name}.txt", rows(name))
        write_images(root / "TEST" / "frames" / name, name)


LISTS = {"got10k-val": "list.txt", "vot2018": "list.txt", "lasot": "testing_set.txt"}


@pytest.mark.parametrize(
    ("dataset", "write_form"),
    [
        ("got10k-val", text_files), ("got10k-val", folders_with_images), ("vot2018", folders_with_images),
        ("vot2018", json_index), ("lasot", text_files), ("lasot", lasot_toolkit), ("lasot", json_index),
        ("trackingnet-test", trackingnet), ("trackingnet-test", text_files),
    ],
)  # fmt: skip
def test_names_that_differ_in_an_underscore_stay_apart(
    dataset: str, write_form: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(write_form)
    write_form(tmp_path)
    if dataset in LISTS:
        write(tmp_path / LISTS[dataset], "\n".join(NAMES))
    else:
        monkeypatch.setattr("evalkit.datasets.trackingnet.read_facts", lambda _: {"test": list(NAMES)})
    opened: Dataset = registry.dataset.find(dataset).build(root=tmp_path)
    assert [sequence.name for sequence in opened.sequences] == list(NAMES)
    for sequence, on_disk in zip(opened.sequences, BOXES, strict=True):
        assert tuple(sequence.groundtruth[0]) == BOXES[on_disk], sequence.name
        if sequence.frames is not None:
            assert sequence.frames[0].shape[1] == WIDTHS[on_disk], sequence.name
    assert opened.find("Bike-1").name == "bike_1"
    with pytest.raises(EvalkitError, match="no such sequence"):
        opened.find("Car11")


def test_the_sequences_of_uav123_are_found_among_those_of_uav20l_in_one_folder(data: Path) -> None:
    folder, table = data / "benchmarks" / "uav123" / "anno", data / "benchmarks" / "tables" / "uav123.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        rows = {row["name"]: int(row["rows"]) for row in csv.DictReader(stream)}
    sequences = join_forms(rows, [building.text_file_form(folder, rows)])
    assert {sequence.name: len(sequence) for sequence in sequences} == rows
    assert sum(rows.values()) == 112_578


def test_a_spelling_that_two_sequences_share_finds_neither() -> None:
    assert match_names(NAMES, ["Car11", "bike1"], where="anno") == {"bike_1": "bike1"}


def test_the_exact_name_wins_over_another_spelling_and_two_spellings_are_an_error() -> None:
    assert match_names(NAMES, ["bike1", "bike_1", "BIKE1"], where="anno") == {"bike_1": "bike_1"}
    with pytest.raises(EvalkitError, match=r"anno: several entries could be the sequence bike_1 \(found BIKE1, bike1"):
        match_names(NAMES, ["bike1", "BIKE1"], where="anno")


def test_names_that_differ_in_case_are_all_found_exactly_and_without_comparing_spellings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(name: str) -> str:
        asked.append(name)
        return canonical(name)

    monkeypatch.setattr("evalkit.names.canonical", counted)
    names = [f"{case}{number:05d}_0" for number in range(500) for case in ("aB", "Ab")]
    for name in names:
        write(tmp_path / "TRAIN_0" / "anno" / f"{name}.txt", "")
    opened: Dataset = registry.dataset.find("trackingnet-train").build(root=tmp_path)
    assert [sequence.name for sequence in opened.sequences] == sorted(names)
    assert all(sequence.exact_name for sequence in opened.sequences)
    # Once to find the ambiguous ones, twice each; the training split has 30,000 sequences in 12 folders.
    assert len(asked) <= 2 * len(names)


def test_what_one_form_does_not_know_comes_from_the_others(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "1,2,3,4\n")
    read = boxes_reader(tmp_path / "a.txt")
    first = {"a": Source(tmp_path / "a.txt", read, fps=25.0)}
    second = {"a": Source(tmp_path / "b.txt", read, attributes=frozenset({"SV"}), size=(4, 3), official_rows=1, fps=30)}
    (sequence,) = join_forms(["a", "not there"], [first, second])
    assert (sequence.fps, sequence.size, sequence.official_rows) == (25.0, (4, 3), 1)
    assert sequence.attributes == {"SV"}
    assert len(sequence) == 1


def test_annotations_that_disagree_are_an_error_and_one_file_found_twice_is_not(tmp_path: Path) -> None:
    def source(where: str, x: float) -> Source:
        return Source(tmp_path / where, lambda: Annotation(np.array([[x, 1, 2, 3]])))

    (same,) = join_forms(["a"], [{"a": source("a.txt", 1)}, {"a": source("a.txt", 2)}])
    assert same.groundtruth[0, 0] == 1
    (other,) = join_forms(["a"], [{"a": source("a.txt", 1)}, {"a": source("b.txt", 2)}])
    with pytest.raises(EvalkitError, match=r"a.txt and .*b.txt: two annotations of one sequence disagree: row 1"):
        len(other)


def test_usual_folders_are_found_in_any_case_and_the_given_one_comes_first(tmp_path: Path) -> None:
    (tmp_path / "Parking").mkdir()
    (tmp_path / "other").mkdir()
    assert find_folders(tmp_path, ["PARKING"], dataset="parking") == [tmp_path, tmp_path / "Parking"]
    with pytest.raises(EvalkitError, match=r"no data folder is configured for parking.*--data"):
        find_folders(None, ["PARKING"], dataset="parking")
    write(tmp_path / "notes.txt", "hello")
    with pytest.raises(EvalkitError, match=r"notes.txt: not a folder \(found a file, expected the folder"):
        find_folders(tmp_path / "notes.txt", ["PARKING"], dataset="parking")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    for number in range(1, 11):
        cv2.imwrite(str(tmp_path / f"img{number:04d}.png"), np.full((4, 5, 3), number, np.uint8))
    return tmp_path


def test_several_sequences_share_the_images_of_one_folder(video: Path) -> None:
    whole, start, end = FolderImages(video), FolderImages(video, first=1, rows=6), FolderImages(video, first=6, rows=5)
    assert [len(frames) for frames in (whole, start, end)] == [10, 6, 5]
    assert start.path(5) == end.path(0) == video / "img0006.png"
    assert [int(end[index][0, 0, 0]) for index in (0, 4)] == [6, 10]
    with pytest.raises(IndexError):
        end[5]


def test_images_of_another_part_may_be_missing(video: Path) -> None:
    (video / "img0002.png").unlink()
    assert len(FolderImages(video, first=6, rows=5)) == 5
    with pytest.raises(
        EvalkitError, match=r"some of the images 1 to 6, .* are missing; missing: img0002.png \(found 9"
    ):
        len(FolderImages(video, first=1, rows=6))


def test_a_misspelt_family_is_an_error() -> None:
    with pytest.raises(
        EvalkitError, match=r"mine: unknown family of benchmarks \(found 'uva', expected None or one of"
    ):
        Dataset("mine", "MINE", "1", 0, (), (), ("one_pass",), ("pysot",), "plain", family="uva")  # type: ignore[arg-type]


def test_the_guide_lists_every_public_name() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "add-a-dataset.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in guide.splitlines() if line.startswith("| "))
    assert set(re.findall(r"`(\w+)`", rows)) == set(building.__all__)


def test_everything_in_the_public_module_has_a_docstring() -> None:
    for name in building.__all__:
        found = getattr(building, name)
        if name != "AnnotationForm":
            assert found.__doc__, name
            members = [one for one in vars(found).values() if callable(one)] if isinstance(found, type) else []
            undocumented = [one.__name__ for one in members if not one.__name__.startswith("_") and not one.__doc__]
            assert not undocumented, f"{name}: {undocumented}"


@pytest.mark.parametrize("text", [None, "", "0", "-25", "nan", "1e400", "²", "fast"])
def test_a_stated_frame_rate_that_is_no_rate_is_unknown(text: str | None) -> None:
    assert frame_rate(text) is None


def test_frame_rates_and_sizes_are_read_from_descriptions() -> None:
    assert (frame_rate("29.97"), frame_size("640", "480"), frame_size(640, 480)) == (29.97, (640, 480), (640, 480))


@pytest.mark.parametrize("side", [None, "", "0", "-1", "²", "1000000", "6.4", 0, True, 6.4, 10**6, [640]])
def test_a_stated_size_that_is_no_size_is_unknown(side: object) -> None:
    assert frame_size(side, 480) is None
    assert frame_size("640", side) is None
