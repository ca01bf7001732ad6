"""The reference workload, which CPU times are divided by; it is the same on every machine.

A time in milliseconds depends on the machine and on its other load as much as on the tracker. The ratio of two CPU
times that are measured alternately in one process depends on the amount of work.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

VERSION = 1
"""Increased with any change of the workload: ratios to different versions are not comparable."""


def workload() -> Callable[[], None]:
    """Return a function that computes and sorts for a few milliseconds in one thread.

    It uses NumPy's own loops only, because a BLAS library has threads and speeds of its own. It neither allocates
    memory nor exceeds the caches, because these vary most from one start of a process to the next.
    """
    random = np.random.default_rng(0)
    matrix = random.standard_normal((192, 192)).astype(np.float32)
    values = random.standard_normal(1 << 16).astype(np.float32)

    def execute_workload() -> None:
        np.einsum("ij,jk->ik", matrix, matrix)
        np.einsum("ij,jk->ik", matrix, matrix)
        np.sort(values)

    return execute_workload
