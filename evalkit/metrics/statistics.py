"""Confidence intervals of scores, and significance of differences, by resampling sequences.

Sequences are drawn, not frames: the frames of one sequence are not independent. A score is recomputed for every
resample from what its sequences contribute, so that EAO and pooled scores are treated like means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from statistics import NormalDist

import numpy as np

from evalkit.metrics.measures import Measure
from evalkit.metrics.permutation import permutation_p_values
from evalkit.types import Floats

RESAMPLES = 10_000
_AT_ONCE = 2_000
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Difference:
    """The difference of two results on the same sequences.

    Attributes:
        value: Score of the first result minus score of the second.
        low, high: Two-sided confidence interval.
        lower, upper: One-sided confidence bounds of the difference, at the same level.
        p_value: Two-sided p-value of the hypothesis that the two results are exchangeable.
        sequences: Number of sequences.
    """

    value: float
    low: float
    high: float
    lower: float
    upper: float
    p_value: float
    sequences: int


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


def interval(measure: Measure, weights: Floats | None = None, *, level: float = 0.95) -> tuple[float, float] | None:
    """Compute the bootstrap confidence interval of a score: BCa, bias-corrected and accelerated (Efron, 1987).

    Args:
        weights: From ``resample``; drawn with seed 0 if not given. One set serves all scores of the same sequences.
        level: Confidence level.

    Returns:
        Lower and upper bound; None for fewer than two sequences or where the score does not exist.
    """
    value = measure.value()
    if value is None or len(measure.sequences) < 2:
        return None
    if weights is None:
        weights = resample(len(measure.sequences))
    values = _in_parts(measure, weights)
    values = values[~np.isnan(values)]
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(values, _corrected_quantiles(tails, values, value, jackknife(measure)))
    return float(low), float(high)


def jackknife(measure: Measure) -> Floats:
    """Compute the score without each of its sequences in turn, shape (S,)."""
    count = len(measure.sequences)
    return measure.values(np.ones((count, count)) - np.eye(count))


def difference(
    candidate: Measure, baseline: Measure, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Compare two results on the sequences that both have.

    The interval has the percentiles of the differences over common resamples; the p-value is that of a permutation
    test, which swaps the two results within random sequences.

    Raises:
        ValueError: They have no sequence in common, or the score does not exist for one of them.
    """
    candidate, baseline = paired(candidate, baseline)
    value = float(score_differences(candidate, baseline, np.ones((1, len(candidate.sequences))))[0])
    if np.isnan(value):
        raise ValueError(f"{candidate.metric.name} does not exist for both results")
    weights = resample(len(candidate.sequences), resamples, seed)
    values = score_differences(candidate, baseline, weights)
    tail = 1 - level
    low, high, lower, upper = np.nanquantile(values, [tail / 2, 1 - tail / 2, tail, 1 - tail])
    one, other = np.array([0]), np.array([1])
    p_value = float(permutation_p_values([candidate, baseline], one, other, np.array([value]), resamples, seed)[0])
    return Difference(value, float(low), float(high), float(lower), float(upper), p_value, len(candidate.sequences))


def paired(candidate: Measure, baseline: Measure) -> tuple[Measure, Measure]:
    """Restrict two results to the sequences that both have, in the same order.

    Raises:
        ValueError: They have no sequence in common.
    """
    common = frozenset(candidate.sequences) & frozenset(baseline.sequences)
    if not common:
        raise ValueError("the two results have no sequence in common")
    first, second = candidate.only(common), baseline.only(common)
    return first, second.ordered(first.sequences)


def score_differences(candidate: Measure, baseline: Measure, weights: Floats) -> Floats:
    """Compute the score of one result minus that of another in every resample of their sequences.

    Args:
        candidate, baseline: From ``paired``.
        weights: Shape (B, S), from ``resample``: how often each sequence counts, the same for both results.

    Returns:
        Shape (B,); NaN where one of the scores does not exist.
    """
    return _in_parts(candidate, weights) - _in_parts(baseline, weights)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for testing all of them (Holm, 1979); the order is kept.

    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    raised = np.maximum.accumulate(np.asarray(p_values, dtype=np.float64)[order] * factors)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(value) for value in adjusted]


def compare(
    measures: Mapping[str, Measure], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> dict[tuple[str, str], Difference]:
    """Compare every pair of results; p-values are adjusted for the number of pairs.

    The differences are those of ``difference``. Resamples are drawn once for all pairs with the same sequences.

    Args:
        measures: Results of one metric by name of the tracker.
        level: Confidence level of the intervals.
        resamples: Number of relabellings of the permutation tests, and of resamples of the intervals, which have at
            most ``RESAMPLES``.
        seed: Seed of the random numbers.

    Returns:
        Differences by pair of names: score of the first minus score of the second.

    Raises:
        ValueError: As ``difference``.
    """
    groups: dict[frozenset[str], list[tuple[str, str]]] = {}
    for pair in combinations(measures, 2):
        one, other = (frozenset(measures[name].sequences) for name in pair)
        groups.setdefault(one & other, []).append(pair)
    found: dict[tuple[str, str], Difference] = {}
    for common, pairs in groups.items():
        found |= _compare_pairs(measures, common, pairs, level=level, resamples=resamples, seed=seed)
    ordered = list(combinations(measures, 2))
    adjusted = holm([found[pair].p_value for pair in ordered])
    return {pair: replace(found[pair], p_value=p_value) for pair, p_value in zip(ordered, adjusted, strict=True)}


def _compare_pairs(
    measures: Mapping[str, Measure],
    common: frozenset[str],
    pairs: Sequence[tuple[str, str]],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> dict[tuple[str, str], Difference]:
    """Compare pairs that have the same sequences in common, without adjusting the p-values."""
    if not common:
        raise ValueError("the two results have no sequence in common")
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    order = measures[names[0]].only(common).sequences
    restricted = [measures[name].only(common).ordered(order) for name in names]
    place = {name: index for index, name in enumerate(names)}
    scores = np.array([one.values(np.ones((1, len(order))))[0] for one in restricted])
    first, second = (np.array([place[pair[side]] for pair in pairs]) for side in (0, 1))
    values = scores[first] - scores[second]
    if np.isnan(values).any():
        raise ValueError(f"{restricted[0].metric.name} does not exist for both results")
    weights = resample(len(order), min(resamples, RESAMPLES), seed)
    drawn = np.stack([_in_parts(one, weights) for one in restricted])
    tail = 1 - level
    bounds = [
        np.nanquantile(drawn[one] - drawn[other], [tail / 2, 1 - tail / 2, tail, 1 - tail]).tolist()
        for one, other in zip(first, second, strict=True)
    ]
    p_values = permutation_p_values(restricted, first, second, values, resamples, seed)
    return {
        pair: Difference(value, *limits, p_value, len(order))
        for pair, value, limits, p_value in zip(pairs, values.tolist(), bounds, p_values.tolist(), strict=True)
    }


def _in_parts(measure: Measure, weights: Floats) -> Floats:
    measure = measure.condensed()
    # Curves of all resamples at once would not fit into the cache, nor, for long curves, into memory.
    parts = [measure.values(weights[start : start + _AT_ONCE]) for start in range(0, len(weights), _AT_ONCE)]
    return np.concatenate(parts)


def _corrected_quantiles(tails: Floats, values: Floats, value: float, without: Floats) -> Floats:
    """Return the quantiles to read instead of ``tails``; ``tails`` where the correction does not exist."""
    below = ((values < value).mean() + (values <= value).mean()) / 2
    without = without[~np.isnan(without)]
    deviation = without.mean() - without
    spread = (deviation**2).sum() ** 1.5  # 0 also where values next to zero underflow
    if not 0 < below < 1 or spread == 0:
        return tails
    bias = _NORMAL.inv_cdf(float(below))
    acceleration = float((deviation**3).sum() / (6 * spread))
    shifted = [bias + _NORMAL.inv_cdf(float(tail)) for tail in tails]
    return np.array([_NORMAL.cdf(bias + shift / (1 - acceleration * shift)) for shift in shifted])
