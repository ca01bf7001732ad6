"""One-sided 95 % bounds from few values, by Student's t: the bootstrap of four values is far too narrow."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

_T95 = (6.3138, 2.9200, 2.3534, 2.1319, 2.0151, 1.9432, 1.8946, 1.8596, 1.8332, 1.8125)
_NORMAL95 = 1.6449


class Bounds(NamedTuple):
    """The mean of logarithms of ratios, and what it surely is not below and not above, each with 95 %."""

    center: float
    low: float
    high: float


def t95(freedom: float) -> float:
    """The 95 % quantile of Student's t, never less than exact.

    >>> t95(3), t95(10), t95(math.inf)
    (2.3534, 1.8125, 1.6449)
    """
    whole = len(_T95) if freedom > len(_T95) else int(freedom)
    if whole < len(_T95):
        return _T95[max(whole, 1) - 1]
    return _NORMAL95 + (_T95[-1] - _NORMAL95) * len(_T95) / freedom


def of_mean(logs: Sequence[float]) -> Bounds:
    """Of independent values of one thing; unbounded where there is only one."""
    center = statistics.fmean(logs)
    if len(logs) < 2:
        return Bounds(center, -math.inf, math.inf)
    reach = t95(len(logs) - 1) * math.sqrt(_square(logs))
    return Bounds(center, center - reach, center + reach)


def of_difference(old: Sequence[float], new: Sequence[float], *, session: float) -> Bounds:
    """Of ``new`` minus ``old``, each measured in a session of its own (Welch, Satterthwaite).

    Args:
        session: Known standard deviation that all values of a session share.
    """
    center = statistics.fmean(new) - statistics.fmean(old)
    squares = [(_square(logs), len(logs) - 1) for logs in (old, new) if len(logs) > 1]
    total = sum(square for square, _ in squares) + 2 * session**2
    uncertain = sum(square**2 / freedom for square, freedom in squares)
    reach = t95(total**2 / uncertain if uncertain else math.inf) * math.sqrt(total)
    return Bounds(center, center - reach, center + reach)


def _square(logs: Sequence[float]) -> float:
    """Squared standard error of the mean."""
    return statistics.variance(logs) / len(logs)
