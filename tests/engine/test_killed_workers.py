"""Runs that are interrupted, or whose workers are killed at random moments, tested from outside."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = """
import time
from evalkit.types import Box, Prediction

class Slow:
    pause = 0.03
    def initialize(self, image, region):
        self.box = region
    def update(self, image):
        time.sleep(self.pause)
        step = float(image[::7, ::5].mean()) / 100
        self.box = Box(self.box.x + step, self.box.y, self.box.width, self.box.height)
        return Prediction(self.box, step)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(SLOW)
    return tmp_path


def start(place: Path, site: Path, results: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "evalkit", "run", "--tracker", "mine.py:Slow", "--dataset", "marching"]
    path = os.pathsep.join([str(site), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [*command, "--results", results, *more], cwd=place, env={**os.environ, "PYTHONPATH": path}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def workers(run: subprocess.Popen[str]) -> list[int]:
    """Return the ids of a run's worker processes."""
    listing = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(run.pid)], capture_output=True, text=True)
    rows = (line.split(maxsplit=1) for line in listing.stdout.splitlines())
    return [int(pid) for pid, arguments in rows if "spawn_main" in arguments]


def wait_for(condition: object, run: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and run.poll() is None:
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.05)
    raise AssertionError(f"the condition was not met: {run.communicate()}")


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "times")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def has_ended(session: int) -> bool:
    """Return whether every process of a session ends within seconds."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        command = ["ps", "-o", "pid=", "--sid", str(session)]
        if not subprocess.run(command, capture_output=True, text=True).stdout.strip():
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_ends_a_pool_with_130_and_leaves_no_process_and_no_half_file(place: Path, site: Path) -> None:
    run = start(place, site, "results", "--jobs", "2")
    wait_for(lambda: list(place.glob("results/*/*/s*.txt")), run)
    os.killpg(run.pid, signal.SIGINT)
    _, complaint = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "the same command continues" in complaint
    assert "Traceback" not in complaint
    assert has_ended(run.pid)
    assert not list((place / "results").rglob(".*"))


def test_workers_do_not_outlive_a_run_that_is_killed(place: Path, site: Path) -> None:
    run = start(place, site, "results", "--jobs", "2")
    wait_for(lambda: list(place.glob("results/*/*/s*.txt")), run)
    run.kill()
    run.communicate(timeout=30)
    assert has_ended(run.pid)


@pytest.mark.slow
def test_twenty_workers_killed_at_random_moments_change_nothing(place: Path, site: Path) -> None:
    reference = start(place, site, "calm")
    assert reference.communicate(timeout=60) and reference.returncode == 0
    (place / "mine.py").write_text(SLOW.replace("0.03", "0.15"))
    rng = random.Random(7)
    killed, ends = 0, []
    while killed < 20 or not ends or ends[-1] != 0:
        run = start(place, site, "stormy", "--jobs", "2", *(["--force"] if ends and ends[-1] == 0 else []))
        while run.poll() is None:
            time.sleep(rng.uniform(0.0, 1.2))
            victims = workers(run)
            if victims and killed < 20:
                os.kill(rng.choice(victims), signal.SIGKILL)
                killed += 1
        run.communicate()
        ends.append(run.returncode)
        assert len(ends) < 20, ends
    assert killed == 20
    calm, stormy = files(place / "calm"), files(place / "stormy")
    assert {name: stormy[name] for name in stormy if not name.endswith("run.json")} == {
        name: calm[name] for name in calm if not name.endswith("run.json")
    }
