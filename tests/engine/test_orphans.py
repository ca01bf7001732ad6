"""Processes that trackers start end with the worker, the sequence and the run that they belong to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import cv2
import numpy as np
import pytest

PROGRAM = """
import json, os, subprocess, sys, time
mark = sys.argv[1]
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", mark])
for line in sys.stdin.buffer:
    request = json.loads(line)
    sys.stdin.buffer.read(3 * request.get("height", 0) * request.get("width", 0))
    if request["do"] == "update":
        open("started", "w").close()
        time.sleep(600)
    print("{}", flush=True)
"""
TRACKER = """
import ctypes, os, subprocess, sys, time
from evalkit.types import Prediction

class Starts:
    def initialize(self, image, region):
        self.region = region
    def update(self, image):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", os.environ["MARK"]])
        open("started", "w").close()
        time.sleep(float(os.environ.get("PAUSE", "600")))
        return Prediction(self.region)

class ExitsInC(Starts):
    def update(self, image):
        if image[0, 0, 0] == 1:
            ctypes.CDLL(None)._exit(0)
        return Prediction(self.region)
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(TRACKER)
    (tmp_path / "program.py").write_text(PROGRAM)
    for number in range(2):
        folder = tmp_path / "clips" / f"s{number}"
        folder.mkdir(parents=True)
        for frame in range(3):
            cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), np.full((20, 30, 3), number, np.uint8))
        (folder / "groundtruth.txt").write_text("3,4,8,6\n" * 3)
    return tmp_path


def start(place: Path, mark: str, tracker: str, *more: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "evalkit", "run", "--tracker", tracker, "--dataset", "folder", "--data", "clips"]
    return subprocess.Popen(
        [*command, "--name", "T", *more], cwd=place, env={**os.environ, "MARK": mark, **environment}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def running(mark: str) -> list[str]:
    listing = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if mark in line and "-m evalkit" not in line]


def wait_until(condition: object, seconds: float = 40) -> bool:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("engine", [(), ("--jobs", "2")])
@pytest.mark.parametrize("kind", ["program", "python"])
def test_what_a_tracker_starts_ends_with_a_killed_run(
    place: Path, kind: str, engine: tuple[str, ...], number: signal.Signals
) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    tracker = f"program:{sys.executable} program.py {mark}" if kind == "program" else "mine.py:Starts"
    if kind == "python" and not engine:
        pytest.skip("evalkit leaves alone what a tracker starts in evalkit's own process")
    run = start(place, mark, tracker, *engine)
    assert wait_until((place / "started").exists), run.communicate()
    assert running(mark)
    run.send_signal(number)
    run.communicate(timeout=40)
    assert wait_until(lambda: not running(mark)), running(mark)


@pytest.mark.parametrize("kind", ["program", "python"])
def test_what_a_tracker_starts_ends_with_its_time(place: Path, kind: str) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    tracker = f"program:{sys.executable} program.py {mark}" if kind == "program" else "mine.py:Starts"
    run = start(place, mark, tracker, "--timeout", "2")
    _, errors = run.communicate(timeout=90)
    assert run.returncode == 1
    assert "not finished after 2 seconds" in errors
    assert wait_until(lambda: not running(mark)), running(mark)


def test_a_pool_leaves_no_process_of_a_tracker_that_ends_well(place: Path) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    run = start(place, mark, "mine.py:Starts", "--jobs", "2", PAUSE="0")
    _, errors = run.communicate(timeout=90)
    assert run.returncode == 0, errors
    assert wait_until(lambda: not running(mark)), running(mark)


def test_an_exit_of_c_code_fails_one_sequence_in_a_worker(place: Path) -> None:
    run = start(place, "none", "mine.py:ExitsInC", "--timeout", "60")
    _, errors = run.communicate(timeout=90)
    assert run.returncode == 1
    assert "folder/s1 failed: its worker died 3 times; it ended with exit code 0" in errors
    assert (place / "results" / "clips" / "T" / "s0.txt").exists()
