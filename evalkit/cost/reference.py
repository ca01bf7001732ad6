"""The workload that CPU times are compared to, bundled so that every machine can run it.

A time in milliseconds says as much about the machine, and about what else it was doing, as about the tracker. The
quotient of two CPU times taken alternately in one process says how much work there is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

VERSION = 1
"""Rises with any change of the workload: quotients to different versions do not compare."""


def workload() -> Callable[[], None]:
    """A few milliseconds of arithmetic and sorting in one thread, the same everywhere.

    NumPy's own loops only: a BLAS library would bring threads and speeds of its own. Nothing that asks for fresh
    memory or works beyond the caches either, as that is what varies most between two starts of a process.
    """
    random = np.random.default_rng(0)
    matrix = random.standard_normal((192, 192)).astype(np.float32)
    values = random.standard_normal(1 << 16).astype(np.float32)

    def run() -> None:
        np.einsum("ij,jk->ik", matrix, matrix)
        np.einsum("ij,jk->ik", matrix, matrix)
        np.sort(values)

    return run
