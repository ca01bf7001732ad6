"""Loops compiled at run time, where the optional package numba is installed (``pip install evalkit-sot[fast]``).

Each gives the integers of its NumPy form, which stands in where numba is not installed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def count_pixels(a: Ints, b: Ints, size: Ints, toolkit: bool) -> Ints | None:
    """Shape (N, 3): pixels of polygon a, of b, of both; None without numba."""
    return None
