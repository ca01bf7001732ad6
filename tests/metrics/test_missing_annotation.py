"""Frames without annotation are left out by the profiles that can, and every profile notes what it does with them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import score_report
from evalkit.api import import_results as import_
from evalkit.api import run
from evalkit.metrics import profiles
from evalkit.types import Dataset, FrameState, Trajectory, VotRules

FRAMES = 101
ANNOTATED = np.arange(0, FRAMES, 5)
NAN = [np.nan] * 4


def truth() -> Any:
    """Boxes that move, of which every fifth is annotated."""
    boxes = np.tile([10.0, 20.0, 30.0, 40.0], (FRAMES, 1))
    boxes[:, 0] += np.arange(FRAMES)
    hidden = np.ones(FRAMES, bool)
    hidden[ANNOTATED] = False
    return boxes, np.where(hidden[:, None], np.nan, boxes)


def perfect(make: Any, name: str = "folder") -> tuple[Dataset, dict[str, list[Trajectory]]]:
    boxes, annotated = truth()
    return make.dataset(make.sequence("walk", annotated), name=name), {"walk": [make.one_pass("walk", boxes)]}


def scores(profile: str, dataset: Dataset, runs: Any, protocol: str = "one_pass") -> tuple[dict[str, Any], str]:
    found = profiles.score(profile, dataset, "label", protocol, runs)
    return {score.metric: score.value for score in found}, "\n".join(found[0].notes)


def test_a_perfect_tracker_is_perfect_where_unannotated_frames_are_left_out(make: Any) -> None:
    values, notes = scores("got10k", *perfect(make))
    assert (values["ao"], values["sr50"], values["sr75"], values["precision"]) == (1, 1, 1, 1)
    assert values["auc"] == pytest.approx(20 / 21)
    assert notes == "frames without annotation left out: 80 frames in 1 sequence"


def test_frames_are_counted_once_however_many_repetitions_and_metrics(make: Any) -> None:
    dataset, runs = perfect(make)
    _, notes = scores("got10k", dataset, {"walk": runs["walk"] * 3})
    assert notes == "frames without annotation left out: 80 frames in 1 sequence"


@pytest.mark.parametrize(
    ("profile", "note", "precision"),
    [
        ("pysot", "counted as misses of success and hits of precision, as the toolkit does", 1),
        ("otb-matlab", "counted as misses of success and hits of precision, as the toolkit does", 1),
        ("lasot-matlab", "counted as misses of success and hits of precision, as the toolkit does", 1),
        ("pytracking", "counted as misses of success, misses of precision and hits of normalised", 21 / FRAMES),
        ("trackingnet", "counted as misses, as the devkit does", 21 / FRAMES),
    ],
)
def test_profiles_with_an_official_rule_name_it(make: Any, profile: str, note: str, precision: float) -> None:
    values, notes = scores(profile, *perfect(make))
    assert f"frames without annotation {note}" in notes
    assert ": 80 frames in 1 sequence" in notes
    assert values["auc"] < 0.25
    assert values["precision"] == pytest.approx(precision, abs=0.01)


def test_frames_that_are_marked_as_absent_are_annotated(make: Any) -> None:
    boxes, annotated = truth()
    sequence = make.sequence("walk", annotated, absent=np.isnan(annotated).any(axis=1))
    _, notes = scores("lasot-matlab", make.dataset(sequence), {"walk": [make.one_pass("walk", boxes)]})
    assert "without annotation" not in notes


def test_vot_s_unsupervised_average_overlap_leaves_them_out(make: Any) -> None:
    boxes, annotated = truth()
    dataset = make.dataset(make.sequence("walk", annotated, size=(200, 200)))
    runs = {"walk": [make.one_pass("walk", boxes, protocol="unsupervised")]}
    values, notes = scores("vot-unsupervised", dataset, runs, "unsupervised")
    assert values["ao"] == 1
    assert "frames without annotation left out: 80 frames in 1 sequence" in notes


@pytest.mark.parametrize("profile", ["vot-supervised", "vot-toolkit"])
def test_vot_s_supervised_profiles_note_what_they_do(make: Any, profile: str) -> None:
    boxes, annotated = truth()
    dataset = make.dataset(make.sequence("walk", annotated, size=(200, 200)), vot=VotRules(eao_interval=(5, 50)))
    runs = {"walk": [make.one_pass("walk", boxes, protocol="supervised")]}
    _, notes = scores(profile, dataset, runs, "supervised")
    assert "frames without annotation" in notes and "80 frames in 1 sequence" in notes


def test_every_fifth_frame_of_ones_own_video(data: Path, tmp_path: Path) -> None:
    case = data / "field" / "14-folder-unannotated-frames"
    import_(case / "perfect", "plain", "folder", data=case / "clips", results=tmp_path)
    report = score_report.scores("folder", data=case / "clips", results=tmp_path)
    values = {score.metric: score.value for score in report.scores}
    assert (values["ao"], values["sr50"], values["sr75"], values["precision"]) == (1, 1, 1, 1)
    assert report.scores[0].notes == ("frames without annotation left out: 80 frames in 1 sequence",)
    everything = score_report.scores("folder", data=case / "clips", results=tmp_path, profiles="all")
    assert all("80 frames in 1 sequence" in " ".join(score.notes) for score in everything.scores)


# VOT's own oddities are official, and noted.


def test_absent_frames_that_both_agree_on_are_noted_where_recall_may_exceed_1(make: Any) -> None:
    boxes, _ = truth()
    seen = np.arange(FRAMES) % 5 > 0
    seen[0] = True
    annotated = np.where(seen[:, None], boxes, np.nan)
    dataset = make.dataset(make.sequence("air", annotated, size=(200, 200)))
    confidence = np.where(seen, 1.0, 0.0)
    answer = {"air": [make.one_pass("air", annotated, protocol="longterm", confidence=confidence)]}
    values, notes = scores("vot-longterm", dataset, answer, "longterm")
    assert values["lt_recall"] > 1 and values["f_score"] > 1
    assert "absent frames without an answer counted as overlap 1" in notes
    assert f"can exceed 1: {int((~seen).sum())} frames in 1 sequence" in notes
    values, notes = scores(
        "vot-longterm", dataset, {"air": [make.one_pass("air", boxes, protocol="longterm")]}, "longterm"
    )
    assert values["lt_recall"] <= 1 and "absent" not in notes


def multistart(make: Any, frames: int, interval: tuple[int, int]) -> tuple[dict[str, Any], str]:
    boxes = np.tile([10.0, 20.0, 30.0, 40.0], (frames, 1))
    dataset = make.dataset(make.sequence("one", boxes, size=(100, 100)), vot=VotRules(eao_interval=interval))
    run = make.one_pass("one", boxes, protocol="multistart", anchor=0)
    assert run.states[0] == FrameState.INITIALIZED
    return scores("vot-multistart", dataset, {"one": [run]}, "multistart")


def test_there_is_no_eao_where_no_trajectory_reaches_its_interval(make: Any) -> None:
    values, notes = multistart(make, 50, (115, 755))
    assert (values["eao"], values["robustness"]) == (None, 1)
    assert notes == "no EAO: no trajectory reaches the lengths 115 to 754, over which EAO is the mean"


def test_lengths_that_count_as_zero_are_noted(make: Any) -> None:
    values, notes = multistart(make, 61, (11, 111))
    assert values["eao"] == pytest.approx(0.5)
    assert notes == (
        "no trajectory reaches 50 of the lengths 11 to 110, over which EAO is the mean; "
        "they count as 0, as the toolkit does"
    )
    values, notes = multistart(make, 111, (11, 111))
    assert (values["eao"], notes) == (pytest.approx(1), "")


@pytest.mark.parametrize("profile", ["vot-supervised", "vot-toolkit"])
def test_a_missing_eao_of_short_sequences_has_a_reason(make: Any, profile: str) -> None:
    boxes = np.tile([10.0, 20.0, 30.0, 40.0], (50, 1))
    dataset = make.dataset(make.sequence("one", boxes, size=(100, 100)), vot=VotRules(eao_interval=(100, 356)))
    runs = {"one": [make.one_pass("one", boxes, protocol="supervised")]}
    values, notes = scores(profile, dataset, runs, "supervised")
    assert values["eao"] is None
    assert notes == "no EAO: no trajectory reaches the lengths 100 to 356, over which EAO is the mean"


@pytest.mark.parametrize("profile", ["got10k", "pysot", "pytracking", "otb-matlab", "lasot-matlab", "trackingnet"])
def test_a_clip_with_one_box_does_not_contribute_its_first_frame(make: Any, profile: str) -> None:
    boxes, _ = truth()
    missed = boxes + 500
    one_box = np.where(np.arange(FRAMES)[:, None] == 0, boxes, np.nan)
    annotated, clip, other = make.sequence("walk", boxes), make.sequence("clip", one_box), make.sequence("run", one_box)
    alone = scores(profile, make.dataset(annotated), {"walk": [make.one_pass("walk", missed)]})
    runs = {name: [make.one_pass(name, missed)] for name in ("walk", "clip", "run")}
    values, notes = scores(profile, make.dataset(annotated, clip, other), runs)
    assert values == alone[0]
    assert notes.splitlines()[0] == "2 sequences left out, of which only the first frame is annotated: clip, run"
    found = profiles.score(profile, make.dataset(annotated, clip, other), "label", "one_pass", runs)
    assert {(score.sequences, score.expected_sequences) for score in found} == {(1, 3)}


def test_a_target_that_is_marked_as_absent_is_annotated(make: Any) -> None:
    boxes, _ = truth()
    hidden = np.arange(FRAMES) > 0
    gone = make.sequence("gone", np.where(hidden[:, None], np.nan, boxes), absent=hidden)
    dataset = make.dataset(make.sequence("walk", boxes), gone)
    runs = {name: [make.one_pass(name, boxes)] for name in ("walk", "gone")}
    assert "left out, of which" not in scores("lasot-matlab", dataset, runs)[1]


def test_clips_beside_annotated_ones_in_a_folder(data: Path, tmp_path: Path) -> None:
    case = data / "field" / "14-folder-unannotated-frames"
    shutil.copytree(case / "clips", tmp_path / "clips")
    shutil.copytree(case / "clips" / "walk", tmp_path / "clips" / "new")
    rows = (tmp_path / "clips" / "new" / "groundtruth.txt").read_text().splitlines()
    (tmp_path / "clips" / "new" / "groundtruth.txt").write_text(rows[0] + "\n")
    report = run("identity", "folder", data=tmp_path / "clips", results=tmp_path / "results")
    assert {score.sequences for score in report.scores} == {1}
    assert all(
        "1 sequence left out, of which only the first frame is annotated: new" in one.notes for one in report.scores
    )


def test_a_dataset_of_ones_own_without_a_family_is_told_which_experiments_are_used(make: Any) -> None:
    boxes, _ = truth()
    runs = {"walk": [make.one_pass("walk", boxes)]}
    for name, family, told in (("mine", None, True), ("mine", "uav", False), ("folder", None, False)):
        _, notes = scores("got10k", make.dataset(make.sequence("walk", boxes), name=name, family=family), runs)
        assert (
            "AO, SR50, SR75 and fps are those of ExperimentGOT10k, AUC and P those of ExperimentOTB" in notes
        ) == told
