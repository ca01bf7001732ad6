"""Confidence intervals of scores, and significance of differences, by resampling sequences.

Sequences are drawn, not frames: the frames of one sequence are not independent. A score is recomputed for every
resample from what its sequences contribute, so that EAO and pooled scores are treated like means.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.metrics.measures import Measure
from evalkit.types import Floats, Score

RESAMPLES = 10_000
_AT_ONCE = 2_000
_EXACT = 13
"""Number of sequences up to which all arrangements of a permutation test are computed, 8,192."""
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


def resample(sequences: int, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Draw sequences with replacement.

    Returns:
        Number of times that each sequence is drawn, shape (resamples, sequences).
    """
    drawn = np.random.default_rng(seed).integers(0, sequences, (resamples, sequences))
    flat = (drawn + np.arange(resamples)[:, None] * sequences).ravel()
    counts = np.bincount(flat, minlength=resamples * sequences)
    return counts.reshape(resamples, sequences).astype(np.float64)


def interval(measure: Measure, weights: Floats | None = None, *, level: float = 0.95) -> tuple[float, float] | None:
    """Compute the confidence interval of a score: see ``cautious_bounds``.

    It is cut to possible values: not below 0 where no sequence contributes less, and not above 1 for fractions.

    Args:
        weights: From ``resample``; drawn with seed 0 if not given. One set serves all scores of the same sequences.
        level: Confidence level.

    Returns:
        Lower and upper bound; None for fewer than two sequences or where the score does not exist.
    """
    value = measure.value()
    count = len(measure.sequences)
    if value is None or count < 2:
        return None
    values = _in_parts(measure, resample(count) if weights is None else weights)
    low, high = cautious_bounds(value, values[~np.isnan(values)], count, tail=(1 - level) / 2)
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
    candidate, baseline = paired(candidate, baseline)
    value = float(score_differences(candidate, baseline, np.ones((1, len(candidate.sequences))))[0])
    if np.isnan(value):
        raise ValueError(f"{candidate.metric.name} does not exist for both results")
    count = len(candidate.sequences)
    values = score_differences(candidate, baseline, resample(count, resamples, seed))
    values = values[~np.isnan(values)]
    low, high = cautious_bounds(value, values, count, tail=(1 - level) / 2)
    lower, upper = cautious_bounds(value, values, count, tail=1 - level)
    p_value = _permutation(candidate, baseline, value, resamples, seed)
    return Difference(value, low, high, lower, upper, p_value, count)


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

    Args:
        measures: Results of one metric by name of the tracker.

    Returns:
        Differences by pair of names: score of the first minus score of the second.
    """
    names = list(measures)
    pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    found = [
        difference(measures[one], measures[other], level=level, resamples=resamples, seed=seed) for one, other in pairs
    ]
    adjusted = holm([item.p_value for item in found])
    return {
        pair: Difference(item.value, item.low, item.high, item.lower, item.upper, p_value, item.sequences)
        for pair, item, p_value in zip(pairs, found, adjusted, strict=True)
    }


def _in_parts(measure: Measure, weights: Floats) -> Floats:
    # Curves of all resamples at once would not fit into the cache, nor, for long curves, into memory.
    parts = [measure.values(weights[start : start + _AT_ONCE]) for start in range(0, len(weights), _AT_ONCE)]
    return np.concatenate(parts)


def _permutation(candidate: Measure, baseline: Measure, value: float, resamples: int, seed: int) -> float:
    count = len(candidate.sequences)
    exact = count <= _EXACT
    if exact:
        swapped = (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.float64)
    else:
        swapped = np.random.default_rng(seed + 1).integers(0, 2, (resamples, count)).astype(np.float64)
    both = candidate.concatenated(baseline)
    one = np.hstack([1 - swapped, swapped])
    other = np.hstack([swapped, 1 - swapped])
    values = np.abs(_in_parts(both, one) - _in_parts(both, other))
    # With rounding, the observed labelling must still count as as extreme as itself.
    reached = (values >= abs(value) * (1 - 1e-12) - 1e-15).sum()
    # The observed labelling is one of all; of random ones it is added.
    return float(reached / len(values)) if exact else float((reached + 1) / (resamples + 1))
