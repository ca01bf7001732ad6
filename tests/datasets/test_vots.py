"""VOTS: every object of a video is a sequence, tracked, stored as vot-toolkit does, and scored."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit.cli import main
from evalkit.data_check import check_files
from evalkit.errors import EvalkitError
from evalkit.factories import open_dataset
from evalkit.io.regions import format_record, parse_binary
from evalkit.results import packing
from evalkit.types import Mask

FRAMES = 5


def mask(x: int, y: int) -> str:
    return format_record(Mask(np.ones((9, 12), bool), x, y))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Write two videos: two objects, one of which appears late, and regions to ignore; and one object by itself."""
    root = tmp_path / "VOTS2023"
    rows = {
        ("pair", "cat"): [mask(5 + index, 8) for index in range(FRAMES)],
        ("pair", "dog_2"): ["0", "0", *[mask(30, 20 + index) for index in range(FRAMES - 3)], "m0,0,0,0,0"],
        ("pair", "_ignore"): [mask(40, 30), "m0,0,0,0,0"],
        ("alone", "1"): [mask(9, 9)],
    }
    for (video, name), lines in rows.items():
        place = root / video
        (place / "color").mkdir(parents=True, exist_ok=True)
        (place / f"groundtruth_{name}.txt").write_text("\n".join(lines) + "\n")
        facts = {"channels.color": "color/%08d.jpg", "fps": 30, "length": FRAMES, "width": 64, "height": 48}
        (place / "sequence").write_text("".join(f"{key}={value}\n" for key, value in facts.items()))
        for index in range(FRAMES):
            image = np.random.default_rng(index).integers(0, 255, (48, 64, 3), np.uint8)
            cv2.imwrite(str(place / "color" / f"{index + 1:08d}.jpg"), image)
    (root / "list.txt").write_text("pair\nalone\n")
    return tmp_path


def test_every_object_is_a_sequence_named_as_the_toolkit_names_its_results(tree: Path) -> None:
    dataset = open_dataset("vots2023", tree)
    assert [(one.name, one.video) for one in dataset.sequences] == [
        ("pair_cat", "pair"), ("pair_dog_2", "pair"), ("alone", "alone"),
    ]  # fmt: skip
    cat, dog, alone = dataset.sequences
    assert [region is None for region in dog.annotation.regions or ()] == [True, True, False, False, False]
    assert [region is None for region in alone.annotation.regions or ()] == [False, *[True] * 4]
    assert [region is None for region in cat.annotation.ignored or ()] == [False, False, True, True, True]
    assert alone.annotation.ignored is None
    assert (cat.size, cat.fps, len(cat.frames or ())) == ((64, 48), 30, FRAMES)
    assert list(check_files(dataset, deep=True)) == []


@pytest.mark.parametrize("name", ["vots2024", "vots2025"])
def test_later_challenges_read_the_videos_of_2023(tree: Path, name: str) -> None:
    assert len(open_dataset(name, tree).sequences) == 3


def test_a_video_of_the_list_that_is_not_there_is_expected(tree: Path) -> None:
    (tree / "VOTS2023" / "list.txt").write_text("pair\nalone\nlost\n")
    assert open_dataset("vots2023", tree).expected == ("pair_cat", "pair_dog_2", "alone", "lost")


def test_more_regions_than_frames_are_an_error(tree: Path) -> None:
    (tree / "VOTS2023" / "alone" / "groundtruth_1.txt").write_text(f"{mask(1, 1)}\n" * 6)
    with pytest.raises(EvalkitError, match=r"more regions than frames \(found 6, expected 5\)"):
        len(open_dataset("vots2023", tree).sequence("alone"))


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


def test_objects_are_tracked_from_their_first_mask_and_stored_in_the_folder_of_the_video(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    arguments = ("--dataset", "vots2023", "--data", tree, "--results", results)
    assert (
        run("run", "--tracker", "identity", *arguments, "--sequences", "pair_cat,pair_dog_2", "--format", "json") == 0
    )
    place = results / "VOTS2023" / "identity" / "baseline" / "pair"
    ends = (".txt", "_time.value", "_confidence.value")
    files = {f"{name}_001{end}" for name in ("pair_cat", "pair_dog_2") for end in ends}
    assert {path.name for path in place.iterdir()} == files
    assert (place / "pair_dog_2_001.txt").read_text().splitlines()[:3] == ["0", "0", "1"]
    capsys.readouterr()
    assert run("score", *arguments, "--sequences", "pair_cat,pair_dog_2", "--format", "json") == 0
    records = json.loads(capsys.readouterr().out)["records"]
    assert [row["metric"] for row in records] == [
        "quality", "accuracy", "robustness", "not_reported_error", "drift_rate_error", "absence_detection_quality",
    ]  # fmt: skip
    assert {row["profile"] for row in records} == {"vots"}
    # A second run has nothing to do.
    before = {path: path.stat().st_mtime_ns for path in place.iterdir()}
    assert run("run", "--tracker", "identity", *arguments, "--sequences", "pair_cat,pair_dog_2") == 0
    assert {path: path.stat().st_mtime_ns for path in place.iterdir()} == before


def test_the_archive_has_the_files_of_the_toolkit_and_its_check_passes(tree: Path, tmp_path: Path) -> None:
    results, output = tmp_path / "results", tmp_path / "identity.zip"
    arguments = ("--dataset", "vots2025", "--data", tree, "--results", results)
    assert run("run", "--tracker", "identity", *arguments) == 0
    assert run("pack", *arguments, "--tracker", "identity", "--output", output) == 0
    with zipfile.ZipFile(output) as archive:
        names = set(archive.namelist())
    assert names >= {
        "baseline/pair/pair_cat_001.txt", "baseline/pair/pair_dog_2_001.txt", "baseline/alone/alone_001.txt",
        "manifest.yml",
    }  # fmt: skip
    assert packing.check(output, open_dataset("vots2025", tree)) == []
    stored = results / "VOTS2025" / "identity" / "baseline" / "pair" / "pair_dog_2_001.txt"
    stored.write_text("0\n0\n0\n0\n0\n")
    with pytest.raises(EvalkitError, match="pair_dog_2_001: row 3, where the object appears, is not the code 1"):
        packing.pack(open_dataset("vots2025", tree), "identity", results, tmp_path / "again.zip")


def test_masks_of_binary_results_stay_in_binary_files(tree: Path, tmp_path: Path) -> None:
    from evalkit.io.regions import format_binary
    from evalkit.results.importing import import_results

    dataset = open_dataset("vots2023", tree)
    whole = np.zeros((48, 64), bool)
    whole[10:20, 7] = True
    records = [1, *[Mask(whole)] * (FRAMES - 1)]
    source = tmp_path / "theirs" / "baseline" / "alone"
    source.mkdir(parents=True)
    (source / "alone_001.bin").write_bytes(format_binary(records))
    imported = import_results(tmp_path / "theirs", "vot", dataset, tmp_path / "results", label="theirs")
    assert imported.sequences == ("alone",)
    stored = imported.folder / "baseline" / "alone" / "alone_001.bin"
    read = parse_binary(stored.read_bytes())
    assert isinstance(read[1], Mask)
    assert read[1].bitmap.shape == (48, 64)
