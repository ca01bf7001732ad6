"""The programs of docs/add-a-tracker.md."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from evalkit import factories
from evalkit.types import Box, Region

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-tracker.md"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Write the page's programs to the files that their first lines name."""
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        if named := re.match(r'"""(\w+\.py):', block):
            (tmp_path / named[1]).write_text(block, encoding="utf-8")
    return tmp_path


def moving(index: int) -> np.ndarray:
    image = np.random.default_rng(1).integers(0, 100, (80, 120, 3), dtype=np.uint8)
    x, y = 30 + 3 * index, 20 + 2 * index
    image[y : y + 16, x : x + 20] = np.random.default_rng(2).integers(100, 256, (16, 20, 3), dtype=np.uint8)
    return image


def follow(name: str) -> Region | None:
    tracker = factories.create_tracker(name)
    tracker.initialize(moving(0), Box(30, 20, 20, 16))
    return [tracker.update(moving(index)) for index in range(1, 6)][-1].region


def test_the_page_s_tracker_follows_a_moving_target(programs: Path):
    assert follow(f"{programs / 'matching.py'}:Matching") == Box(45, 30, 20, 16)


def test_the_page_s_program_returns_the_first_box(programs: Path):
    assert follow(f"program:{sys.executable} {programs / 'still.py'}") == Box(30, 20, 20, 16)


def test_the_page_names_every_request_of_the_protocol():
    for request in ("hello", "initialize", "update"):
        assert f'{{"do": "{request}"' in PAGE.read_text(encoding="utf-8")


def test_the_page_and_its_programs_use_public_modules_only():
    assert not re.findall(r"evalkit[\w./]*[./]_\w+|trackers/_\w+", PAGE.read_text(encoding="utf-8"))
