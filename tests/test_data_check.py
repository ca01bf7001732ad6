from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from evalkit import data_check, registry
from evalkit.api import render_data, run
from evalkit.cli.data import data_command
from evalkit.data_check import DataFinding


def make(root: Path, name: str = "airplane-2", *, images: int = 5, rows: int = 5) -> Path:
    place = root / name
    (place / "img").mkdir(parents=True)
    for number in range(1, images + 1):
        cv2.imwrite(str(place / "img" / f"{number:08d}.jpg"), np.full((20, 30, 3), 9, np.uint8))
    (place / "groundtruth.txt").write_text("1,2,3,4\n" * rows)
    return place


def found(root: Path, *, deep: bool = False) -> list[DataFinding]:
    dataset = registry.dataset.find("lasot-train").build(root=root)
    findings = data_check.check_files(dataset, deep=deep)
    return [finding for finding in findings if not finding.whole_sequence]


def test_an_intact_sequence_has_no_findings(tmp_path: Path) -> None:
    make(tmp_path)
    assert found(tmp_path) == found(tmp_path, deep=True) == []


def test_sequences_that_are_not_on_disk_are_named(tmp_path: Path) -> None:
    make(tmp_path)
    dataset = registry.dataset.find("lasot-train").build(root=tmp_path)
    missing = [finding.sequence for finding in data_check.check_files(dataset)]
    assert len(missing) == 1119
    assert "airplane-3" in missing and "airplane-2" not in missing


def test_every_missing_image_is_named(tmp_path: Path) -> None:
    place = make(tmp_path, images=8, rows=8)
    for number in (2, 5, 8):
        (place / "img" / f"{number:08d}.jpg").unlink()
    assert [(one.kind, Path(one.where).name) for one in found(tmp_path)] == [
        ("missing", "00000002.jpg"), ("missing", "00000005.jpg"), ("missing", "00000008.jpg"),
    ]  # fmt: skip


def test_surplus_images_are_a_finding(tmp_path: Path) -> None:
    make(tmp_path, images=8, rows=5)
    (one,) = found(tmp_path)
    assert (one.kind, one.found, one.expected) == ("mis-counted", "8 images", "5, one per row")


def test_images_of_another_size_are_found_by_their_headers(tmp_path: Path) -> None:
    place = make(tmp_path)
    cv2.imwrite(str(place / "img" / "00000005.jpg"), np.zeros((21, 30, 3), np.uint8))
    (one,) = found(tmp_path)
    assert (one.kind, Path(one.where).name, one.found, one.expected) == ("mis-sized", "00000005.jpg", "30x21", "30x20")


def test_every_damaged_image_is_found_by_decoding(tmp_path: Path) -> None:
    place = make(tmp_path)
    image = place / "img" / "00000002.jpg"
    image.write_bytes(image.read_bytes()[:-20])
    (place / "img" / "00000004.jpg").write_bytes(b"")
    cv2.imwrite(str(place / "img" / "00000001.jpg"), np.zeros((10, 10, 3), np.uint8))
    kinds = [(one.kind, Path(one.where).name) for one in found(tmp_path, deep=True)]
    assert [name for kind, name in kinds if kind == "unreadable"] == ["00000002.jpg", "00000004.jpg"]
    assert any(kind == "mis-sized" for kind, _ in kinds)


@pytest.mark.parametrize(
    ("text", "kind"), [(None, "missing"), ("1,2,3\n", "mis-counted"), ("a,b,c,d\n", "annotation"), ("", "annotation")]
)
def test_annotations_that_cannot_be_read_are_found(tmp_path: Path, text: str | None, kind: str) -> None:
    path = make(tmp_path) / "groundtruth.txt"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    (one,) = found(tmp_path)
    assert one.kind == kind
    assert "groundtruth.txt" in one.where


@pytest.mark.parametrize("row", ["nan,nan,nan,nan", "1,2,0,4"])
def test_an_unusable_first_row_is_found(tmp_path: Path, row: str) -> None:
    (make(tmp_path) / "groundtruth.txt").write_text(f"{row}\n" + "1,2,3,4\n" * 4)
    (one,) = found(tmp_path)
    assert (one.kind, one.found) == ("annotation", row)


def test_a_video_is_decoded_too(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    for rows, counts in ((1, []), (3, []), (2, [("3", "2")])):
        (tmp_path / "groundtruth.txt").write_text("1,2,3,4\n" * rows)
        dataset = registry.dataset.find("folder").build(root=tmp_path)
        assert [(one.found, one.expected) for one in data_check.check_files(dataset, deep=True)] == counts


def test_the_command_prints_lines_or_json_and_exits_with_1_if_there_are_findings(tmp_path: Path) -> None:
    (make(tmp_path / "mine", "run") / "img").rename(tmp_path / "mine" / "run" / "color")
    runner = CliRunner()
    intact = runner.invoke(data_command, ["check", "folder", "--data", str(tmp_path / "mine")], standalone_mode=False)
    assert intact.output.endswith("folder: 1 of 1 sequences, 0 findings\n") and intact.return_value == 0
    (tmp_path / "mine" / "run" / "groundtruth.txt").write_text("1,2,3,4\n" * 6)
    text = runner.invoke(data_command, ["check", "folder", "--data", str(tmp_path / "mine")], standalone_mode=False)
    assert text.return_value == 1
    assert "00000006.jpg: the frame is missing\nfolder: 1 of 1 sequences, 1 finding\n" in text.output
    arguments = ["check", "folder", "--data", str(tmp_path / "mine"), "--format", "json"]
    record = json.loads(runner.invoke(data_command, arguments, standalone_mode=False).output)["records"][0]
    assert record["kind"] == "missing" and record["dataset"] == "folder"


def test_a_rendered_tree_has_no_findings_but_missing_sequences(tmp_path: Path) -> None:
    arguments = ["render", "--layout", "got10k", "--output", str(tmp_path / "GOT-10k"), "--sequences", "occlusion"]
    result = CliRunner().invoke(data_command, arguments, standalone_mode=False)
    assert result.exception is None and "1 sequence" in result.output
    dataset = registry.dataset.find("got10k-val").build(root=tmp_path)
    here = {sequence.name for sequence in dataset.sequences}
    assert [one for one in data_check.check_files(dataset, deep=True) if one.sequence in here] == []


@pytest.mark.parametrize(
    ("layout", "dataset", "frames"), [("vot", "vot2018", "blur/color"), ("lasot", "lasot", "blur/blur-1/img")]
)
@pytest.mark.parametrize("deep", [False, True])
def test_a_sequence_without_frames_is_missing_where_others_have_some(
    tmp_path: Path, layout: str, dataset: str, frames: str, deep: bool
) -> None:
    render_data(layout, tmp_path / "data", sequences=["scale", "blur"])
    (folder,) = [path for path in (tmp_path / "data").rglob(Path(frames).name) if "blur" in str(path)][:1]
    shutil.rmtree(folder)
    opened = registry.dataset.find(dataset).build(root=tmp_path / "data")
    here = {sequence.name for sequence in opened.sequences}
    (one,) = [one for one in data_check.check_files(opened, deep=deep) if one.sequence in here]
    assert one.line().endswith(f"{one.sequence}: its frames are not here")
    assert one.kind == "missing"


def test_annotations_alone_are_no_finding_but_said_once(tmp_path: Path) -> None:
    render_data("vot", tmp_path / "data", sequences=["scale", "blur"])
    for name in ("scale", "blur"):
        shutil.rmtree(tmp_path / "data" / name / "color")
    answer = CliRunner().invoke(data_command, ["check", "vot2018", "--data", str(tmp_path / "data")])
    assert answer.output.count("its frames are not here") == 0
    assert answer.output.count("no sequence has frames here, only annotations") == 1


def test_every_anchor_that_no_tracker_can_start_from_is_named(data: Path) -> None:
    opened = registry.dataset.find("vot2020").build(
        root=data / "field" / "12-data-check-blind-to-unusable-anchor" / "data"
    )
    (one,) = [one for one in data_check.check_files(opened) if not one.whole_sequence]
    assert (one.kind, one.sequence) == ("annotation", "scale")
    assert one.what == "row 51, at an anchor, is not a box to start from"


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(("kind", "frames", "rows"), [("oneless", 19, 20), ("onemore", 20, 19), ("truncated", 14, 20)])
def test_the_frames_of_a_video_are_counted(data: Path, kind: str, frames: int, rows: int, deep: bool) -> None:
    opened = registry.dataset.find("folder").build(root=data / "field" / "06-video-frames-and-rows" / kind)
    (one,) = data_check.check_files(opened, deep=deep)
    assert (one.kind, one.found, one.expected) == ("mis-counted", str(frames), str(rows))


def test_a_run_says_what_to_do_about_surplus_frames(data: Path, tmp_path: Path) -> None:
    case = tmp_path / "onemore"
    shutil.copytree(data / "field" / "06-video-frames-and-rows" / "onemore", case)
    truth = case / "groundtruth.txt"
    truth.chmod(0o644)
    failed = run("identity", "folder", data=case, results=tmp_path / "results")
    assert "add a row nan,nan,nan,nan" in (failed.failures[0].error or "")
    truth.write_text(truth.read_text().rstrip() + "\nnan,nan,nan,nan\n")
    report = run("identity", "folder", data=case, results=tmp_path / "results")
    assert not report.failures
    assert any("frames without annotation left out: 1 frame" in note for score in report.scores for note in score.notes)
