"""Two runs that write into one label at once: one of them writes all results, and the record says which.

``EVALKIT_RACES`` is the number of tries of each kind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

RACES = int(os.environ.get("EVALKIT_RACES", "2"))
TRACKER = """
import os, time
from evalkit.types import Box, Prediction

class S:
    def __init__(self, settings):
        self.step = float(settings["step"])
        self.card = {"hyperparameters": {"step": self.step}}
        while time.time() < float(os.environ.get("BEGIN", "0")):  # both runs begin in the same moment
            time.sleep(0.0005)
    def initialize(self, image, region):
        self.region, self.frame = region, 0
    def update(self, image):
        time.sleep(0.01)
        self.frame += 1
        region = self.region
        return Prediction(Box(region.x + self.step * self.frame, region.y, region.width, region.height))
"""
SEQUENCES, FRAMES = 4, 6

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(TRACKER)
    for number in range(SEQUENCES):
        folder = tmp_path / "clips" / f"s{number}"
        folder.mkdir(parents=True)
        for frame in range(FRAMES):
            cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), np.full((20, 30, 3), frame, np.uint8))
        (folder / "groundtruth.txt").write_text("3,4,8,6\n" * FRAMES)
    return tmp_path


def start(place: Path, results: str, step: int, *more: str, begin: float = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "evalkit", "run", "--tracker", "mine.py:S", "--set", f"step={step}",
         "--dataset", "folder", "--data", "clips", "--results", results, *more],
        cwd=place, env={**os.environ, "BEGIN": str(begin)}, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def steps(place: Path, results: str) -> tuple[float, set[float]]:
    """Return the recorded step and those of the stored boxes."""
    home = place / results / "clips" / "S"
    recorded = json.loads((home / "run.json").read_text())["identity"]["card"]["hyperparameters"]["step"]
    rows = [path.read_text().splitlines()[1] for path in home.glob("s?.txt")]
    return recorded, {float(row.split(",")[0]) - 3 for row in rows}


def test_runs_that_begin_in_the_same_moment_do_not_mix(place: Path) -> None:
    for number in range(RACES):
        results = f"r{number}"
        begin = time.time() + 4
        runs = [start(place, results, step, begin=begin) for step in (1, 5)]
        codes = [run.wait(timeout=120) for run in runs]
        errors = [run.communicate()[1] for run in runs]
        assert sorted(codes) in ([0, 2], [2, 2]), errors
        recorded, stored = steps(place, results)
        assert stored <= {recorded}, number
        if 0 in codes:
            assert stored == {(1.0, 5.0)[codes.index(0)]}


def test_a_forced_run_does_not_take_the_folder_of_a_run_that_writes(place: Path) -> None:
    for number in range(RACES):
        results = f"f{number}"
        first = start(place, results, 1)
        home = place / results / "clips" / "S"
        deadline = time.monotonic() + 60
        while not list(home.glob("s?.txt")) and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002 * (number % 7))
        second = start(place, results, 5, "--force")
        codes = [run.wait(timeout=120) for run in (first, second)]
        errors = [run.communicate()[1] for run in (first, second)]
        recorded, stored = steps(place, results)
        assert stored == {recorded}, errors
        assert codes[0] == 0, errors
        # The second run is refused, or it has begun after the first one's end.
        assert (codes[1], recorded) in ((2, 1.0), (0, 5.0)), errors
