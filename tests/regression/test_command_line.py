"""``evalkit regress`` and ``evalkit diff`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import cli, exit_code_of
from evalkit.types import Dataset

from .conftest import WriteSuite


def evalkit(*arguments: object) -> int:
    return exit_code_of(lambda: cli.main([str(one) for one in arguments], standalone_mode=False))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_from_the_first_baseline_to_an_accepted_change(
    squares: Dataset, write_suite: WriteSuite, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    suite = write_suite(settings={"speed": 2})
    assert evalkit("regress", suite) == 2
    assert "--update --reason" in capsys.readouterr().err
    assert evalkit("regress", suite, "--update") == 2
    assert evalkit("regress", suite, "--update", "--reason", "first") == 0
    assert evalkit("regress", suite, "--junit", "out.xml", "--markdown", "out.md") == 0
    assert (tmp_path / "out.xml").exists()
    assert (tmp_path / "out.md").exists()
    capsys.readouterr()
    worse = write_suite(settings={"changed_from": 10, "changed_speed": 0})
    assert evalkit("regress", worse) == 1
    text = capsys.readouterr().out
    assert "boxes differ from frame 10" in text
    assert "Sequences responsible" in text
    assert "--update --reason" in text.splitlines()[-1]
    assert evalkit("regress", worse, "--update", "--reason", "on purpose") == 0
    assert evalkit("regress", worse) == 0


def test_inconclusive_has_its_own_exit_code_unless_strict(
    squares: Dataset, write_suite: WriteSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = write_suite(settings={"speed": 2})
    assert evalkit("regress", suite, "--update", "--reason", "first") == 0
    other = write_suite("other", settings={"speed": 2})
    other.write_text(other.read_text() + '[[tracker]]\nname = "identity"\n')
    assert evalkit("regress", other) == 3
    assert evalkit("regress", other, "--strict") == 1
    capsys.readouterr()
    assert evalkit("regress", other, "--format", "json") == 3
    records = json.loads(capsys.readouterr().out)["records"]
    assert {one["verdict"] for one in records if one["tracker"] == "toy"} == {"pass"}
    first, *values = [one for one in records if one["tracker"] == "identity"]
    assert first["verdict"] == "inconclusive"
    assert [(one["quantity"], one["verdict"], one["baseline"]) for one in values] == [("auc", "skipped", None)]
    assert 0 < values[0]["now"] < 1
    assert {one["suite"] for one in records} == {"other"}


def test_a_damaged_baseline_exits_with_2_and_is_unchanged(
    squares: Dataset, write_suite: WriteSuite, tmp_path: Path
) -> None:
    suite = write_suite(settings={"speed": 2})
    (tmp_path / "baseline.json").write_text('{"version": 1, "tra')
    assert evalkit("regress", suite) == 2
    assert evalkit("regress", suite, "--update", "--reason", "try") == 2
    assert (tmp_path / "baseline.json").read_text() == '{"version": 1, "tra'


def test_diff_names_the_frame_and_exits_with_1_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run, last in (("a", 3.0), ("b", 3.5)):
        (tmp_path / run).mkdir()
        (tmp_path / run / "square.txt").write_text(f"1,1,9,9\n2,1,9,9\n{last},1,9,9\n")
    assert evalkit("diff", "a", "b") == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("square"))
    assert row.split() == ["square", "3", "3", "1", "0.5", "0.5", "3", "0.895"]
    assert evalkit("diff", "a", "b", "--exit-code") == 1
    assert evalkit("diff", "a", "a", "--exit-code") == 0
    assert evalkit("diff", "a", "b", "--exit-code", "--tolerance", "1") == 0
    assert evalkit("diff", "a", "nowhere") == 2
