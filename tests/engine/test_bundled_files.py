"""Files that are sent to the workers of a cluster; no cluster is needed to test it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.engine.cluster import _bundle_files
from evalkit.engine.work import Job
from evalkit.types import Execution


def worker(
    weights: Path | None,
    card: dict[str, Any] | None = None,
    tracker: str = "some",
    protocol: str | None = None,
    runtime: str = "torch",
) -> Any:
    job = Job(
        tracker, "label", "dataset", Path("results"), "one_pass", protocol_source=protocol, weights=weights,
        execution=Execution(runtime),
    )  # fmt: skip
    return SimpleNamespace(job=job, tracker=SimpleNamespace(card=card or {}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.pth").write_bytes(b"mine")
    (tmp_path / "other.pth").write_bytes(b"other")
    return tmp_path


def test_a_named_checkpoint_and_the_named_files_of_tracker_protocol_and_runtime_are_sent(folder: Path) -> None:
    code, rule, runtime = folder / "tracker.py", folder / "rule.py", folder / "runtime.py"
    code.write_text("pass")
    rule.write_text("...")
    runtime.write_text("1")
    asked = worker(folder / "mine.pth", None, f"{code}:Mine", f"{rule}:run_mine", f"{runtime}:Mine")
    assert _bundle_files(asked) == {
        "runtime": ("runtime.py", b"1"),
        "weights": ("mine.pth", b"mine"),
        "tracker": ("tracker.py", b"pass"),
        "protocol": ("rule.py", b"..."),
    }


def test_only_the_checkpoint_that_was_loaded_from_a_folder_is_sent(folder: Path) -> None:
    assert _bundle_files(worker(folder, {"weights": {"file": "other.pth"}})) == {"weights": ("other.pth", b"other")}


def test_nothing_is_sent_from_a_folder_without_a_checkpoint_of_the_tracker(folder: Path) -> None:
    assert _bundle_files(worker(folder)) == {}
    assert _bundle_files(worker(None)) == {}
