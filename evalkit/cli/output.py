"""Keep standard output for the command's own output: what trackers and runtimes print goes to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

_OUTPUT, _ERRORS = 1, 2


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what Python, libraries and child processes print to standard error until the context ends."""
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        saved = os.dup(_OUTPUT)
        os.dup2(_ERRORS, _OUTPUT)
    except OSError:  # one of them is closed
        yield
        return
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, _OUTPUT)
        os.close(saved)
