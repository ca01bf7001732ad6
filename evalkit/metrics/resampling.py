"""Draws resamples of sequences, and computes scores in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from evalkit.metrics.measures import Measure
from evalkit.types import Floats

RESAMPLES = 10_000

_AT_ONCE = 2_000
"""Resamples whose sums are computed at once: all would not fit into the cache, nor, for long curves, into memory."""

_COLUMNS = 512
"""Columns of sums that are computed at once, where a measure does not have more."""


@lru_cache(maxsize=4)
def resample(sequences: int, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Draw sequences with replacement.

    Returns:
        Number of times that each sequence is drawn, shape (resamples, sequences); read-only.
    """
    drawn = np.random.default_rng(seed).integers(0, sequences, (resamples, sequences))
    flat = (drawn + np.arange(resamples)[:, None] * sequences).ravel()
    counts = np.bincount(flat, minlength=resamples * sequences)
    weights: Floats = counts.reshape(resamples, sequences).astype(np.float64)
    weights.flags.writeable = False
    return weights


def resampled_scores(measures: Sequence[Measure], weights: Floats) -> list[Floats]:
    """Compute the scores of several measures of the same sequences in every resample.

    The sums of many measures are one product of matrices, which reads the weights once.

    Args:
        measures: Their sequences are the same, in the same order.
        weights: From ``resample``, shape (B, S).

    Returns:
        For each measure, shape (B,); NaN where the score does not exist.
    """
    condensed = [one.condensed() for one in measures]
    return [scores for group in _groups(condensed) for scores in _scores_of_group(group, weights)]


def _groups(measures: Sequence[Measure]) -> Iterator[list[Measure]]:
    """Yield the measures in groups of a limited number of columns."""
    group: list[Measure] = []
    columns = 0
    for measure in measures:
        if group and columns + _width(measure) > _COLUMNS:
            yield group
            group, columns = [], 0
        group.append(measure)
        columns += _width(measure)
    if group:
        yield group


def _width(measure: Measure) -> int:
    return sum(int(part.shape[1]) for part in (measure.numerator, measure.denominator) if part is not None)


def _scores_of_group(group: Sequence[Measure], weights: Floats) -> list[Floats]:
    parts = [part for one in group for part in (one.numerator, one.denominator) if part is not None]
    stacked = np.ascontiguousarray(np.hstack(parts))
    ends = np.cumsum([part.shape[1] for part in parts])[:-1]
    found: list[list[Floats]] = [[] for _ in group]
    for start in range(0, len(weights), _AT_ONCE):
        sums = iter(np.split(weights[start : start + _AT_ONCE] @ stacked, ends, axis=1))
        for place, one in enumerate(group):
            above = next(sums)
            found[place].append(one.from_sums(above, None if one.denominator is None else next(sums)))
    return [np.concatenate(scores) for scores in found]
