"""Runs that are killed at random moments continue to the same bytes and leave nothing behind.

``EVALKIT_KILLS`` is the number of moments for each signal and engine.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

KILLS = int(os.environ.get("EVALKIT_KILLS", "2"))
TRACKER = """
import time
from evalkit.types import Box, Prediction

class Split:
    card = {}
    def initialize(self, image, region):
        self.region, self.frame = region, 0
    def crop(self, image):
        return (image[None, :4, :4].astype("float32"),)
    def network(self, crops):
        time.sleep(0.01)
        return (crops.sum(axis=(1, 2, 3))[:, None],)
    def locate(self, response):
        self.frame += 1
        shift = self.frame / 3 + float(response[0][0, 0]) / 1e6
        return Prediction(Box(self.region.x + shift, self.region.y, self.region.width, self.region.height))
    def update(self, image):
        return self.locate(self.network(*self.crop(image)))
    def sibling(self):
        return Split()
    def parts(self):
        return ()
"""
ENGINES = {"serial": (), "pool": ("--jobs", "2"), "lockstep": ("--engine", "lockstep"), "shard": ("--shard", "1/1")}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(TRACKER)
    (tmp_path / "tmp").mkdir()
    for number in range(6):
        folder = tmp_path / "clips" / f"s{number}"
        folder.mkdir(parents=True)
        for frame in range(12):
            cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), np.full((20, 30, 3), number + frame, np.uint8))
        (folder / "groundtruth.txt").write_text("3,4,8,6\n" * 12)
    return tmp_path


def command(results: str, engine: str) -> list[str]:
    return [
        *(sys.executable, "-m", "evalkit", "run", "--tracker", "mine.py:Split", "--dataset", "folder"),
        *("--data", "clips", "--results", results, *ENGINES[engine]),
    ]


def boxes(results: Path) -> dict[str, bytes]:
    """Return the content of all files but the times and the record, which differ between runs."""
    files = (path for path in results.rglob("*") if path.is_file() and path.parent.name != "times")
    return {str(path.relative_to(results)): path.read_bytes() for path in files if path.name != "run.json"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_a_killed_run_continues_to_the_same_bytes(place: Path, engine: str, number: str) -> None:
    environment = {**os.environ, "TMPDIR": str(place / "tmp")}
    source = random.Random(f"{engine} {number}")
    subprocess.run(command("whole", engine), cwd=place, env=environment, capture_output=True, check=True)
    for kill in range(KILLS):
        process = subprocess.Popen(
            command(f"r{kill}", engine),
            cwd=place,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(source.uniform(0.3, 3))
        process.send_signal(getattr(signal, number))
        process.wait(timeout=60)
        left = [folder for folder in (place / "tmp").iterdir() if (folder / ".in-use").exists()]
        assert not left or number == "SIGKILL"
        for folder in left:
            os.utime(folder / ".in-use", (0, 0))  # as after a minute
        again = subprocess.run(
            command(f"r{kill}", engine), cwd=place, env=environment, capture_output=True, check=False
        )
        assert again.returncode == 0, again.stderr
        assert boxes(place / f"r{kill}") == boxes(place / "whole")
        assert not list((place / "tmp").iterdir()) or engine != "pool"


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_a_killed_run_in_lanes_on_the_device_continues_to_the_same_boxes(place: Path, number: str) -> None:
    def run_command(results: str) -> list[str]:
        tracker = ("--tracker", "lighttrack-m", "--engine", "lockstep", "--jobs", "2")
        folder = ("--dataset", "folder", "--data", "clips", "--results", results)
        return [sys.executable, "-m", "evalkit", "run", *tracker, *folder]

    def rows(results: str) -> dict[str, np.ndarray]:
        return {
            name: np.loadtxt(text.decode().splitlines(), delimiter=",") for name, text in boxes(place / results).items()
        }

    source = random.Random(number)
    start = time.monotonic()
    subprocess.run(run_command("whole"), cwd=place, capture_output=True, check=True)
    seconds = time.monotonic() - start
    for kill in range(KILLS):
        process = subprocess.Popen(
            run_command(f"r{kill}"), cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(source.uniform(0.5, 0.95) * seconds)
        process.send_signal(getattr(signal, number))
        process.wait(timeout=60)
        again = subprocess.run(run_command(f"r{kill}"), cwd=place, capture_output=True, check=False)
        assert again.returncode == 0, again.stderr
        found, expected = rows(f"r{kill}"), rows("whole")
        assert found.keys() == expected.keys()
        for name, one in found.items():
            # Other sequences are in the batches now, which changes the last bits.
            np.testing.assert_allclose(one, expected[name], rtol=0, atol=0.01)
