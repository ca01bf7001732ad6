"""Latency relative to the previous code, from a repository with a history to a verdict."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evalkit.regression import GateFinding, Verdict, regress
from evalkit.regression.latency import measure
from evalkit.types import Dataset

from ..conftest import WriteSuite
from .test_previous_code import commit, git

TRACKER = """
import time
from evalkit.types import Prediction

MILLISECONDS = 2

class Mine:
    def initialize(self, image, region): self.region = region
    def update(self, image):
        end = time.process_time() + MILLISECONDS / 1000
        while time.process_time() < end: pass
        return Prediction(self.region)
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def suite(squares: Dataset, write_suite: WriteSuite, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite and its baseline, committed with a tracker that takes 2 ms."""
    monkeypatch.setattr(measure, "MIN_PAIRS", 2)
    monkeypatch.setattr(measure, "MAX_PAIRS", 2)
    monkeypatch.setattr(measure, "RECORDED_PAIRS", 2)
    path = write_suite(latency="0.2")
    path.write_text(re.sub('name = ".*:Mover"', 'name = "mine.py:Mine"', path.read_text()))
    (path.parent / "mine.py").write_text(TRACKER)
    (path.parent / ".gitignore").write_text("results/\n")
    regress(path, results=path.parent / "results", update=True, reason="first baseline")
    git(path.parent, "init", "--quiet")
    commit(path.parent, {})
    return path


def judged(suite: Path) -> GateFinding:
    (found,) = [one for one in regress(suite, results=suite.parent / "results").findings if one.gate == "latency"]
    return found


def slowed(suite: Path, milliseconds: float) -> None:
    text = TRACKER.replace("MILLISECONDS = 2", f"MILLISECONDS = {milliseconds}")
    (suite.parent / "mine.py").write_text(text)


def test_a_doubled_latency_fails_relative_to_the_previous_code(suite: Path) -> None:
    slowed(suite, 4)
    found = judged(suite)
    assert found.verdict is Verdict.FAIL
    assert found.change == pytest.approx(1.0, abs=0.25)
    assert git(suite.parent, "rev-parse", "--short", "HEAD") in found.reason


def test_unchanged_code_does_not_fail(suite: Path) -> None:
    found = judged(suite)
    assert found.verdict is not Verdict.FAIL
    assert "2 pairs of processes" in found.reason


def test_without_a_history_the_recorded_ratio_detects_a_much_slower_tracker(suite: Path) -> None:
    (suite.parent / ".git").rename(suite.parent / "not-git")
    slowed(suite, 30)  # fifteen times: two pairs in each of two sessions have wide bounds
    found = judged(suite)
    assert found.verdict is Verdict.FAIL
    assert "not a git repository" in found.reason


def test_a_baseline_of_format_1_is_still_compared(suite: Path) -> None:
    path = suite.parent / "baseline.json"
    content = json.loads(path.read_text())
    assert content["version"] == 2
    record = content["trackers"]["toy"]["latency"]
    ratios = sorted(map(float, record.pop("processes").split()))
    assert len(ratios) == 2
    content["version"] = 1
    content["trackers"]["toy"]["latency"] = {**record, "ratios": f"{ratios[0] / 2} {ratios[1]} {ratios[1] * 2}"}
    path.write_text(json.dumps(content))
    found = judged(suite)
    assert found.verdict is not Verdict.FAIL
    assert found.baseline == pytest.approx(ratios[1])
    assert "the baseline is not committed" in found.reason


def test_previous_code_that_imports_present_modules_is_not_timed(
    suite: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    installed = tmp_path_factory.mktemp("installed")
    (installed / "helper.py").write_text("")
    monkeypatch.syspath_prepend(str(installed))
    (suite.parent / "mine.py").write_text("import helper\n" + TRACKER)
    commit(suite.parent, {"src/helper.py": "", "baseline.json": (suite.parent / "baseline.json").read_text() + "\n"})
    found = judged(suite)
    assert "helper is imported from outside" in found.reason
    assert found.verdict is not Verdict.FAIL
