"""Standard output belongs to the answer: what trackers and runtimes print meanwhile goes to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

_OUTPUT, _ERRORS = 1, 2


@contextmanager
def kept_for_the_answer() -> Iterator[None]:
    """Whatever is printed inside, by Python, by libraries or by other processes, goes to standard error."""
    sys.stdout.flush()
    try:
        kept = os.dup(_OUTPUT)
        os.dup2(_ERRORS, _OUTPUT)
    except OSError:  # one of them is closed: there is nothing to keep apart
        yield
        return
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, _OUTPUT)
        os.close(kept)
