"""A run that is killed or finds damaged files loses nothing: tested from outside, by the files on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from moving_square import MovingSquare

TRACKER = """
import time
from evalkit.types import Box, Prediction

class Slow:
    def initialize(self, image, region):
        self.box = region
    def update(self, image):
        time.sleep(0.004)
        self.box = Box(self.box.x + 1.9, self.box.y + 0.1 / 3, self.box.width, self.box.height)
        return Prediction(self.box)
"""
ROWS = {"Couple": 140, "Crossing": 120, "Deer": 71, "Man": 134}


def otb(folder: Path) -> Path:
    """Write four sequences of OTB at their official lengths in its own layout, with a square that does not move."""
    for name, rows in ROWS.items():
        frames = MovingSquare(rows, speed=0)
        images = folder / "OTB100" / name / "img"
        images.mkdir(parents=True)
        for index in range(len(frames)):
            cv2.imwrite(str(images / f"{index + 1:04d}.jpg"), frames[index][..., ::-1])
        np.savetxt(images.parent / "groundtruth_rect.txt", frames.boxes(origin=1), fmt="%d", delimiter=",")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    otb(tmp_path)
    (tmp_path / "mine.py").write_text(TRACKER)
    return tmp_path


def command(place: Path, *more: str, results: str = "results") -> list[str]:
    return [
        *(sys.executable, "-m", "evalkit", "run", "--tracker", "mine.py:Slow", "--dataset", "otb100"),
        *("--data", ".", "--sequences", ",".join(ROWS), "--results", results, *more),
    ]


def run(place: Path, *more: str, results: str = "results") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(place, *more, results=results), cwd=place, capture_output=True, text=True, timeout=120
    )


def stored(place: Path, results: str = "results") -> dict[str, bytes]:
    folder = place / results / "OTB100" / "Slow"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.txt"))}


def test_a_killed_run_continues_to_the_same_bytes(place: Path) -> None:
    reference = run(place, results="whole")
    assert reference.returncode == 0, reference.stderr
    first = place / "results" / "OTB100" / "Slow" / "Couple.txt"
    process = subprocess.Popen(command(place), cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 1 <= len(stored(place)) < len(ROWS), "it was killed in the middle"
    again = run(place)
    assert again.returncode == 0, again.stderr
    assert "Couple" not in again.stderr, "stored results are kept"
    assert stored(place) == stored(place, "whole")
    assert not list((place / "results").rglob("*.tmp")), "no temporary file is left"


def test_ctrl_c_ends_with_130_and_the_same_command_continues(place: Path) -> None:
    process = subprocess.Popen(command(place), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = place / "results" / "OTB100" / "Slow" / "Couple.txt"
    deadline = time.monotonic() + 60
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command continues" in err
    assert "Traceback" not in err
    assert run(place).returncode == 0
    assert set(stored(place)) == {f"{name}.txt" for name in ROWS}


def damage(place: Path, kind: str) -> None:
    sequence = place / "OTB100" / "Crossing"
    image = sequence / "img" / "0005.jpg"
    rows = (sequence / "groundtruth_rect.txt").read_text().splitlines()
    if kind == "missing frame":
        image.unlink()
    elif kind == "truncated JPEG":
        image.write_bytes(image.read_bytes()[:-200])
    elif kind == "row too few":
        (sequence / "groundtruth_rect.txt").write_text("\n".join(rows[:-1]) + "\n")
    elif kind == "NaN start":
        (sequence / "groundtruth_rect.txt").write_text("\n".join(["nan,nan,nan,nan", *rows[1:]]) + "\n")
    elif kind == "letters":
        (sequence / "groundtruth_rect.txt").write_text("\n".join([*rows[:3], "1,two,3,4", *rows[4:]]) + "\n")


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("missing frame", "Crossing/img: some of the images"),
        ("truncated JPEG", "0005.jpg"),
        ("row too few", "Crossing"),
        ("NaN start", "Crossing"),
        ("letters", "groundtruth_rect.txt"),
    ],
)
def test_damaged_data_are_named_and_other_sequences_finished(place: Path, kind: str, named: str) -> None:
    damage(place, kind)
    answer = run(place)
    assert answer.returncode in (1, 2)
    assert named in answer.stderr
    assert "Traceback" not in answer.stderr
    if answer.returncode == 1:
        assert set(stored(place)) == {"Couple.txt", "Man.txt", "Deer.txt"}, "the rest completes"


def test_a_results_folder_that_cannot_be_written_is_an_error_before_tracking(place: Path) -> None:
    (place / "results").mkdir()
    (place / "results" / "OTB100").write_text("a file where the folder should be")
    answer = run(place)
    assert answer.returncode == 2
    assert "cannot write into this folder: Not a directory" in answer.stderr
    assert "Traceback" not in answer.stderr
