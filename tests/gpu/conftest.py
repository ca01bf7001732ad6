"""The GPU that these tests need; without one they are skipped, or fail if ``EVALKIT_REQUIRE_GPU`` is 1."""

from __future__ import annotations

import os

import pytest
import torch


@pytest.fixture(scope="session")
def cuda() -> str:
    """Name of the first CUDA device."""
    if not torch.cuda.is_available():
        reason = "PyTorch sees no CUDA device here"
        if os.environ.get("EVALKIT_REQUIRE_GPU") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return "cuda:0"
