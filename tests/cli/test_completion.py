"""What the shell completes, asked as the shell asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from evalkit.cli import cli, completers, main


def completed(*typed: str) -> list[str]:
    """What a shell offers for the last word."""
    *before, incomplete = typed
    found = ShellComplete(cli, {}, "evalkit", "_EVALKIT_COMPLETE").get_completions(list(before), incomplete)
    return [one.value for one in found]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["sc"], ["score"]),
        (["run", "--trac"], ["--tracker"]),
        (["run", "--tracker", "lighttrack-"], ["lighttrack-m"]),
        (["run", "--tracker", "mosse", "--tracker", "nanotrack-v1"], ["nanotrack-v1"]),
        (["run", "--dataset", "vot2018-"], ["vot2018-lt"]),
        (["run", "--protocol", "one"], ["one-pass"]),
        (["run", "--runtime", "open"], ["openvino"]),
        (["run", "--precision", "b"], ["bf16"]),
        (["score", "--profile", "vot-t"], ["vot-toolkit"]),
        (["score", "--profile", "al"], ["all"]),
        (["export", "--tracker", "oce"], ["ocean"]),
        (["import", "theirs", "--layout", "pyt"], ["pytracking"]),
        (["convert", "--to", "otb-j"], ["otb-json"]),
        (["data", "check", "lasot-e"], ["lasot-ext"]),
        (["weights", "fetch", "lighttrack"], ["lighttrack-m"]),
        (["completion", "z"], ["zsh"]),
        (["run", "--tracker", "zzz"], []),
    ],
)
def test_names_are_completed(typed: list[str], offered: list[str]) -> None:
    assert completed(*typed) == offered


def test_labels_are_those_that_have_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "OTB100" / "mine").mkdir(parents=True)
    (tmp_path / "results" / "OTB100" / "usual").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert completed("score", "--dataset", "otb100", "--tracker", "") == ["usual"]
    assert completed("score", "--results", "here", "--tracker", "m") == ["mine"]


def test_a_path_is_left_to_the_shell() -> None:
    found = completers.trackers(click.Context(cli), click.Option(["--tracker"]), "./my/fi")
    assert [(one.value, one.type) for one in found] == [("./my/fi", "file")]


def test_what_goes_wrong_leaves_the_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalkit import registry

    def broken() -> None:
        raise RuntimeError("a package of somebody")

    monkeypatch.setattr(registry.tracker, "entries", broken)
    assert completed("run", "--tracker", "m") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_evalkit(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["completion", shell])
    assert end.value.code == 0
    assert f"_EVALKIT_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_bash_is_answered_by_the_protocol_of_its_script() -> None:
    asked = {"_EVALKIT_COMPLETE": "bash_complete", "COMP_WORDS": "evalkit run --tracker mos", "COMP_CWORD": "3"}
    answer = subprocess.run(
        [sys.executable, "-m", "evalkit"], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines() == ["plain,mosse"]
    assert answer.stderr == ""
