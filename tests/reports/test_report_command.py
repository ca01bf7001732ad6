"""``evalkit report`` from result folders, by the command line and from Python."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from moving_square import moving_square

from evalkit import api
from evalkit.cli import cli
from evalkit.comparison import collect
from evalkit.errors import EvalkitError, OtherDatasetVersion
from evalkit.types import Dataset


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    """Results of identity, and a copy of them without a run record, as other toolkits write them."""
    folder = tmp_path / "results"
    api.run(["identity"], ["tiny"], results=folder)
    shutil.copytree(folder / "tiny" / "identity", folder / "tiny" / "theirs", ignore=shutil.ignore_patterns("run.json"))
    return folder


def report(results: Path, output: Path, *options: str) -> str:
    arguments = ["report", "--dataset", "tiny", "--results", str(results), "--output", str(output), *options]
    answer = CliRunner().invoke(cli, arguments, catch_exceptions=True)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    return answer.output


@pytest.mark.parametrize("suffix", ["html", "md", "tex", "csv", "xlsx", "json"])
def test_the_suffix_of_the_output_selects_the_format(results: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / "deep" / f"report.{suffix}"
    assert str(output) in report(results, output)
    assert output.stat().st_size > 500


def test_imported_results_are_scored_like_those_of_evalkit(results: Path) -> None:
    found = collect(None, ["tiny"], results=results)
    ours, theirs = ([score.value for score in found.scores if score.tracker == one] for one in ("identity", "theirs"))
    assert ours == theirs
    assert ("tiny", "theirs") not in found.records
    assert found.differences["tiny"]["identity", "theirs"].value == 0.0
    assert "tiny: theirs found, all 3 sequences, imported" in found.notices


def test_a_notice_names_a_tracker_without_results_on_a_benchmark(results: Path) -> None:
    found = collect(["identity", "lighttrack-m"], ["tiny"], results=results)
    assert "tiny: lighttrack-m skipped, there are no results" in found.notices


def test_missing_sequences_are_an_error_unless_allowed(results: Path) -> None:
    (results / "tiny" / "theirs" / "b.txt").unlink()
    with pytest.raises(EvalkitError, match="1 of 3 sequences have no result"):
        collect(["theirs"], ["tiny"], results=results)
    found = collect(["theirs"], ["tiny"], results=results, allow_partial=True)
    assert {score.sequences for score in found.scores if score.attribute is None} == {2}


def test_differences_to_published_numbers_need_all_sequences(results: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.md"
    report(results, output, "--tracker", "identity", "--tracker", "ocean")
    assert "ocean \\(published\\)" not in output.read_text(encoding="utf-8")
    assert "ocean (published)" in output.read_text(encoding="utf-8")


def test_costs_come_from_the_json_of_evalkit_profile(results: Path, tmp_path: Path) -> None:
    record = {"tracker": "identity", "quantity": "macs", "convention": "conv", "value": 5e8, "unit": "MAC"}
    path = tmp_path / "costs.json"
    path.write_text(json.dumps({"version": 1, "records": [record]}), encoding="utf-8")
    output = tmp_path / "report.md"
    report(results, output, "--costs", str(path))
    assert "500.00" in output.read_text(encoding="utf-8")
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(EvalkitError, match="not a file of costs written by"):
        collect(None, ["tiny"], results=results, costs=[path])


def test_times_become_frames_per_second_and_percentiles(results: Path) -> None:
    quantities = {cost.quantity for cost in collect(None, ["tiny"], results=results).costs}
    assert quantities >= {"fps", "latency_p50", "latency_p90", "latency_p99", "initialize_p50"}


def test_a_pool_of_processes_finds_the_same(data: Path) -> None:
    arguments = {"data": data / "annotations", "results": data / "results"}
    alone = collect(["CSK"], ["otb100"], **arguments)  # type: ignore[arg-type]
    many = collect(["CSK", "Struck", "TLD"], ["otb100", "otb50"], **arguments, allow_partial=True, jobs=2)  # type: ignore[arg-type]
    wanted = [(score.metric, score.attribute, score.value, score.low) for score in alone.scores]
    assert [
        (score.metric, score.attribute, score.value, score.low)
        for score in many.scores
        if score.tracker == "CSK" and score.dataset == "otb100"
    ] == wanted


def test_results_made_on_another_version_of_the_dataset_are_refused_with_the_reason(results: Path) -> None:
    path = results / "tiny" / "identity" / "run.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["identity"]["dataset_version"] = "0"
    path.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(OtherDatasetVersion, match=r"tiny/identity: .* \(found 0, expected 1\).*--except identity"):
        collect(["identity", "theirs"], ["tiny"], results=results)
    found = collect(["identity", "theirs"], ["tiny"], results=results, exclude="identity")
    assert {score.tracker for score in found.scores} == {"theirs"}


def test_a_video_with_one_box_has_no_score_in_any_format(tmp_path: Path) -> None:
    sequence = moving_square(length=8)
    clip = tmp_path / "clips" / "mine"
    clip.mkdir(parents=True)
    assert sequence.frames is not None
    for number in range(8):
        cv2.imwrite(str(clip / f"{number + 1:04d}.png"), sequence.frames[number])
    np.savetxt(clip / "groundtruth.txt", sequence.groundtruth[:1], delimiter=",")
    folder = tmp_path / "results"
    api.run(["identity", "mosse"], ["folder"], data=tmp_path / "clips", results=folder)
    arguments = ["report", "--dataset", "folder", "--data", str(tmp_path / "clips"), "--results", str(folder)]
    for suffix in ("md", "json", "html"):
        output = tmp_path / f"report.{suffix}"
        answer = CliRunner().invoke(cli, [*arguments, "--replay", "mine", "--output", str(output)])
        assert answer.exit_code == 0, answer.output
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.count("No scores: only the first frame is annotated") == 1
    assert "Agreement between trackers" in text
    assert "(published)" not in text
    assert not re.search(r"AUC|P\\_norm|Mean overlap:", text)
    rows = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["records"]
    assert {row["quantity"] for row in rows} >= {"fps", "latency_p50"}
    assert all("metric" not in row for row in rows)
