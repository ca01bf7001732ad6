from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from evalkit.errors import EvalkitError
from evalkit.io import atomic


def test_a_file_is_replaced_once_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "scores.txt"
    with atomic.replacing(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
    with atomic.replacing(path) as temporary:
        temporary.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert [one.name for one in path.parent.iterdir()] == ["scores.txt"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_a_block_that_fails_leaves_the_earlier_file_and_no_temporary_one(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("earlier")
    with pytest.raises(failure), atomic.replacing(path) as temporary:
        temporary.write_text("half of")
        raise failure
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("scores.txt", "earlier")]


def test_a_full_disk_is_reported_with_the_file_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EvalkitError, match=r"scores\.txt: cannot write this file: No space left.*free some disk space"):
        atomic.write_text(tmp_path / "scores.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_finished_file_is_moved_and_stays_if_that_fails(tmp_path: Path) -> None:
    part, path = tmp_path / "model.part", tmp_path / "model"
    part.write_bytes(b"tensors")
    atomic.move_into_place(part, path)
    assert (path.read_bytes(), part.exists()) == (b"tensors", False)
    part.write_bytes(b"newer")
    path.unlink()
    (path / "occupied").mkdir(parents=True)
    with pytest.raises(EvalkitError, match="model: cannot write this file"):
        atomic.move_into_place(part, path)
    assert part.read_bytes() == b"newer"


def test_json_is_sorted_and_strict(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    atomic.write_json(path, {"b": 1, "a": "ü"})
    assert path.read_text(encoding="utf-8") == '{\n  "a": "ü",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        atomic.write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "ü", "b": 1}
