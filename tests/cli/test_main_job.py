"""`evalkit run` and `evalkit score` as a person meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from moving_square import moving_square, tiny_dataset

from evalkit.cli import cli, main
from evalkit.types import Dataset

TRACKER = '''
import numpy as np
from evalkit.types import Box, Prediction

class Right:
    """Moves two pixels to the right a frame, as the square does."""
    card = {"hyperparameters": {"step": 2}}
    def initialize(self, image, region):
        self.box = region
        self.frames = 0
    def update(self, image):
        self.frames += 1
        self.box = Box(self.box.x + 2, self.box.y, self.box.width, self.box.height)
        return Prediction(self.box)

class Chatty(Right):
    """Prints: itself, by a library below Python, and by another process."""
    def update(self, image):
        import os
        import subprocess
        import sys
        print("from Python")
        os.write(1, b"from below\\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        return super().update(image)

class Leaving(Right):
    """Changes the working folder, as some trackers do to find their files."""
    def __init__(self):
        import os
        os.chdir("/")
    def initialize(self, image, region):
        import os
        os.chdir("/")
        super().initialize(image, region)

class Fragile(Right):
    """Fails on sequences of more than six frames."""
    def update(self, image):
        if self.frames == 5:
            raise RuntimeError("out of luck")
        return super().update(image)
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TRACKER)
    return path


def evalkit(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


def records(text: str) -> list[dict[str, object]]:
    content = json.loads(text)
    assert content["version"] == 1
    return list(content["records"])


@pytest.mark.usefixtures("tiny")
def test_a_run_tracks_stores_and_prints_the_table(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evalkit("run", "--tracker", f"{file}:Right", "--dataset", "tiny", "--results", tmp_path / "r") == 0
    out, err = capsys.readouterr()
    assert "tiny (3 sequences, one-pass, otb-matlab v1" in out
    assert "0.952" in out, "a perfect tracker scores 20/21"
    assert "cpu, 1 thread; initialisation included, decoding not" in out
    assert "3/3 tiny Right c 7 frames" in err
    folder = tmp_path / "r" / "tiny" / "Right"
    assert (folder / "a.txt").read_text().splitlines()[1] == "22,24,16,12"
    manifest = json.loads((folder / "run.json").read_text())
    assert manifest["identity"]["card"] == {"hyperparameters": {"step": 2}}
    assert manifest["environments"][0]["versions"]["evalkit"]


@pytest.mark.usefixtures("tiny")
def test_what_a_tracker_prints_does_not_get_into_the_answer(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = ("--dataset", "tiny", "--sequences", "a", "--results", tmp_path / "r", "--format", "json")
    assert evalkit("run", "--tracker", f"{file}:Chatty", *run) == 0
    out, err = capfd.readouterr()
    assert {record["tracker"] for record in records(out)} == {"Chatty"}
    assert all(f"from {origin}\n" in err for origin in ("Python", "below", "a child"))


@pytest.mark.usefixtures("tiny")
def test_a_tracker_that_leaves_the_working_folder_does_not_take_the_results_along(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert evalkit("run", "--tracker", "mine.py:Leaving", "--dataset", "tiny", "--results", "r") == 0
    assert sorted(path.name for path in (tmp_path / "r/tiny/Leaving").glob("?.txt")) == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.usefixtures("tiny")
def test_a_second_run_keeps_what_is_there(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("run", "--tracker", f"{file}:Right", "--dataset", "tiny", "--results", tmp_path / "r")
    evalkit(*arguments)
    (tmp_path / "r" / "tiny" / "Right" / "b.txt").unlink()
    before = (tmp_path / "r" / "tiny" / "Right" / "a.txt").stat().st_mtime_ns
    capsys.readouterr()
    assert evalkit(*arguments) == 0
    assert "b 6 frames" in capsys.readouterr().err
    assert (tmp_path / "r" / "tiny" / "Right" / "a.txt").stat().st_mtime_ns == before


@pytest.mark.usefixtures("tiny")
def test_asking_for_a_part_says_how_many_of_how_many(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--dataset", "tiny", "--results", tmp_path / "r")
    code = evalkit("run", "--tracker", f"{file}:Right", "--sequences", "c, A", "--format", "json", *common)
    assert code == 0
    auc = next(row for row in records(capsys.readouterr().out) if row.get("metric") == "auc")
    assert (auc["sequences"], auc["expected_sequences"]) == (2, 3)
    assert evalkit("score", *common) == 2
    assert "1 of 3 sequences have no result. Missing: b" in capsys.readouterr().err
    assert evalkit("score", "--allow-partial", *common) == 0
    assert "2 of 3 sequences" in capsys.readouterr().out


@pytest.mark.usefixtures("tiny")
def test_all_conventions_stand_in_rows_with_the_reason_each_differs(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--dataset", "tiny", "--results", tmp_path / "r")
    evalkit("run", "--tracker", f"{file}:Right", *common)
    capsys.readouterr()
    assert evalkit("score", "--profile", "all", *common) == 0
    out = capsys.readouterr().out
    rows = [line.split()[:2] for line in out.splitlines() if line.startswith("Right")]
    assert rows == [["Right", "otb-matlab"], ["Right", "got10k"]]
    assert "otb-matlab: the first box is replaced by the groundtruth" in out


@pytest.mark.usefixtures("tiny")
def test_a_failing_sequence_is_reported_and_the_rest_completes(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = evalkit("run", "--tracker", f"{file}:Fragile", "--dataset", "tiny", "--results", tmp_path / "r")
    err = capsys.readouterr().err
    assert code == 1
    assert "Fragile on tiny/c failed: Fragile on c, frame 7: the tracker failed with RuntimeError: out of luck" in err
    folder = tmp_path / "r" / "tiny" / "Fragile"
    assert (folder / "b.txt").exists()
    assert not (folder / "c.txt").exists()
    assert "out of luck" in (folder / "failures" / "c_001.log").read_text()
    assert "Traceback" not in err.replace("traceback: ", "")


def test_incomplete_data_are_refused_unless_a_part_is_asked_for(
    register_dataset: Callable[[Dataset], None], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = tiny_dataset(moving_square("a"), expected=("a", "b"))
    register_dataset(dataset)
    arguments = ("run", "--tracker", f"{file}:Right", "--dataset", "tiny", "--results", tmp_path / "r")
    assert evalkit(*arguments) == 2
    assert "1 of 2 sequences are missing (found only a). Missing: b" in capsys.readouterr().err
    assert evalkit(*arguments, "--sequences", "a") == 0
    assert evalkit(*arguments, "--sequences", "b") == 2
    assert "tiny/b: this sequence is not on disk" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "--tracker", "lightrack-m"], "Did you mean 'lighttrack-m'?"),
        (["run", "--tracker", "identity", "--dataset", "otb1000"], "Did you mean 'otb100'?"),
        (["run", "--tracker", "identity", "--dataset", "tiny", "--sequences", "zzz"], "tiny/zzz: no such sequence"),
        (["run", "--tracker", "identity", "--dataset", "tiny", "--set", "x"], "is not KEY=VALUE"),
        (["run", "--tracker", "identity", "--dataset", "tiny", "--set", "x=1"], "identity has no settings"),
        (
            ["run", "--tracker", "identity", "--protocol", "thrice", "--dataset", "tiny"],
            "no protocol is named 'thrice'",
        ),
        (["run", "--tracker", "identity", "--data", "gone", "--dataset", "tiny"], "--data gone: no such folder"),
        (
            ["run", "--tracker", "identity", "--tracker", "mosse", "--name", "x"],
            "one label cannot be used for several trackers",
        ),
        (["run"], "Missing option '--tracker'"),
        (["runn"], "Did you mean 'run'?"),
        (["score", "--dataset", "tiny", "--results", "gone"], "there are no results for tiny"),
        (["score", "--dataset", "tiny", "--profile", "matlab"], "no profile is named 'matlab'"),
        (["list", "planets"], "'planets' is not one of"),
    ],
)
def test_a_wrong_request_is_answered_in_words_and_with_2(
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert evalkit(*arguments) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


@pytest.mark.usefixtures("tiny")
def test_results_of_another_run_are_refused_and_left_alone(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("run", "--tracker", f"{file}:Right", "--dataset", "tiny", "--results", tmp_path / "r")
    evalkit(*arguments)
    kept = (tmp_path / "r" / "tiny" / "Right" / "a.txt").read_bytes()
    assert evalkit(*arguments, "--threads", "2") == 2
    assert "these results were made with threads=1, this run has 2. Use --name" in capsys.readouterr().err
    assert (tmp_path / "r" / "tiny" / "Right" / "a.txt").read_bytes() == kept
    assert evalkit(*arguments, "--threads", "2", "--force") == 0
    assert evalkit(*arguments, "--name", "again") == 0


@pytest.mark.parametrize("kind", ["trackers", "datasets", "metrics", "reports"])
def test_listings_are_not_empty_and_strict_json(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evalkit("list", kind) == 0
    lines = capsys.readouterr().out.splitlines()
    assert evalkit("list", kind, "--format", "json") == 0
    rows = records(capsys.readouterr().out)
    assert len(rows) == len(lines) > 0
    assert all(row["name"] and row["summary"] for row in rows)


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something, those of groups included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield (*above, name)


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(commands(cli))
    assert ("data", "check") in found
    for words in found:
        assert evalkit(*words, "--help") == 0
        text = capsys.readouterr().out
        assert "Example" in text, f"`evalkit {' '.join(words)} --help` shows no example"


def test_a_defect_of_evalkit_has_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from evalkit import api

    def broken(kind: str) -> list[dict[str, object]]:
        raise KeyError(kind)

    monkeypatch.setattr(api, "listing", broken)
    assert evalkit("list", "trackers") == 4
    assert "this is a defect of evalkit" in capsys.readouterr().err


def test_a_lack_of_memory_is_no_defect(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from evalkit import api

    def greedy(kind: str) -> list[dict[str, object]]:
        raise MemoryError("Unable to allocate 3.00 MiB")

    monkeypatch.setattr(api, "listing", greedy)
    assert evalkit("list", "trackers") == 1
    complaint = capsys.readouterr().err
    assert "not enough memory (Unable to allocate 3.00 MiB)" in complaint
    assert "defect" not in complaint


def test_an_interrupted_run_says_so_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from evalkit import api

    def interrupted(kind: str) -> list[dict[str, object]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "listing", interrupted)
    assert evalkit("list", "trackers") == 130
    assert "the same command continues" in capsys.readouterr().err
