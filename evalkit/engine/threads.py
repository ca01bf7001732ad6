"""How many threads libraries compute in: every core if nobody says otherwise, which changes times and last bits."""

from __future__ import annotations

import sys


def pin_threads(threads: int) -> None:
    """Make the libraries that are loaded compute in that many threads.

    NumPy's own reads the environment once, when it is loaded: see ``thread_environment``.
    """
    import cv2

    cv2.setNumThreads(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def thread_environment(threads: int) -> dict[str, str]:
    """Environment in which a process that starts computes in that many threads. Imports nothing that is slow."""
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
