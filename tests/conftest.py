"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of real weights, sequences, results and golden outputs; see CONTRIBUTING."""
    folder = Path(os.environ.get("EVALKIT_TEST_DATA") or HERE.parents[1] / "shared" / "data")
    if not folder.is_dir():
        reason = f"the test data is not at {folder}; set EVALKIT_TEST_DATA"
        if os.environ.get("EVALKIT_REQUIRE_TEST_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
