"""Permutation tests of many pairs of results at once.

A relabelling swaps the two results of a pair within random sequences. The relabellings are drawn once for all pairs,
and each result's sum over its swapped sequences is computed once: a pair then costs additions only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.measures import Measure, Reduction, ratio
from evalkit.types import Floats

EXACT = 13
"""Number of sequences up to which all relabellings are computed: at most 8,192."""

_ROWS = 1_000
_NUMBERS = 2_000_000
"""Number of values in memory at once."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """What the sequences of one result contribute to the part of the curve that its score is read from.

    Attributes:
        above: Numerators, shape (S, K).
        below: Denominators, shape (S, K) or (S, 1); None where there are none.
    """

    above: Floats
    below: Floats | None


def permutation_p_values(
    measures: Sequence[Measure],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    values: Floats,
    resamples: int,
    seed: int,
) -> Floats:
    """Return two-sided p-values of the hypothesis that the two results of a pair are exchangeable.

    Args:
        measures: Results of one metric on the same sequences in the same order.
        first, second: Shape (P,): the place of each pair's results in ``measures``.
        values: Shape (P,): the observed differences.
        resamples: Number of random relabellings; up to ``EXACT`` sequences, all relabellings are used instead.
        seed: Seed of the relabellings.

    Returns:
        Shape (P,).
    """
    rows, reduction = _rows(measures)
    # With rounding, the observed labelling must still count as as extreme as itself.
    limits = np.abs(values) * (1 - 1e-12) - 1e-15
    reached = np.zeros(len(values))
    width = rows[0].above.shape[1]
    at_once = max(1, _NUMBERS // (_ROWS * max(width, 1)))
    for swapped in _relabellings(len(measures[0].sequences), resamples, seed):
        above = [_Sums(swapped, one.above) for one in rows]
        below = [None if one.below is None else _Sums(swapped, one.below) for one in rows]
        for start in range(0, len(values), at_once):
            part = slice(start, start + at_once)
            pairs = list(zip(first[part].tolist(), second[part].tolist(), strict=True))
            one = _scores(above, below, pairs, measures[0].empty, reduction)
            other = _scores(above, below, [(b, a) for a, b in pairs], measures[0].empty, reduction)
            reached[part] += (np.abs(one - other) >= limits[part, None]).sum(axis=1)
    if len(measures[0].sequences) <= EXACT:
        exact: Floats = reached / 2 ** len(measures[0].sequences)
        return exact
    # The observed labelling is added to the random ones.
    return (reached + 1) / (resamples + 1)


def _relabellings(sequences: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield tables of shape (R, S) that are 1 where the two results of a sequence are swapped.

    For few sequences these are all relabellings there are, the observed one included.
    """
    if sequences <= EXACT:
        yield (np.arange(2**sequences)[:, None] >> np.arange(sequences) & 1).astype(np.float64)
        return
    random = np.random.default_rng(seed + 1)
    for start in range(0, resamples, _ROWS):
        yield random.integers(0, 2, (min(_ROWS, resamples - start), sequences)).astype(np.float64)


class _Sums:
    """Sums over the swapped and over the other sequences, each of shape (R, K)."""

    def __init__(self, swapped: Floats, rows: Floats) -> None:
        self.swapped = swapped @ rows
        self.kept = (1 - swapped) @ rows


def _scores(
    above: Sequence[_Sums],
    below: Sequence[_Sums | None],
    pairs: Sequence[tuple[int, int]],
    empty: float,
    reduction: Reduction,
) -> Floats:
    """Return the scores of the relabelled first results, shape (pairs, R)."""
    numerators = np.stack([above[one].kept + above[other].swapped for one, other in pairs])
    sums = [(below[one], below[other]) for one, other in pairs]
    denominators = [one.kept + other.swapped for one, other in sums if one is not None and other is not None]
    return reduction.combine(ratio(numerators, np.stack(denominators) if denominators else None, empty))


def _rows(measures: Sequence[Measure]) -> tuple[list[_Rows], Reduction]:
    condensed = [one.condensed() for one in measures]
    width = min(one.numerator.shape[1] for one in condensed)
    with_denominators = all(one.denominator is not None for one in condensed)
    rows = [
        _Rows(
            one.numerator[:, :width],
            one.denominator[:, :width] if with_denominators and one.denominator is not None else None,
        )
        for one in condensed
    ]
    return rows, condensed[0].reduce
