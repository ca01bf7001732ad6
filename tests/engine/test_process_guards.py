"""Guards of evalkit's process around trackers, in several threads as in lockstep."""

from __future__ import annotations

import os
import warnings

import pytest

from evalkit.engine.process_guards import exit_as_error, keep_interpreter_settings


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


def warn() -> None:
    warnings.warn("shown once", UserWarning, stacklevel=1)


def test_a_warning_is_shown_once_in_a_run_and_not_once_in_every_sequence() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(3):
            with keep_interpreter_settings():
                warn()
    assert len(shown) == 1


def test_the_filters_of_a_tracker_end_with_its_sequence() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        before = list(warnings.filters)
        with keep_interpreter_settings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning):
                warn()
        assert list(warnings.filters) == before
        warn()
    assert len(shown) == 1
