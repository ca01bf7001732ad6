"""What commands show while one waits: a live line on a terminal, plain lines at a low rate elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import evalkit
from evalkit import score_report
from evalkit.cli import progress as shown
from evalkit.cli.progress import Display
from evalkit.comparison import collect
from evalkit.errors import EvalkitError
from evalkit.metrics import statistics
from evalkit.progress import Step, announce, each, listening, tell
from evalkit.types import Dataset

CLIPS = 3


@pytest.fixture(autouse=True)
def _shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(shown.VARIABLE, raising=False)


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    """Results of two trackers on the dataset ``tiny``; those of ``short`` lack a row in every sequence."""
    for label in ("long", "short"):
        folder = tmp_path / "results" / "tiny" / label
        folder.mkdir(parents=True)
        for sequence in tiny.sequences:
            rows = len(sequence) - (label == "short")
            (folder / f"{sequence.name}.txt").write_text("1,2,16,12\n" * rows)
    return tmp_path / "results"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of annotated clips with results of two trackers, for commands in processes of their own."""
    for number in range(CLIPS):
        clip = tmp_path / "clips" / f"s{number}"
        clip.mkdir(parents=True)
        (clip / "groundtruth.txt").write_text("3,4,8,6\n" * 6)
        for label in ("one", "two"):
            folder = tmp_path / "results" / "clips" / label
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"s{number}.txt").write_text("3,4,8,6\n" * 6)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "evalkit", *arguments]


SCORE = ("score", "--dataset", "folder", "--data", "clips", "--format", "json")


def test_nobody_has_to_listen() -> None:
    tell("working")
    assert list(each("ab", "working")) == ["a", "b"]


def test_a_listener_hears_each_tracker_that_is_read_and_scored(results: Path) -> None:
    steps: list[Step] = []
    with evalkit.listening(steps.append):
        evalkit.score("tiny", results=results, trackers="long")
    evalkit.score("tiny", results=results, trackers="long")
    assert [str(step) for step in steps] == ["tiny: opening", "tiny: reading long", "tiny: scoring long"]


def test_a_listener_is_called_by_its_own_context_only() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with listening(lambda step: outer.append(step.text)):
        with listening(lambda step: inner.append(step.text)):
            tell("inside")
        tell("outside")
    assert (outer, inner) == (["outside"], ["inside"])


@pytest.mark.parametrize("command_name", ["score", "compare"])
def test_results_that_cannot_be_used_are_named_before_intervals_are_computed(
    results: Path, monkeypatch: pytest.MonkeyPatch, command_name: str
) -> None:
    def too_early(*_: object, **__: object) -> None:
        raise AssertionError("an interval was computed before all results were checked")

    monkeypatch.setattr(statistics, "interval", too_early)
    scored: Callable[..., object] = score_report.scores if command_name == "score" else _compare
    with pytest.raises(EvalkitError, match=r"tiny/short: 3 results .* or the tracker with --except short"):
        scored("tiny", results=results)


def _compare(dataset: str, **more: object) -> object:
    return collect(None, dataset, **more)  # type: ignore[arg-type]


def test_a_log_gets_few_lines_and_the_present_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shown, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(shown, "LOG_SECONDS", 0.2)
    with Display("loading") as display:
        time.sleep(0.15)
        for number in range(1000):
            display(Step("reading", number, 1000))
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["loading", "reading (1000 of 1000)"]


def test_a_command_that_ends_soon_prints_nothing_to_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with Display("loading") as display:
        display(Step("reading"))
    assert capsys.readouterr().err == ""


def test_nothing_is_printed_by_another_thread_while_times_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shown, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(shown, "LOG_SECONDS", 0.01)
    threads: list[str] = []
    printed = shown._Log.line
    monkeypatch.setattr(
        shown._Log, "line", lambda log, text: (threads.append(threading.current_thread().name), printed(log, text))
    )
    with Display("loading") as display:
        display(Step("timing", 0, 20, timed=True))
        time.sleep(0.05)
        threads.clear()
        for number in range(20):
            time.sleep(0.02)
            display(Step("timing", number, 20, timed=True))
        assert threads
        assert set(threads) == {threading.main_thread().name}
        display(Step("writing"))
        time.sleep(0.2)
    assert capsys.readouterr().err.splitlines()[-1] == "writing"


def test_the_numbers_of_a_step_are_in_its_text() -> None:
    assert str(Step("reading", 1, 8)) == "reading (2 of 8)"
    assert str(Step("reading", 8, 8)) == "reading (8 of 8)"
    assert str(Step("reading", 0, 1)) == "reading"


def test_progress_does_not_disturb_standard_output(place: Path) -> None:
    answer = subprocess.run(command(*SCORE), cwd=place, capture_output=True, text=True, timeout=120, check=True)
    assert {one["tracker"] for one in json.loads(answer.stdout)["records"]} == {"one", "two"}


@pytest.mark.skipif(os.name == "nt", reason="a POSIX terminal")
def test_a_terminal_shows_a_live_line_that_is_removed_at_the_end(place: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*SCORE), cwd=place, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        seen = _read_terminal(ours)
        output = process.stdout.read() if process.stdout else b""
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(output)["records"]
    assert b"loading" in seen
    assert b"\x1b[2K" in seen, "the line is erased"
    assert seen.rstrip().endswith((b"\x1b[2K", b"\x1b[?25h")), "nothing is left of it"


def _read_terminal(descriptor: int) -> bytes:
    """Return everything that is written to a terminal until the other end is closed."""
    seen = b""
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # Linux reports the closed end as an error
            return seen
        if not part:
            return seen
        seen += part


def test_a_message_that_stays_is_printed_at_once_and_a_step_after_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shown, "LOG_SECONDS", 0.1)
    with Display("loading", at_once=True):
        time.sleep(0.05)
        announce("this takes a minute")
        tell("compiling")
        time.sleep(0.3)
    assert capsys.readouterr().err.splitlines() == ["loading", "this takes a minute", "compiling"]


def test_progress_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EVALKIT_PROGRESS", "off")
    monkeypatch.setattr(shown, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(shown, "LOG_SECONDS", 0.01)
    with Display("loading", at_once=True) as display:
        display(Step("this takes a minute", stays=True))
        display(Step("timing", timed=True))
        time.sleep(0.1)
        display(Step("reading"))
        display.line("this stays")
    assert capsys.readouterr().err == "this stays\n"
