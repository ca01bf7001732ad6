"""Keep a tracker from ending evalkit's process or changing its working folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn


@contextmanager
def exit_as_error() -> Iterator[None]:
    """Let a tracker's ``os._exit`` raise ``SystemExit`` in this process: evalkit would end without a word.

    A child process that the tracker has forked ends as usual.
    """
    process, leave = os.getpid(), os._exit

    def refused(status: int) -> NoReturn:
        if os.getpid() != process:
            leave(status)
        raise SystemExit(f"the tracker called os._exit({status})")

    os._exit = refused
    try:
        yield
    finally:
        os._exit = leave


@contextmanager
def keep_cwd() -> Iterator[None]:
    """Restore the current folder at the end, so that a tracker's ``chdir`` does not affect relative paths."""
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)
