"""What travels to a cluster's workers; no cluster is needed to say it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.engine.cluster import _luggage


def worker(weights: Path | None, card: dict[str, Any] | None = None, tracker: str = "some") -> Any:
    return SimpleNamespace(
        job=SimpleNamespace(weights=weights, tracker=tracker), tracker=SimpleNamespace(card=card or {})
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.pth").write_bytes(b"mine")
    (tmp_path / "other.pth").write_bytes(b"other")
    return tmp_path


def test_a_named_checkpoint_and_a_named_file_of_a_tracker_travel(folder: Path) -> None:
    code = folder / "tracker.py"
    code.write_text("pass")
    found = _luggage(worker(folder / "mine.pth", tracker=f"{code}:Mine"))
    assert found == {"weights": ("mine.pth", b"mine"), "tracker": ("tracker.py", b"pass")}


def test_of_a_folder_the_checkpoint_travels_that_the_tracker_took(folder: Path) -> None:
    assert _luggage(worker(folder, {"weights": {"file": "other.pth"}})) == {"weights": ("other.pth", b"other")}


def test_a_folder_stays_behind_that_the_tracker_takes_nothing_from(folder: Path) -> None:
    assert _luggage(worker(folder)) == {}
    assert _luggage(worker(None)) == {}
