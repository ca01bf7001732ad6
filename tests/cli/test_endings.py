"""How a command ends: by signals, by trackers that exit, with closed output, and with names that hold escapes."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

TRACKERS = """
import asyncio, atexit, multiprocessing, os, sys, threading, time
from evalkit.types import Prediction

class Still:
    def initialize(self, image, region):
        self.region, self.frame = region, 0
    def update(self, image):
        self.frame += 1
        if self.frame == 2 and image[0, 0, 0] == 1:
            self.misbehave()
        return Prediction(self.region)
    def misbehave(self):
        pass

class Slow(Still):
    def update(self, image):
        time.sleep(0.05)
        return super().update(image)

class Odd(BaseException):
    pass

class Exits(Still):
    def misbehave(self):
        os._exit(0)

class Raises(Still):
    def misbehave(self):
        raise Odd("odd")

class Cancelled(Still):
    def misbehave(self):
        raise asyncio.CancelledError

class Thread(Still):
    def misbehave(self):
        threading.Thread(target=time.sleep, args=(60,)).start()

class AtExit(Still):
    def misbehave(self):
        atexit.register(time.sleep, 60)

class Child(Still):
    def misbehave(self):
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,)).start()  # joined at exit

class Closes(Still):
    def misbehave(self):
        sys.stdout.close()
        sys.stderr.close()

class ClosesDescriptors(Still):
    def misbehave(self):
        os.close(1)
        os.close(2)

class Settings(Still):
    def misbehave(self):
        import inspect, warnings
        import numpy
        numpy.seterr(all="raise")
        warnings.simplefilter("error")
        sys.setrecursionlimit(60 + len(inspect.stack()))

class Changes(Still):
    def misbehave(self):
        os.chdir("/")

class CardWithoutEnd(Still):
    card = {}
CardWithoutEnd.card["card"] = CardWithoutEnd.card

class Split(Still):
    card = {}
    def crop(self, image):
        return (image[None, :2, :2].astype("float32"),)
    def network(self, crops):
        return (crops.sum(axis=(1, 2, 3))[:, None],)
    def locate(self, response):
        return Prediction(self.region)
    def update(self, image):
        return self.locate(self.network(*self.crop(image)))
    def sibling(self):
        return type(self)()
    def parts(self):
        return ()

class SplitRaises(Split):
    def locate(self, response):
        raise Odd("odd")

class SplitWithoutSibling(Split):
    def sibling(self):
        raise Odd("no sibling")

class SplitWithoutParts(Split):
    def parts(self):
        raise RuntimeError("no parts")
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(TRACKERS)
    for number in range(3):
        folder = tmp_path / "clips" / f"s{number}"
        folder.mkdir(parents=True)
        for frame in range(6):
            image = np.full((20, 30, 3), number, np.uint8)
            cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), image)
        (folder / "groundtruth.txt").write_text("3,4,8,6\n" * 6)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "evalkit", *arguments]


def run_command(tracker: str, *more: str) -> list[str]:
    return command("run", "--tracker", f"mine.py:{tracker}", "--dataset", "folder", "--data", "clips", *more)


def call(place: Path, arguments: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=place, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **more},
        errors="surrogateescape",
    )  # fmt: skip


def stored(place: Path, label: str) -> list[str]:
    return sorted(path.name for path in (place / "results" / "clips" / label).glob("s*.txt"))


@pytest.mark.parametrize("engine", [(), ("--jobs", "2")])
@pytest.mark.parametrize("tracker", ["Exits", "Raises", "Cancelled"])
def test_a_sequence_fails_alone_whatever_its_tracker_raises(place: Path, tracker: str, engine: tuple[str, ...]) -> None:
    answer = call(place, run_command(tracker, *engine))
    assert answer.returncode == 1
    assert "folder/s1 failed" in answer.stderr
    assert {"Exits": "os._exit(0)", "Raises": "odd", "Cancelled": "CancelledError"}[tracker] in answer.stderr
    assert stored(place, tracker) == ["s0.txt", "s2.txt"]


@pytest.mark.parametrize("tracker", ["SplitRaises", "SplitWithoutSibling"])
def test_lockstep_ends_whatever_a_lane_raises(place: Path, tracker: str) -> None:
    answer = call(place, run_command(tracker, "--engine", "lockstep"))
    assert answer.returncode == 1
    assert "3 failed" in answer.stderr


def test_a_tracker_that_cannot_be_counted_is_scored(place: Path) -> None:
    answer = call(place, run_command("SplitWithoutParts"))
    assert answer.returncode == 0
    assert "not counted, RuntimeError: no parts" in answer.stdout + answer.stderr


def test_a_card_that_cannot_be_recorded_is_named(place: Path) -> None:
    answer = call(place, run_command("CardWithoutEnd"))
    assert answer.returncode == 2
    assert "`card` cannot be recorded" in answer.stderr


def test_a_tracker_that_changes_the_folder_finds_relative_data(place: Path) -> None:
    assert call(place, run_command("Changes")).returncode == 0
    assert len(stored(place, "Changes")) == 3


@pytest.mark.skipif(os.name == "nt", reason="descriptors of POSIX")
@pytest.mark.parametrize("tracker", ["Closes", "ClosesDescriptors", "Settings"])
def test_a_tracker_that_changes_the_process_loses_nothing(place: Path, tracker: str) -> None:
    answer = call(place, run_command(tracker))
    assert answer.returncode == 0, answer.stderr
    assert "AO" in answer.stdout
    assert f"3/3 folder {tracker}" in answer.stderr
    assert len(stored(place, tracker)) == 3


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="fork")
@pytest.mark.parametrize("engine", [(), ("--jobs", "2")])
@pytest.mark.parametrize("tracker", ["Thread", "AtExit", "Child"])
def test_what_a_tracker_leaves_running_does_not_keep_evalkit(
    place: Path, tracker: str, engine: tuple[str, ...]
) -> None:
    begin = time.monotonic()
    answer = call(place, run_command(tracker, *engine))
    assert answer.returncode == 0
    assert "AO" in answer.stdout
    assert time.monotonic() - begin < 50
    if not engine:
        assert "a thread or child process of the tracker did not end; it was ended" in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("engine", [(), ("--jobs", "2"), ("--shard", "1/1")])
def test_sigterm_ends_with_a_word_and_leaves_nothing(place: Path, engine: tuple[str, ...]) -> None:
    (place / "tmp").mkdir()
    arguments = run_command("Slow", *engine)
    process = subprocess.Popen(
        arguments, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(place / "tmp")},
    )  # fmt: skip
    deadline = time.monotonic() + 40
    while not stored(place, "Slow") and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=40)
    assert process.returncode == 143, errors
    assert "terminated; finished sequences are stored" in errors
    assert not [path for path in (place / "tmp").iterdir() if path.name.startswith("evalkit-")]
    assert not list((place / "results").rglob("*.lock"))
    assert call(place, arguments).returncode == 0
    assert len(stored(place, "Slow")) == 3


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_sigterm_ends_a_run_on_ray_with_a_word(place: Path) -> None:
    pytest.importorskip("ray")
    arguments = run_command("Slow", "--engine", "ray", "--jobs", "1")
    process = subprocess.Popen(arguments, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while not stored(place, "Slow") and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert "terminated; finished sequences are stored" in errors
    assert "***" not in errors


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
def test_closed_standard_output_is_reported(place: Path) -> None:
    call(place, run_command("Still"))
    line = f"{sys.executable} -m evalkit score --dataset folder --data clips >/dev/full"
    answer = call(place, ["sh", "-c", line])
    assert answer.returncode == 2
    assert "No space left on device" in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_leaves_is_not_an_error(place: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    answer = subprocess.run(command("list", "datasets"), stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
def test_a_run_whose_standard_output_is_closed_stores_its_results(place: Path) -> None:
    answer = call(place, ["sh", "-c", f"{shlex.join(run_command('Still'))} >&-"])
    assert answer.returncode == 1
    assert "standard output is closed; results are stored, `evalkit score` prints them" in answer.stderr
    assert len(stored(place, "Still")) == 3


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
def test_a_folder_with_an_odd_name_does_not_stop_the_score_of_the_others(place: Path) -> None:
    call(place, run_command("Still"))
    home = place / "results" / "clips"
    for name in ("ECO:HC", "a|b", "c*?", "line\nend"):
        shutil.copytree(home / "Still", home / name)
    answer = call(place, command("score", "--dataset", "folder", "--data", "clips"))
    assert answer.returncode == 0, answer.stderr
    assert all(name in answer.stdout for name in ("Still", "ECO:HC", "a|b", "c*?", "line\\nend"))
    assert call(place, command("report", "--output", "r.md", "--dataset", "folder", "--data", "clips")).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
def test_a_line_end_in_a_name_does_not_break_the_lines_of_the_progress(place: Path) -> None:
    (place / "clips" / "s1").rename(place / "clips" / "s\n::error::1")
    answer = call(place, run_command("Still"))
    assert answer.returncode == 0
    assert len(answer.stderr.splitlines()) == 3
    assert not [line for line in (answer.stdout + answer.stderr).splitlines() if line.startswith("::")]


@pytest.mark.parametrize("name", ["x" * 300, "a\x1b]0;PWNED\x07"])
def test_names_that_no_file_can_have_are_errors_with_visible_text(place: Path, name: str) -> None:
    answer = call(place, command("score", "--dataset", "folder", "--data", "clips", "--tracker", name))
    assert answer.returncode == 2
    assert "\x1b" not in answer.stderr + answer.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_names_do_not_reach_the_terminal_as_commands(place: Path) -> None:
    call(place, run_command("Still"))
    home = place / "results" / "clips"
    for name in ("::error::x", "red\x1b[31m", "\u202egpj", os.fsdecode(b"\xff")):
        (home / name).mkdir()
        for path in (home / "Still").glob("s*.txt"):
            (home / name / path.name).write_bytes(path.read_bytes())
    for encoding in ("utf-8", "ascii"):
        for output in ("table", "json"):
            answer = call(
                place, command("score", "--dataset", "folder", "--data", "clips", "--format", output),
                PYTHONIOENCODING=encoding,
            )  # fmt: skip
            assert answer.returncode == 0, answer.stderr
            text = answer.stdout + answer.stderr
            assert not {"\x1b", "\u202e"} & set(text)
            assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
