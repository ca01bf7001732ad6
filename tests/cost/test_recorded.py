"""Costs that are read back from results: the mark of speeds that were measured on a busy machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalkit import score_report
from evalkit.api import run
from evalkit.cost.recorded import clock_notice
from evalkit.results import run_record
from evalkit.types import Dataset


def record(cpu: float, **identity: Any) -> dict[str, Any]:
    """A record of 10 seconds inside the tracker."""
    known = {"tracker": "t", "device": "cpu", "threads": 1, **identity}
    return {"identity": known, "environments": [{"processor": "P"}], "clock": {"wall": 10.0, "cpu": cpu}}


def test_frames_per_second_of_a_busy_machine_are_marked_with_those_by_cpu_time() -> None:
    assert clock_notice([("busy", record(2.2), 3.1), ("quiet", record(9.9), 14.0)]) == (
        "fps: P, cpu, 1 thread; initialisation included, decoding not; "
        "busy invalid: machine was busy (CPU/wall 0.22), 14.1 by CPU time"
    )


@pytest.mark.parametrize("identity", [{"threads": 4}, {"device": "cuda"}, {"tracker": "program:./mine"}])
def test_trackers_that_compute_elsewhere_are_not_judged_by_the_time_of_their_thread(identity: dict[str, Any]) -> None:
    assert "invalid" not in clock_notice([("one", record(2.2, **identity), 3.1)])


def test_results_without_cpu_times_are_not_judged() -> None:
    old = record(2.2)
    del old["clock"]
    assert "invalid" not in clock_notice([("one", old, 3.1)])


def test_a_run_stores_the_cpu_time_and_adds_what_is_tracked_later(tiny: Dataset, tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import time\nfrom evalkit import Prediction\n"
        "class Slow:\n"
        "    def initialize(self, image, region):\n        self.region = region\n"
        "    def update(self, image):\n        time.sleep(0.02)\n        return Prediction(self.region)\n"
    )
    clocks = []
    for sequences in (["a"], ["a"], ["a", "b"]):
        report = run(f"{slow}:Slow", "tiny", results=tmp_path, sequences=sequences)
        content = run_record.load(tmp_path / "tiny" / "Slow")
        assert content is not None
        clocks.append(content["clock"])
    assert clocks[0] == clocks[1] != clocks[2]
    assert clocks[2]["wall"] > 0.15 > 0.1 > clocks[2]["cpu"] > 0
    assert any("Slow invalid: machine was busy (CPU/wall 0.0" in notice for notice in report.notices)
    scored = score_report.scores("tiny", results=tmp_path, allow_partial=True)
    assert any("Slow invalid: machine was busy" in notice for notice in scored.notices)
