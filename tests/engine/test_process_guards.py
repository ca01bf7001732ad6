"""Guards of evalkit's process around trackers, in several threads as in lockstep."""

from __future__ import annotations

import os

import pytest

from evalkit.engine.process_guards import exit_as_error


def test_the_real_exit_is_restored_after_blocks_that_overlap() -> None:
    real = os._exit
    first, second = exit_as_error(), exit_as_error()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with pytest.raises(SystemExit, match=r"os._exit\(3\)"):
        os._exit(3)
    second.__exit__(None, None, None)
    assert os._exit is real
