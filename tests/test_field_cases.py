"""Situations that people met with other tools, with the commands that they typed; other modules test further ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evalkit.api import render_data
from evalkit.cli.data import data_command
from evalkit.cli.import_ import import_command
from evalkit.cli.pack import pack_command
from evalkit.cli.report import report_command
from evalkit.cli.run import run_command
from evalkit.cli.score import score_command
from evalkit.errors import EvalkitError


@pytest.fixture
def case(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A copy of a case's folder, which is the current folder."""
    (name,) = [path for path in (data / "field").iterdir() if path.name.startswith(request.param)]
    folder = shutil.copytree(name, tmp_path / "case")
    monkeypatch.chdir(folder)
    return folder


def invoke(command: object, *words: object) -> Result:
    """Run a command in this process; an ``EvalkitError`` is the exception of its result."""
    return CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)  # type: ignore[arg-type]


def message(result: Result) -> str:
    assert isinstance(result.exception, EvalkitError), result.output
    return str(result.exception)


@pytest.mark.parametrize("case", ["03-"], indirect=True)
def test_archives_that_trackingnet_s_devkit_was_run_on(case: Path) -> None:
    render_data("trackingnet", case / "tn", sequences=["scale", "blur"])
    found = {
        path.stem: invoke(pack_command, "--dataset", "trackingnet-test", "--data", "tn", "--check", path.name)
        for path in sorted(case.glob("*.zip"))
    }
    assert [name for name, result in found.items() if result.return_value] == ["duplicate_in_subfolder"]
    assert set(found) == {"comma_space", "dsstore", "duplicate_in_subfolder", "flat", "two_folders"}
    assert "2 members, the server takes the sequence for empty" in found["duplicate_in_subfolder"].output


@pytest.mark.parametrize("case", ["04-"], indirect=True)
@pytest.mark.parametrize(("answers", "noted"), [("zero_code", 1), ("zero_box", 1), ("nan", 1), ("box", 0)])
def test_a_long_term_recall_above_1_has_a_note(case: Path, answers: str, noted: int) -> None:
    given = ("--dataset", "vot2018-lt", "--data", "data", "--results", "results")
    assert invoke(import_command, f"published/{answers}", "--layout", "vot", *given).exception is None
    output = invoke(score_command, *given, "--profile", "vot-longterm").output
    f_score, recall = re.search(rf"{answers} +(\S+) +\S+ +(\S+)", output).groups()  # type: ignore[union-attr]
    assert (f_score, recall) == (("1.101", "1.225") if noted else ("0.876", "0.975"))
    assert output.count("recall and F-score can exceed 1: 10 frames in 1 sequence") == noted


@pytest.mark.parametrize("case", ["05-"], indirect=True)
def test_an_edited_tracker_is_not_answered_with_its_former_scores(case: Path) -> None:
    source = case / "mine.py"
    written = source.read_text(encoding="utf-8")
    source.write_text(re.sub("STEP = .*", "STEP = 0", written), encoding="utf-8")
    first = invoke(run_command, "--tracker", "mine.py:T", "--sequences", "scale")
    assert first.return_value == 0
    stored = (case / "results" / "synthetic" / "T" / "scale.txt").read_bytes()
    source.write_text(re.sub("STEP = .*", "STEP = 5", written), encoding="utf-8")
    for sequences in ("scale", "scale,blur"):
        refused = invoke(run_command, "--tracker", "mine.py:T", "--sequences", sequences)
        assert "mine.py changed after these results were made" in message(refused)
        assert "--name" in message(refused) and "--force" in message(refused)
        assert "AUC" not in refused.output
    assert [path.name for path in (case / "results" / "synthetic" / "T").glob("*.txt")] == ["scale.txt"]
    forced = invoke(run_command, "--tracker", "mine.py:T", "--sequences", "scale,blur", "--force")
    assert forced.return_value == 0
    assert (case / "results" / "synthetic" / "T" / "scale.txt").read_bytes() != stored


@pytest.mark.parametrize("case", ["07-"], indirect=True)
def test_a_short_result_of_one_tracker_leaves_out_this_sequence_of_this_tracker(case: Path, data: Path) -> None:
    for tracker in ("CSK", "Struck", "TLD"):
        shutil.copytree(data / "results" / "OTB100" / tracker, case / "results" / "OTB100" / tracker)
    short = case / "results" / "OTB100" / "TLD" / "Couple.txt"
    short.write_text("".join(short.read_text().splitlines(keepends=True)[:-1]))
    (case / "results" / "OTB100" / "Struck" / "Basketball.txt").write_text("")
    given = ("--dataset", "otb100", "--data", data / "annotations" / "OTB100", "--results", "results")
    text = message(invoke(score_command, *given))
    assert "otb100/Struck: 1 result does not have as many rows" in text and "Basketball: 0 of 725 rows" in text
    assert "otb100/TLD: 1 result does not have as many rows" in text and "Couple: 139 of 140 rows" in text
    partial = invoke(score_command, *given, "--allow-partial")
    assert partial.exception is None, partial.exception
    output = partial.output
    assert re.search(r"CSK .*100 of 100\n", output)
    for tracker, left_out in (("Struck", r"Basketball \(0 of 725 rows\)"), ("TLD", r"Couple \(139 of 140 rows\)")):
        assert re.search(rf"{tracker} .* 99 of 100\n", output)
        assert re.search(rf"otb100/{tracker}: left out, not scored: {left_out}\n", output)
    written = invoke(report_command, *given, "--allow-partial", "--output", "report.md")
    assert written.exception is None and (case / "report.md").is_file()


@pytest.mark.parametrize("case", ["13-"], indirect=True)
@pytest.mark.parametrize(
    ("layout", "dataset", "frames", "name"),
    [("vot", "vot2018", "blur/color", "blur"), ("lasot", "lasot", "blur/blur-1/img", "blur-1")],
)
def test_frames_that_did_not_arrive_are_a_finding(
    case: Path, layout: str, dataset: str, frames: str, name: str
) -> None:
    render_data(layout, case / "d", sequences=["scale", "blur"])
    shutil.rmtree(case / "d" / frames)
    for words in ((), ("--deep",)):
        result = invoke(data_command, "check", dataset, "--data", "d", *words)
        assert result.return_value == 1
        assert re.search(rf"^missing +{name}: its frames are not here$", result.output, re.MULTILINE)
    if layout == "vot":
        failed = invoke(run_command, "--tracker", "identity", "--dataset", dataset, "--data", "d", "--results", "r")
        assert failed.return_value == 1
        assert "blur: there are no frames, only the annotation" in failed.output


@pytest.mark.parametrize("case", ["13-"], indirect=True)
def test_a_tree_without_any_frames_is_one_line(case: Path) -> None:
    render_data("trackingnet", case / "TN", sequences=["scale", "blur"])
    shutil.rmtree(case / "TN" / "TRAIN_0" / "frames")
    result = invoke(data_command, "check", "trackingnet-train", "--data", "TN")
    assert result.return_value == 0
    assert "no sequence has frames here, only annotations" in result.output
