"""What travels to a cluster's workers; no cluster is needed to say it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.engine.cluster import _luggage


def worker(
    weights: Path | None, card: dict[str, Any] | None = None, tracker: str = "some", protocol: str | None = None
) -> Any:
    job = SimpleNamespace(weights=weights, tracker=tracker, runtime="torch", protocol_source=protocol)
    return SimpleNamespace(job=job, tracker=SimpleNamespace(card=card or {}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.pth").write_bytes(b"mine")
    (tmp_path / "other.pth").write_bytes(b"other")
    return tmp_path


def test_a_named_checkpoint_and_the_named_files_of_a_tracker_and_a_protocol_travel(folder: Path) -> None:
    code, rule = folder / "tracker.py", folder / "rule.py"
    code.write_text("pass")
    rule.write_text("...")
    found = _luggage(worker(folder / "mine.pth", tracker=f"{code}:Mine", protocol=f"{rule}:run_mine"))
    assert found == {
        "weights": ("mine.pth", b"mine"),
        "tracker": ("tracker.py", b"pass"),
        "protocol": ("rule.py", b"..."),
    }


def test_of_a_folder_the_checkpoint_travels_that_the_tracker_took(folder: Path) -> None:
    assert _luggage(worker(folder, {"weights": {"file": "other.pth"}})) == {"weights": ("other.pth", b"other")}


def test_a_folder_stays_behind_that_the_tracker_takes_nothing_from(folder: Path) -> None:
    assert _luggage(worker(folder)) == {}
    assert _luggage(worker(None)) == {}
