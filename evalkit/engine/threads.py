"""Set the number of threads of libraries. Their default, all cores, changes times and the last bits of results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def pin_threads(threads: int) -> None:
    """Set the number of threads of the libraries that are loaded.

    NumPy's number is read from the environment when NumPy is loaded: see ``thread_environment``.
    """
    import cv2

    cv2.setNumThreads(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def thread_environment(threads: int) -> dict[str, str]:
    """Return the environment variables that set the number of threads of a new process; imports nothing slow."""
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))


@contextmanager
def inherited_threads(threads: int) -> Iterator[None]:
    """Let processes that are started in this context have this number of threads; see ``thread_environment``."""
    environment = thread_environment(threads)
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
