"""The lock of a file that several processes may replace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalkit.io.file_lock import FileLockedError, exclusive_lock


def test_a_second_lock_is_rejected_and_names_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    with exclusive_lock(path):
        assert [one.name for one in path.parent.iterdir()] == [".file.json.lock"]
        with pytest.raises(FileLockedError, match=f"process {os.getpid()}"), exclusive_lock(path):
            pytest.fail("both hold the lock")
        with exclusive_lock(tmp_path / "new" / "other.json"):
            pass
    assert not list(path.parent.iterdir())


def test_the_lock_is_released_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive_lock(tmp_path / "file.json"):
        raise ZeroDivisionError
    with exclusive_lock(tmp_path / "file.json"):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), exclusive_lock(tmp_path / "file" / "b.json"):
        pytest.fail("there is no such folder")
