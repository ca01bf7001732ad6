"""Confidence intervals of scores, and significance of differences, by resampling sequences.

Sequences are drawn, not frames: the frames of one sequence are not independent. A score is recomputed for every
resample from what its sequences contribute, so that EAO and pooled scores are treated like means.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from evalkit.metrics.measures import Measure
from evalkit.metrics.permutation import permutation_p_values
from evalkit.metrics.resampling import RESAMPLES, resample, resampled_scores
from evalkit.types import Floats, Score

_NO_SPREAD = 1e-12
"""Standard error below which all resamples count as equal; smaller than what a baseline of the gate stores."""

FEW_SEQUENCES = 30
"""Number of sequences below which an interval is marked."""


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


def interval(measure: Measure, weights: Floats | None = None, *, level: float = 0.95) -> tuple[float, float] | None:
    """Compute the confidence interval of a score: see ``cautious_bounds``.

    It is cut to possible values: not below 0 where no sequence contributes less, and not above 1 for fractions.

    Args:
        weights: From ``resample``; drawn with seed 0 if not given. One set serves all scores of the same sequences.
        level: Confidence level.

    Returns:
        Lower and upper bound; None for fewer than two sequences or where the score does not exist.
    """
    return intervals([measure], weights, level=level)[0]


def intervals(
    measures: Sequence[Measure], weights: Floats | None = None, *, level: float = 0.95
) -> list[tuple[float, float] | None]:
    """Compute the confidence interval of several scores of the same sequences; see ``interval``."""
    count = len(measures[0].sequences) if measures else 0
    if any(one.sequences != measures[0].sequences for one in measures):
        raise ValueError("the measures have different sequences")
    values = [one.value() for one in measures]
    known = [one for one, value in zip(measures, values, strict=True) if value is not None and count > 1]
    drawn = iter(resampled_scores(known, resample(count) if weights is None else weights) if known else ())
    return [
        None if value is None or count < 2 else _possible_bounds(one, value, next(drawn), level)
        for one, value in zip(measures, values, strict=True)
    ]


def _possible_bounds(measure: Measure, value: float, drawn: Floats, level: float) -> tuple[float, float]:
    """Return the bounds of a score from its resamples, cut to possible values."""
    count = len(measure.sequences)
    low, high = cautious_bounds(value, drawn[~np.isnan(drawn)], count, tail=(1 - level) / 2)
    if value >= 0 and (measure.numerator >= 0).all():  # counts and overlaps, of which no score is negative
        low = max(low, 0.0)
    if measure.metric.unit == "fraction" and value <= 1:
        high = min(high, 1.0)
    return low, high


def cautious_bounds(value: float, values: Floats, count: int, *, tail: float) -> tuple[float, float]:
    """Compute confidence bounds from resamples: on each side the more cautious one of two.

    One is the percentile of the resamples, which follows their distribution but is too narrow for few sequences. The
    other is Student's t with their standard error, which is wide enough for few sequences. docs/metrics.md gives the
    measured coverage.

    Args:
        value: The score, or difference, over all sequences.
        values: The same in each resample, shape (B,), without NaN.
        count: Number of sequences, at least 2.
        tail: Probability of a true value beyond each bound.

    Returns:
        Lower and upper bound.
    """
    error = standard_error(values, count)
    if error < _NO_SPREAD:
        return value, value
    from scipy.special import stdtrit  # scipy.stats takes much longer to import

    reach = float(stdtrit(count - 1, 1 - tail)) * error
    low, high = (float(bound) for bound in np.quantile(values, (tail, 1 - tail)))
    return min(low, value - reach), max(high, value + reach)


def standard_error(values: Floats, count: int) -> float:
    """Return the standard error of a score from its resamples, corrected for the number of sequences."""
    return float(values.std()) * math.sqrt(count / max(count - 1, 1))


def few_sequences_notice(scores: Iterable[Score]) -> str | None:
    """Return the sentence that marks intervals from fewer than 30 sequences; None if there are none."""
    counts: dict[str, set[int]] = {}
    for score in scores:
        if score.low is not None and score.attribute is None and score.sequences < FEW_SEQUENCES:
            counts.setdefault(score.dataset, set()).add(score.sequences)
    if not counts:
        return None
    places = [f"{name}: {' to '.join(map(str, sorted({min(found), max(found)})))}" for name, found in counts.items()]
    return f"intervals from fewer than {FEW_SEQUENCES} sequences ({'; '.join(places)}) are approximate"


def no_significance_notice(dataset: str, differences: Collection[Difference], level: float = 0.05) -> str | None:
    """Return the sentence that says that no difference can be significant; None if one can, or if none was tested.

    Args:
        differences: Of all pairs of trackers on a dataset.
        level: Adjusted p-value below which a difference is significant.
    """
    if not differences:
        return None
    sequences, pairs = max(one.sequences for one in differences), len(differences)
    smallest = smallest_p_value(sequences, pairs)
    if smallest < level:
        return None
    return (
        f"{dataset}: no difference can be significant: with {sequences} common sequences and {pairs} "
        f"pair{'' if pairs == 1 else 's'} of trackers, no p-value can be below {smallest:.2g}"
    )


def smallest_p_value(sequences: int, comparisons: int = 1) -> float:
    """Return the smallest p-value that ``compare`` can find, adjusted for the number of comparisons.

    Exchanging the two results within sequences gives 2 to the power of the number of sequences arrangements, of which
    two are the most extreme ones.

    >>> smallest_p_value(5), smallest_p_value(6), smallest_p_value(6, comparisons=3)
    (0.0625, 0.03125, 0.09375)
    """
    return min(1.0, comparisons * 2.0 ** (1 - sequences))


def difference(
    candidate: Measure, baseline: Measure, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Compare two results on the sequences that both have.

    The bounds are those of ``cautious_bounds`` for the differences over common resamples. The p-value is that of a
    permutation test, which exchanges the two results within sequences: all ways to do so for up to 13 sequences, else
    random ones.

    Raises:
        ValueError: They have no sequence in common, or the score does not exist for one of them.
    """
    pair = ("candidate", "baseline")
    measures = dict(zip(pair, (candidate, baseline), strict=True))
    common = frozenset(candidate.sequences) & frozenset(baseline.sequences)
    found = _compare_pairs(measures, common, [pair], level=level, resamples=resamples, draws=resamples, seed=seed)
    return found[pair]


def _bounds(value: float, values: Floats, count: int, level: float) -> tuple[float, float, float, float]:
    """Return the two-sided interval and the one-sided bounds of a difference from its resamples."""
    known = values[~np.isnan(values)]
    low, high = cautious_bounds(value, known, count, tail=(1 - level) / 2)
    lower, upper = cautious_bounds(value, known, count, tail=1 - level)
    return low, high, lower, upper


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
    first, second = resampled_scores([candidate, baseline], weights)
    return first - second


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
        draws = min(resamples, RESAMPLES)
        found |= _compare_pairs(measures, common, pairs, level=level, resamples=resamples, draws=draws, seed=seed)
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
    draws: int,
    seed: int,
) -> dict[tuple[str, str], Difference]:
    """Compare pairs that have the same sequences in common, without adjusting the p-values.

    Args:
        resamples: Number of relabellings of the permutation tests.
        draws: Number of resamples of the intervals.
    """
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
    weights = resample(len(order), draws, seed)
    drawn = np.stack(resampled_scores(restricted, weights))
    bounds = [
        _bounds(value, drawn[one] - drawn[other], len(order), level)
        for value, one, other in zip(values.tolist(), first, second, strict=True)
    ]
    p_values = permutation_p_values(restricted, first, second, values, resamples, seed)
    return {
        pair: Difference(value, *limits, p_value, len(order))
        for pair, value, limits, p_value in zip(pairs, values.tolist(), bounds, p_values.tolist(), strict=True)
    }
