"""Is the difference between two runs beyond a margin? Sequences are the sample.

Each resample draws sequences with replacement, the same ones for both runs, and recomputes both scores from them, so
that pooled and non-linear scores (AO over frames, expected average overlap) are resampled as what they are.

A bound is the more cautious of two: the percentile of the resampled changes, and Student's t with the resamples'
standard error. The percentile alone is too narrow where few sequences carry all of the change: at the margin itself it
raised 8 to 9 false alarms in 100 where 5 were agreed (``benchmarks/gates.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.statistics import resample
from evalkit.regression.records import Share

Floats = NDArray[np.float64]

RESAMPLES = 4000
LEVEL = 0.05
"""Of every one-sided bound."""
ALARM = 0.04
"""Highest p-value, adjusted for the number of metrics, at which a gate fails: with heavy tails, 0.05 at hundreds of
sequences gave 5.0 to 5.1 false alarms in 100, this one gives 4."""


@dataclass(frozen=True)
class Change:
    """The change of a score and how sure it is; positive is better, whatever the metric.

    Attributes:
        gain: Of the score.
        low, high: One-sided 95 % bounds.
        p: Of observing this if the score had become worse by exactly the margin.
        error: Standard error of ``gain``.
        sequences: Number compared.
    """

    gain: float
    low: float
    high: float
    p: float
    error: float
    sequences: int


def compare(
    old: Mapping[str, Share], new: Mapping[str, Share], *, margin: float, higher_is_better: bool = True
) -> Change | None:
    """The change over the sequences that both have; None where there is none, or no score on either side.

    Args:
        margin: Change for the worse that is allowed, >= 0.
    """
    names = [name for name in old if name in new]
    if not names:
        return None
    sign = 1.0 if higher_is_better else -1.0
    before, after = (_columns([side[name] for name in names]) for side in (old, new))
    weights = resampling(len(names))
    whole = np.ones((1, len(names)))
    gain = sign * float(scores(*after, whole)[0] - scores(*before, whole)[0])
    gains = sign * (scores(*after, weights) - scores(*before, weights))
    if not math.isfinite(gain):
        return None
    return summary(gain, gains[np.isfinite(gains)], len(names), margin=margin)


def summary(gain: float, gains: Floats, count: int, *, margin: float) -> Change:
    """Bounds and p-value of a gain from its resamples.

    Args:
        gains: Shape (B,).
        count: Number of sequences.
    """
    # Differences below what a baseline keeps are none.
    error = float(gains.std()) * math.sqrt(count / max(count - 1, 1))
    if error < 1e-12:
        return Change(gain, gain, gain, float(gain >= -margin), 0.0, count)
    from scipy import stats

    student = float(stats.t.ppf(1 - LEVEL, count - 1))
    low, high = (float(value) for value in np.quantile(gains, (LEVEL, 1 - LEVEL)))
    tail = float(((gains >= -margin).sum() + 1) / (gains.size + 1))
    p = max(tail, float(stats.t.cdf((gain + margin) / error, count - 1)))
    return Change(gain, min(low, gain - student * error), max(high, gain + student * error), p, error, count)


def needed(change: Change, margin: float) -> int | None:
    """Number of sequences at which a change like this would be told from the margin; None where never, or already.

    It grows with the square of standard error over distance to the margin.
    """
    distance = abs(change.gain + margin)
    if change.error == 0 or distance == 0:
        return None
    return max(change.sequences + 1, math.ceil(change.sequences * (1.645 * change.error / distance) ** 2))


@lru_cache(maxsize=8)
def resampling(count: int) -> Floats:
    """Shape (RESAMPLES, count): how often each sequence is drawn; the same in every call, so that verdicts are."""
    return resample(count, RESAMPLES)


def scores(numerator: Floats, denominator: Floats | None, weights: Floats) -> Floats:
    """Shape (B,): the score when sequences count as often as the rows of ``weights`` say; NaN where none exists."""
    above = weights @ numerator
    if denominator is None:
        total: Floats = above.mean(axis=1)
        return total
    below = weights @ denominator
    known = below != 0
    ratios = np.divide(above, below, out=np.zeros_like(above), where=known)
    count = known.sum(axis=1)
    mean: Floats = np.divide(ratios.sum(axis=1), count, out=np.full(len(weights), np.nan), where=count > 0)
    return mean


def _columns(shares: Sequence[Share]) -> tuple[Floats, Floats | None]:
    numerator = np.array([share.numerator for share in shares], dtype=np.float64)
    if not shares or not shares[0].denominator:
        return numerator, None
    return numerator, np.array([share.denominator for share in shares], dtype=np.float64)
