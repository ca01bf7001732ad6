"""Every reason for which stored results cannot be scored comes from ``evalkit.stored``, once, for all commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import registry, score_report, stored
from evalkit.api import replay, run
from evalkit.comparison import collect
from evalkit.errors import (
    EvalkitError,
    MissingResults,
    OtherDatasetVersion,
    UnknownName,
    WithheldGroundtruth,
)
from evalkit.registry import DatasetEntry
from evalkit.types import Annotation, Dataset, Sequence


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    """Results of identity on ``tiny`` under two labels."""
    folder = tmp_path / "results"
    for label in ("one", "two"):
        run("identity", "tiny", results=folder, name=label)
    return folder


def first_row_only(sequence: Sequence) -> Sequence:
    """The same sequence, of which only the first frame is annotated."""
    boxes = sequence.groundtruth.copy()
    boxes[1:] = np.nan
    return replace(sequence, read=lambda: Annotation(boxes))


def withheld(dataset: Dataset, family: str | None) -> DatasetEntry:
    hidden = replace(dataset, family=family, sequences=tuple(map(first_row_only, dataset.sequences)))
    return DatasetEntry("tiny", lambda: hidden, "")


def set_version(results: Path, label: str, version: str) -> None:
    path = results / "tiny" / label / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["identity"]["dataset_version"] = version
    path.write_text(json.dumps(record), encoding="utf-8")


def test_withheld_groundtruth_gives_no_score_anywhere(tiny: Dataset, results: Path) -> None:
    with registry.dataset.temporarily(withheld(tiny, "got10k")):
        with pytest.raises(WithheldGroundtruth, match=r"only the benchmark's server.*evalkit pack --dataset tiny"):
            score_report.scores("tiny", results=results)
        found = collect(None, "tiny", results=results, replay=["a"])
    assert found.scores == ()
    assert "only the benchmark's server" in found.unscored["tiny"]
    assert {cost.quantity for cost in found.costs} >= {"fps"}
    assert (found.replay, sorted(label for _, label in found.runs)) == (("a",), ["one", "two"])


def test_a_clip_of_one_s_own_is_not_sent_to_a_server(tiny: Dataset, results: Path) -> None:
    with registry.dataset.temporarily(withheld(tiny, None)):
        with pytest.raises(WithheldGroundtruth, match="only the first frame is annotated") as caught:
            score_report.scores("tiny", results=results)
        assert "server" not in str(caught.value)
        report = run("identity", "tiny", results=results, name="one")
    assert report.scores == ()
    assert any("only the first frame is annotated" in notice for notice in report.notices)


def test_results_of_another_dataset_version_are_refused_by_score_and_report(results: Path) -> None:
    set_version(results, "one", "0-other")
    for command in (score_report.scores, lambda name, **more: collect(None, name, **more)):
        with pytest.raises(OtherDatasetVersion, match=r"tiny/one: .*another version.*found 0-other.*--except one"):
            command("tiny", results=results, allow_partial=True)
    assert {score.tracker for score in score_report.scores("tiny", results=results, exclude="one").scores} == {"two"}


def test_what_is_missing_or_damaged_of_all_trackers_is_listed_at_once(results: Path) -> None:
    (results / "tiny" / "one" / "a.txt").unlink()
    (results / "tiny" / "two" / "b.txt").unlink()
    (results / "tiny" / "two" / "c.txt").unlink()
    for command in (score_report.scores, lambda name, **more: collect(None, name, **more)):
        with pytest.raises(MissingResults, match=r"stored results cannot be used, for 2 reasons") as caught:
            command("tiny", results=results)
        assert "tiny/one: 1 of 3 sequences have no result. Missing: a" in str(caught.value)
        assert "tiny/two: 2 of 3 sequences have no result. Missing: b, c" in str(caught.value)


def test_a_partial_result_leaves_out_exactly_what_is_missing_or_damaged_and_names_it(results: Path) -> None:
    (results / "tiny" / "one" / "a.txt").unlink()
    (results / "tiny" / "one" / "b.txt").write_text("1,2,x,4\n")
    with pytest.raises(EvalkitError, match=r"one/b\.txt"):
        score_report.scores("tiny", results=results, trackers="one")
    found = score_report.scores("tiny", results=results, allow_partial=True)
    assert {(score.tracker, score.sequences, score.expected_sequences) for score in found.scores} == {
        ("one", 1, 3), ("two", 3, 3),
    }  # fmt: skip
    assert "tiny/one: left out, no result: a" in found.notices
    assert "tiny/one: left out, damaged result: b" in found.notices


COMMANDS = [score_report.scores, lambda name, **more: collect(None, name, **more)]


def set_rows(path: Path, lines: list[str]) -> None:
    """Rewrite a result as another toolkit does, without times and confidences."""
    (path.parent / "times" / f"{path.stem}_time.txt").unlink()
    (path.parent / "confidence" / path.name).unlink()
    path.write_text("".join(lines), encoding="utf-8")


def rows(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_numbers_of_rows_and_other_damage_of_all_trackers_are_in_one_error(
    results: Path, command: Callable[..., Any]
) -> None:
    one, two = results / "tiny" / "one", results / "tiny" / "two"
    set_rows(one / "a.txt", rows(one / "a.txt")[:-1])
    set_rows(one / "b.txt", [])
    (two / "a.txt").unlink()
    set_rows(two / "c.txt", rows(two / "c.txt")[1:])
    with pytest.raises(EvalkitError) as caught:
        command("tiny", results=results)
    count = len(rows(one / "c.txt"))  # b has one row less, and a two
    text = str(caught.value)
    assert "stored results cannot be used, for 3 reasons" in text
    assert (
        f"tiny/one: 2 results do not have as many rows as the annotation (found a: {count - 3} of {count - 2}" in text
    )
    assert f"b: 0 of {count - 1} rows" in text
    assert "tiny/two: 1 of 3 sequences have no result. Missing: a" in text
    assert f"tiny/two: 1 result does not have as many rows as the annotation (found c: {count - 1} of" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_partial_results_leave_out_exactly_the_sequences_of_the_tracker_that_cannot_be_scored(
    results: Path, command: Callable[..., Any]
) -> None:
    one = results / "tiny" / "one"
    count = len(rows(one / "a.txt"))
    set_rows(one / "a.txt", rows(one / "a.txt")[:-1])
    set_rows(one / "b.txt", [])
    found = command("tiny", results=results, allow_partial=True)
    assert {(score.tracker, score.sequences) for score in found.scores} == {("one", 1), ("two", 3)}
    assert (
        f"tiny/one: left out, not scored: a ({count - 1} of {count} rows), b (0 of {count + 1} rows)" in found.notices
    )


@pytest.mark.parametrize("damage", ["all files", "run.json", "all rows"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_tracker_without_any_usable_result_does_not_stop_the_others(
    results: Path, command: Callable[..., Any], damage: str
) -> None:
    for path in (results / "tiny" / "one").glob("*.txt"):
        if damage != "run.json":
            set_rows(path, ["1,2,x,4\n"] if damage == "all files" else [])
    if damage == "run.json":
        (results / "tiny" / "one" / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(EvalkitError, match="one"):
        command("tiny", results=results)
    found = command("tiny", results=results, allow_partial=True)
    assert {(score.tracker, score.sequences) for score in found.scores} == {("two", 3)}
    assert any("one" in notice and "left out" in notice for notice in found.notices)
    with pytest.raises(EvalkitError):
        command("tiny", results=results, allow_partial=True, exclude="two")


def test_every_profile_leaves_out_what_it_does_not_score(results: Path) -> None:
    one = results / "tiny" / "one"
    set_rows(one / "a.txt", [*rows(one / "a.txt"), "1,2,3,4\n"])
    found = score_report.scores("tiny", results=results, trackers="one", profiles="all", allow_partial=True)
    counts = {score.profile: score.sequences for score in found.scores}
    assert (counts["otb-matlab"], counts["got10k"]) == (3, 2)
    assert any("got10k: tiny/one: left out, not scored: a (" in notice for notice in found.notices)


def test_a_metric_next_to_the_official_ones_that_cannot_be_computed_stops_no_report(results: Path) -> None:
    one = results / "tiny" / "one"
    set_rows(one / "a.txt", [*rows(one / "a.txt"), "1,2,3,4\n"])
    found = collect(None, "tiny", results=results)
    assert {(score.profile, score.sequences) for score in found.scores if score.tracker == "one"} == {("otb-matlab", 3)}
    assert any("tiny/one: no ao: got10k: " in notice for notice in found.notices)


def test_a_folder_without_results_is_passed_over_with_one_note_unless_it_is_named(results: Path) -> None:
    (results / "tiny" / "plots").mkdir()
    (results / "tiny" / "plots" / "curve.png").touch()
    found = score_report.scores("tiny", results=results)
    assert {score.tracker for score in found.scores} == {"one", "two"}
    assert "tiny: passed over, no results: plots" in found.notices
    assert "tiny: plots skipped, there are no results" in collect(None, "tiny", results=results).notices
    with pytest.raises(MissingResults, match="no results under the one_pass protocol"):
        score_report.scores("tiny", results=results, trackers="plots")


def test_requested_sequences_are_found_in_any_spelling_and_counted(results: Path) -> None:
    found = score_report.scores("tiny", results=results, trackers="one", sequences=["A", "c"])
    assert {(score.sequences, score.expected_sequences) for score in found.scores} == {(2, 3)}
    assert not any("left out" in notice for notice in found.notices)
    assert collect("one", "tiny", results=results, sequences=["B"], replay=["A"]).replay == ("a",)
    with pytest.raises(UnknownName, match="tiny/z: no such sequence"):
        score_report.scores("tiny", results=results, sequences=["z"])


def test_run_score_replay_and_report_accept_the_same_spelling(tmp_path: Path) -> None:
    run("identity", "synthetic", results=tmp_path, sequences=["Low_Resolution"])
    (score, *_) = score_report.scores("synthetic", results=tmp_path, sequences=["LOW.resolution"]).scores
    assert list(score.per_sequence) == ["low-resolution"]
    found = collect(None, "synthetic", results=tmp_path, sequences=["Low_Resolution"], replay=["Low_Resolution"])
    assert found.replay == ("low-resolution",)
    replay(None, "synthetic", "Low_Resolution", tmp_path / "a.gif", results=tmp_path, width=64)
    assert (tmp_path / "a.gif").stat().st_size > 0


def test_of_names_that_differ_only_in_case_the_one_that_was_asked_for_is_tracked(tmp_path: Path) -> None:
    annotations = tmp_path / "TrackingNet" / "TRAIN_0" / "anno"
    annotations.mkdir(parents=True)
    for name, x in (("aBcDEfGhIjk_0", 1), ("abcdefghijk_0", 50)):
        (annotations / f"{name}.txt").write_text(f"{x},2,3,4\n" * 3)
        frames = tmp_path / "TrackingNet" / "TRAIN_0" / "frames" / name
        frames.mkdir(parents=True)
        for number in range(3):
            shutil.copy(_picture(tmp_path), frames / f"{number}.jpg")
    report = run(
        "identity", "trackingnet-train", data=tmp_path, results=tmp_path / "results", sequences=["aBcDEfGhIjk_0"]
    )
    assert [outcome.unit.sequence for outcome in report.outcomes] == ["aBcDEfGhIjk_0"]
    with pytest.raises(UnknownName):
        run("identity", "trackingnet-train", data=tmp_path, results=tmp_path / "r", sequences=["ABCDEFGHIJK_0"])


def _picture(folder: Path) -> Path:
    import cv2

    path = folder / "picture.jpg"
    if not path.exists():
        cv2.imwrite(str(path), np.zeros((20, 30, 3), dtype=np.uint8))
    return path


def test_excluding_an_unknown_label_is_an_error(results: Path) -> None:
    with pytest.raises(UnknownName, match=r"--except onee.*Did you mean 'one'"):
        score_report.scores("tiny", results=results, exclude="onee")
    with pytest.raises(MissingResults, match="no tracker is left"):
        score_report.scores("tiny", results=results, exclude=["one", "two"])


def test_a_run_says_what_is_wrong_with_it_without_raising(tiny: Dataset, results: Path) -> None:
    found = stored.load_run(results, tiny, "nobody")
    assert (found.empty, found.missing, found.imported) == (True, ("a", "b", "c"), True)
    assert isinstance(found.problem(), MissingResults)
    (results / "tiny" / "one" / "run.json").write_text("{")
    damaged = stored.load_run(results, tiny, "one")
    assert "damaged" in str(damaged.problem(allow_partial=True))
