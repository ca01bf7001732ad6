"""Keep a tracker from ending evalkit's process, closing its streams or changing its folder and settings."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn


@contextmanager
def guarded_process() -> Iterator[None]:
    """Keep the process, its folder and its standard streams while a tracker runs."""
    with keep_cwd(), exit_as_error(), keep_descriptors():
        yield


exit_process = os._exit
"""The real function, also while ``exit_as_error`` has replaced ``os._exit``."""
_lock = threading.Lock()
_guards = 0
"""Number of blocks of ``exit_as_error`` that run, in several threads of lockstep."""


@contextmanager
def exit_as_error() -> Iterator[None]:
    """Let a tracker's ``os._exit`` raise ``SystemExit`` in this process: evalkit would end without a word.

    A child process that the tracker has forked ends as usual.
    """
    process = os.getpid()

    def refused(status: int) -> NoReturn:
        if os.getpid() != process:
            exit_process(status)
        raise SystemExit(f"the tracker called os._exit({status})")

    _count_guards(1)
    os._exit = refused
    try:
        yield
    finally:
        _count_guards(-1)


def _count_guards(change: int) -> None:
    global _guards
    with _lock:
        _guards += change
        if _guards == 0:
            os._exit = exit_process


@contextmanager
def keep_cwd() -> Iterator[None]:
    """Restore the current folder at the end, so that a tracker's ``chdir`` does not affect relative paths."""
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)


@contextmanager
def keep_interpreter_settings() -> Iterator[None]:
    """Restore the recursion limit, NumPy's handling of errors and the filters of warnings at the end."""
    import numpy as np

    limit, filters = sys.getrecursionlimit(), list(warnings.filters)
    with np.errstate():
        try:
            yield
        finally:
            sys.setrecursionlimit(limit)
            if list(warnings.filters) != filters:
                _restore_filters(filters)


def _restore_filters(filters: list[Any]) -> None:
    """Restore the filters of warnings; Python then shows again what it has shown once, so only after a change."""
    shared: Any = warnings.filters
    shared[:] = filters
    with warnings.catch_warnings():  # lets Python notice the change
        pass


_HIGH = 512
"""Numbers of descriptors from here on are not closed by a tracker that closes the usual ones."""


@contextmanager
def keep_descriptors() -> Iterator[None]:
    """Open standard output and error again at the end if the tracker has closed them."""
    saved = {number: copy for number in (1, 2) if (copy := _copy(number)) is not None}
    try:
        yield
    finally:
        for number, copy in saved.items():
            if not _is_open(number):
                os.dup2(copy, number)
            os.close(copy)


def _copy(number: int) -> int | None:
    with suppress(OSError, ImportError):
        import fcntl

        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    return None


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
