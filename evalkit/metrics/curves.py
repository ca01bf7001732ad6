"""Count the values above, up to, or at least as large as each of several thresholds."""

from __future__ import annotations

import numpy as np

from evalkit import compiled
from evalkit.types import Floats

_SECONDS_PER_VALUE = 2e-8  # without compiled code


def count_above(values: Floats, thresholds: Floats) -> Floats:
    """Return the number of values above each threshold, strictly; NaN is above none.

    >>> count_above(np.array([0.0, 0.5, np.nan]), np.array([0.0, 0.5])).tolist()
    [1.0, 0.0]
    """
    known = values.size - np.count_nonzero(np.isnan(values))
    counts: Floats = known - count_up_to(values, thresholds)
    return counts


def count_up_to(values: Floats, thresholds: Floats) -> Floats:
    """Return the number of values that are at most each threshold; NaN is not counted.

    >>> count_up_to(np.array([-1.0, 20.0, np.nan]), np.array([0.0, 20.0])).tolist()
    [1.0, 2.0]
    """
    if compiled.worthwhile(values.size * _SECONDS_PER_VALUE):
        counts = np.zeros(thresholds.size + 1, dtype=np.int64)
        compiled.kernel("histogram")(np.ascontiguousarray(values), thresholds, counts)
        return np.cumsum(counts[:-1]).astype(np.float64)
    return np.searchsorted(np.sort(values), thresholds, side="right").astype(np.float64)


def count_reaching(values: Floats, thresholds: Floats) -> Floats:
    """Return the number of values that are at least each threshold; NaN is not counted.

    >>> count_reaching(np.array([0.0, 0.5, np.nan]), np.array([0.0, 0.5])).tolist()
    [2.0, 1.0]
    """
    values = np.sort(values[~np.isnan(values)])
    counts: Floats = (values.size - np.searchsorted(values, thresholds, side="left")).astype(np.float64)
    return counts
