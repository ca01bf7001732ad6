"""Two processes that track alternately."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.regression.latency.paired_processes import CYCLES, FRAMES, PairTimes, available_cores, time_pair
from evalkit.regression.latency.timed_process import Clip, TimedCode, region_json
from evalkit.regression.latency.timed_program import _region
from evalkit.types import Box, Mask, Polygon, Region

from ..conftest import TOYS


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    path = tmp_path / "clip.npz"
    np.savez(path, *np.zeros((4, 60, 80, 3), dtype=np.uint8))
    return Clip(path, Box(20, 24, 16, 12))


def toy(name: str, **settings: object) -> TimedCode:
    arguments = {"weights": None, "threads": 1, "settings": {key: str(value) for key, value in settings.items()}}
    return TimedCode(f"{TOYS}:{name}", arguments)


def timed(first: TimedCode, second: TimedCode, clip: Clip, timeout: float | None = None) -> PairTimes:
    return time_pair(first, second, clip, core=available_cores()[0], timeout=timeout)


def test_the_ratio_is_the_median_over_blocks_in_which_each_process_is_first_once() -> None:
    # Blocks (1 + 3) and (1.5 + 2.9), (2 + 2) and (2 + 2.4), (1 + 1) and (100 + 100): ratios 1.1, 1.1, 100.
    cpu = np.array([[1.0, 3.0, 2.0, 2.0, 1.0, 1.0], [1.5, 2.9, 2.0, 2.4, 100.0, 100.0]])
    found = PairTimes(cpu, cpu, ({"a": ""}, {"b": ""}))
    assert found.ratio == pytest.approx(1.1)
    assert found.swapped().ratio == pytest.approx(1 / 1.1)
    assert found.swapped().modules == ({"b": ""}, {"a": ""})


@pytest.mark.slow
def test_twice_the_work_is_twice_the_cpu_time(clip: Clip) -> None:
    found = timed(toy("Busy", milliseconds=2), toy("Busy", milliseconds=4), clip)
    assert found.ratio == pytest.approx(2.0, abs=0.2)
    assert found.cpu.shape == found.wall.shape
    assert CYCLES[0] * FRAMES <= found.cpu.shape[1] <= CYCLES[1] * FRAMES
    assert np.median(found.cpu[0]) == pytest.approx(0.002, rel=0.2)
    assert all(any(Path(file or "").name == "toys.py" for file in side.values()) for side in found.modules)


@pytest.mark.slow
def test_what_a_tracker_prints_is_not_read_as_an_answer_and_the_reference_workload_can_be_timed(clip: Clip) -> None:
    found = timed(toy("Chatty"), TimedCode(None, {}), clip)
    assert found.cpu[0].max() != 1e-9
    assert found.ratio > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"), [("Failing", "RuntimeError: out of memory"), ("Dying", "exit code 7"), ("Nobody", "Nobody")]
)
def test_the_error_says_why_a_process_failed(clip: Clip, tmp_path: Path, name: str, words: str) -> None:
    np.savez(clip.path, *np.zeros((13, 60, 80, 3), dtype=np.uint8))
    with pytest.raises(EvalkitError, match=words):
        timed(toy("Mover"), toy(name), clip)


@pytest.mark.slow
def test_a_process_that_does_not_answer_is_stopped(clip: Clip) -> None:
    np.savez(clip.path, *np.zeros((13, 60, 80, 3), dtype=np.uint8))
    with pytest.raises(EvalkitError, match="did not answer within 5 seconds"):
        timed(toy("Mover"), toy("Sleeping"), clip, timeout=5)


@pytest.mark.parametrize(
    "region",
    [
        Box(0.1, 1 / 3, 16.0, 12.0),
        Polygon(np.array([[0.1, 0], [4, 1 / 3], [4, 4], [0, 4]])),
        Mask(np.eye(3, dtype=np.bool_), 2, 5),
    ],
)
def test_a_region_reaches_the_timed_process_to_the_last_bit(region: Region) -> None:
    sent = _region(json.loads(json.dumps(region_json(region))))
    assert type(sent) is type(region)
    assert region_json(sent) == region_json(region)
