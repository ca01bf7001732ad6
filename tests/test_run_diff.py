"""The differences of two runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.errors import EvalkitError
from evalkit.results import run_record
from evalkit.run_diff import diff, render_diff


def write(folder: Path, name: str, rows: list[list[float]]) -> None:
    path = folder / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))


BOXES = [[float(index), 10.0, 20.0, 10.0] for index in range(5)]


def moved(frame: int, by: float) -> list[list[float]]:
    return [[x + by * (index + 1 >= frame), *rest] for index, (x, *rest) in enumerate(BOXES)]


def test_equal_runs_are_the_same_also_with_other_times(tmp_path: Path) -> None:
    for run, seconds in (("a", 0.1), ("b", 0.2)):
        write(tmp_path / run, "square", BOXES)
        write(tmp_path / run / "times", "square_time", [[seconds]] * 5)
    assert diff(tmp_path / "a", tmp_path / "b").same


def test_the_first_different_frame_and_the_size_of_differences_are_found(tmp_path: Path) -> None:
    write(tmp_path / "a", "square", BOXES)
    other = moved(3, 0.5)
    other[4][0] += 9.5
    write(tmp_path / "b", "square", other)
    (pair,) = diff(tmp_path / "a", tmp_path / "b").sequences
    assert (pair.first, pair.differing, pair.frames) == (3, 3, 5)
    assert pair.first_pixels == pytest.approx(0.5)
    assert (pair.most_pixels, pair.most_frame) == (pytest.approx(10.0), 5)
    # 20 wide, 10 apart: 10 of 30 columns in common.
    assert pair.least_overlap == pytest.approx(1 / 3)


def test_differences_within_the_tolerance_count_as_equal(tmp_path: Path) -> None:
    write(tmp_path / "a", "square", BOXES)
    write(tmp_path / "b", "square", moved(2, 1e-4))
    assert not diff(tmp_path / "a", tmp_path / "b").same
    assert diff(tmp_path / "a", tmp_path / "b", tolerance=1e-3).same


def test_digits_written_in_another_way_are_equal(tmp_path: Path) -> None:
    write(tmp_path / "a", "square", BOXES)
    (tmp_path / "b").mkdir()
    text = "".join("\t".join(f"{value:.4f}" for value in row) + "\r\n" for row in BOXES)
    (tmp_path / "b" / "square.txt").write_text(text)
    assert diff(tmp_path / "a", tmp_path / "b").same


def test_nan_equals_nan_and_nothing_else(tmp_path: Path) -> None:
    nan = float("nan")
    lost = [*BOXES[:2], [nan] * 4, *BOXES[3:]]
    write(tmp_path / "a", "square", lost)
    write(tmp_path / "b", "square", lost)
    assert diff(tmp_path / "a", tmp_path / "b").same
    write(tmp_path / "b", "square", BOXES)
    (pair,) = diff(tmp_path / "a", tmp_path / "b").sequences
    assert (pair.first, pair.first_pixels) == (3, None)


def test_states_and_polygons_of_vot_are_compared(tmp_path: Path) -> None:
    for run, third in (("a", "0,0,9,0,9,9,0,9"), ("b", "2")):
        path = tmp_path / run / "baseline" / "bag" / "bag_001.txt"
        path.parent.mkdir(parents=True)
        path.write_text(f"1\n1,2,3,4\n{third}\n")
        (path.parent / "bag_time.txt").write_text("0.1\n")
    (pair,) = diff(tmp_path / "a", tmp_path / "b").sequences
    assert (pair.sequence, pair.first, pair.first_pixels) == ("bag_001", 3, None)


def test_missing_rows_and_missing_sequences_are_differences(tmp_path: Path) -> None:
    write(tmp_path / "a", "square", BOXES)
    write(tmp_path / "a", "circle", BOXES)
    write(tmp_path / "b", "square", BOXES[:4])
    found = diff(tmp_path / "a", tmp_path / "b")
    assert not found.same
    assert found.only_a == ("circle",)
    assert found.sequences[0].note == "5 rows and 4 rows"


def test_settings_versions_and_machines_are_compared(tmp_path: Path) -> None:
    for run, threads, torch in (("a", 1, "2.13"), ("b", 2, "2.14")):
        write(tmp_path / run, "square", BOXES)
        run_record.save(tmp_path / run, {"threads": threads}, [{"versions": {"torch": torch}, "code": None}])
    text = render_diff(diff(tmp_path / "a", tmp_path / "b"), "table")
    assert "threads: 1 → 2" in text
    assert "versions.torch: 2.13 → 2.14" in text


def test_json_is_strict_and_holds_the_same(tmp_path: Path) -> None:
    write(tmp_path / "a", "square", BOXES)
    write(tmp_path / "b", "square", [*BOXES[:3], [float("nan")] * 4, BOXES[4]])
    content = json.loads(render_diff(diff(tmp_path / "a", tmp_path / "b"), "json"))
    assert content["records"][0]["first"] == 4
    assert content["records"][0]["first_pixels"] is None


def test_folders_without_results_are_rejected(tmp_path: Path) -> None:
    write(tmp_path / "results" / "tiny" / "a", "square", BOXES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvalkitError, match="no such folder"):
        diff(tmp_path / "none", tmp_path / "empty")
    with pytest.raises(EvalkitError, match="holds no result files"):
        diff(tmp_path / "empty", tmp_path / "results" / "tiny" / "a")
    write(tmp_path / "other", "circle", BOXES)
    with pytest.raises(EvalkitError, match="no sequence in common"):
        diff(tmp_path / "results" / "tiny" / "a", tmp_path / "other")
