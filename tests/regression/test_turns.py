"""Processes that take turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.regression import turns
from evalkit.regression.turns import Clip, Entrant, Turns

TOYS = Path(__file__).with_name("toys.py")


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    path = tmp_path / "clip.npz"
    np.savez(path, *np.zeros((4, 60, 80, 3), dtype=np.uint8))
    return Clip(path, "20,24,16,12")


def toy(name: str, **settings: object) -> Entrant:
    offered = {"weights": None, "threads": 1, "settings": {key: str(value) for key, value in settings.items()}}
    return Entrant(f"{TOYS}:{name}", offered)


def raced(first: Entrant, second: Entrant, clip: Clip) -> Turns:
    return turns.take(first, second, clip, core=turns.cores()[0])


def test_the_ratio_is_the_median_over_blocks_in_which_each_side_begins_once() -> None:
    # Blocks (1 + 3) and (1.5 + 2.9), (2 + 2) and (2 + 2.4), (1 + 1) and (100 + 100): ratios 1.1, 1.1, 100.
    cpu = np.array([[1.0, 3.0, 2.0, 2.0, 1.0, 1.0], [1.5, 2.9, 2.0, 2.4, 100.0, 100.0]])
    found = Turns(cpu, cpu, ({"a": ""}, {"b": ""}))
    assert found.ratio == pytest.approx(1.1)
    assert found.swapped().ratio == pytest.approx(1 / 1.1)
    assert found.swapped().modules == ({"b": ""}, {"a": ""})


@pytest.mark.slow
def test_twice_the_work_is_twice_the_cpu_time(clip: Clip) -> None:
    found = raced(toy("Busy", milliseconds=2), toy("Busy", milliseconds=4), clip)
    assert found.ratio == pytest.approx(2.0, abs=0.2)
    assert found.cpu.shape == found.wall.shape
    assert turns.CYCLES[0] * turns.FRAMES <= found.cpu.shape[1] <= turns.CYCLES[1] * turns.FRAMES
    assert np.median(found.cpu[0]) == pytest.approx(0.002, rel=0.2)
    assert all(any(Path(file or "").name == "toys.py" for file in side.values()) for side in found.modules)


@pytest.mark.slow
def test_what_a_tracker_prints_is_no_answer_and_the_reference_workload_races_too(clip: Clip) -> None:
    found = raced(toy("Chatty"), Entrant(None, {}), clip)
    assert found.cpu[0].max() != 1e-9
    assert found.ratio > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"), [("Failing", "RuntimeError: out of memory"), ("Dying", "exit code 7"), ("Nobody", "Nobody")]
)
def test_a_side_that_fails_says_why(clip: Clip, tmp_path: Path, name: str, words: str) -> None:
    np.savez(clip.path, *np.zeros((13, 60, 80, 3), dtype=np.uint8))
    with pytest.raises(EvalkitError, match=words):
        raced(toy("Mover"), toy(name), clip)
