"""The gate on accuracy: verdicts from confidence bounds of the change of a score, with sequences as the sample.

Each resample draws sequences with replacement, the same ones for both runs, and recomputes both scores from them, so
that pooled and non-linear scores (AO over frames, expected average overlap) are resampled as what they are.

A bound is the more cautious of two: the percentile of the resampled changes, and Student's t with the standard error
of the resamples. The percentile alone is too narrow where few sequences carry all of the change: at the margin itself
it raised 8 to 9 false alarms in 100 where 5 were intended (``benchmarks/gates.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from evalkit.metrics.resampling import resample
from evalkit.metrics.statistics import cautious_bounds, holm, paired, score_differences, standard_error
from evalkit.regression.checks.exact import why_not_comparable
from evalkit.regression.findings import AffectedSequence, GateFinding, Verdict
from evalkit.regression.records import DatasetRecord, MetricRecord, SequenceContribution, contribution_measure
from evalkit.types import Floats

RESAMPLES = 4000
LEVEL = 0.05
"""Error level of every one-sided bound."""
MAX_P_VALUE = 0.04
"""Highest p-value, adjusted for the number of metrics, at which a gate fails. With heavy tails and hundreds of
sequences, 0.05 gave 5.0 to 5.1 false alarms in 100; this value gives 4."""


@dataclass(frozen=True)
class ScoreChange:
    """The change of a score and its uncertainty; positive is better, whatever the metric.

    Attributes:
        gain: Change of the score.
        low, high: One-sided 95 % bounds of the gain.
        p: Probability of a loss like this or larger, had the score become worse by exactly the margin.
        error: Standard error of the gain.
        sequences: Number of sequences that were compared.
    """

    gain: float
    low: float
    high: float
    p: float
    error: float
    sequences: int


@dataclass(frozen=True)
class MetricComparison:
    """One metric of one tracker on one dataset, in the baseline and now.

    Attributes:
        margin: Allowed loss, in the metric's unit.
        old, new: Records of the baseline and of the present run; the latter has the metric.
    """

    tracker: str
    dataset: str
    metric: str
    margin: float
    old: DatasetRecord
    new: DatasetRecord

    @property
    def record(self) -> MetricRecord:
        """The metric in the present run."""
        return self.new.metrics[self.metric]

    def obstacle(self) -> str | None:
        """Return a sentence that says why the two values cannot be compared; None if they can."""
        found = why_not_comparable(self.old, self.new)
        before = self.old.metrics.get(self.metric)
        if found is None and before is None:
            return f"the baseline has no {self.metric}; update it"
        if found is None and before is not None and before.version != self.record.version:
            return f"{self.metric} is version {self.record.version}, in the baseline {before.version}; update it"
        return found

    def change(self) -> ScoreChange | None:
        """Return the change over the sequences that both records have; None if there is none to compute."""
        return score_change(
            self._contributions(self.old), self._contributions(self.new), margin=self.margin,
            higher_is_better=self.record.higher_is_better,
        )  # fmt: skip

    def _contributions(self, record: DatasetRecord) -> dict[str, SequenceContribution]:
        return {
            name: one.contributions[self.metric]
            for name, one in record.sequences.items()
            if self.metric in one.contributions
        }


def check_accuracy(comparisons: Iterable[MetricComparison]) -> list[GateFinding]:
    """Return a finding for each comparison; false alarms among all of them together stay below 5 %."""
    comparisons = list(comparisons)
    changes = [None if one.obstacle() else one.change() for one in comparisons]
    tested = [index for index, change in enumerate(changes) if change is not None]
    adjusted = holm([change.p for change in changes if change is not None])
    rejected = {index: p <= MAX_P_VALUE for index, p in zip(tested, adjusted, strict=True)}
    return [
        _finding(one, change, fails=rejected.get(index, False))
        for index, (one, change) in enumerate(zip(comparisons, changes, strict=True))
    ]


def score_change(
    old: Mapping[str, SequenceContribution],
    new: Mapping[str, SequenceContribution],
    *,
    margin: float,
    higher_is_better: bool = True,
) -> ScoreChange | None:
    """Compute the change of a score over the sequences that both sides have, by resampling them.

    Args:
        old, new: Contributions by sequence.
        margin: Allowed loss, >= 0.

    Returns:
        None if no sequence is common, or one of the scores does not exist.
    """
    names = [name for name in old if name in new]
    if not names:
        return None
    sign = 1.0 if higher_is_better else -1.0
    before, after = paired(contribution_measure("score", old), contribution_measure("score", new))
    gain = sign * float(score_differences(after, before, np.ones((1, len(names))))[0])
    if not math.isfinite(gain):
        return None
    gains = sign * score_differences(after, before, resampling_weights(len(names)))
    return summarize_gains(gain, gains[np.isfinite(gains)], len(names), margin=margin)


def summarize_gains(gain: float, gains: Floats, count: int, *, margin: float) -> ScoreChange:
    """Compute bounds and p-value of a gain from its resamples.

    Args:
        gain: Over all sequences.
        gains: Shape (B,), one per resample.
        count: Number of sequences.
        margin: Allowed loss, >= 0.
    """
    error = standard_error(gains, count)
    if error < 1e-12:  # smaller than what a baseline holds
        return ScoreChange(gain, gain, gain, float(gain >= -margin), 0.0, count)
    from scipy import stats

    low, high = cautious_bounds(gain, gains, count, tail=LEVEL)
    tail = float(((gains >= -margin).sum() + 1) / (gains.size + 1))
    p = max(tail, float(stats.t.cdf((gain + margin) / error, count - 1)))
    return ScoreChange(gain, low, high, p, error, count)


_MOST_SEQUENCES = 10**9
"""Number of sequences that no benchmark has."""


def sequences_needed(change: ScoreChange, margin: float) -> int | None:
    """Return the number of sequences with which a change like this would be decided; None if no number would do.

    It grows with the square of (standard error / distance of the gain from the margin).
    """
    distance = abs(change.gain + margin)
    if change.error == 0 or distance == 0:
        return None
    needed = change.sequences * (1.645 * change.error / distance) ** 2
    return max(change.sequences + 1, math.ceil(needed)) if needed < _MOST_SEQUENCES else None


@lru_cache(maxsize=8)
def resampling_weights(count: int) -> Floats:
    """Return how often each sequence is drawn, shape (RESAMPLES, count); equal in every call, so verdicts are too."""
    return resample(count, RESAMPLES)


def verdict_of(change: ScoreChange, margin: float, *, fails: bool) -> Verdict:
    """Return the verdict on a change: fail or pass only where the bounds prove it.

    Args:
        fails: The adjusted p-value is low enough for a failure.
    """
    if fails and change.high < -margin:
        return Verdict.FAIL
    return Verdict.PASS if change.low >= -margin and change.gain >= -margin else Verdict.INCONCLUSIVE


def _finding(one: MetricComparison, change: ScoreChange | None, *, fails: bool) -> GateFinding:
    before = one.old.metrics.get(one.metric)
    finding = GateFinding(
        "accuracy", one.tracker, one.dataset, one.metric, Verdict.INCONCLUSIVE, "", margin=one.margin,
        baseline=None if before is None else before.value, now=one.record.value,
    )  # fmt: skip
    if change is None:
        return replace(finding, reason=one.obstacle() or "the score does not exist on both sides")
    verdict = verdict_of(change, one.margin, fails=fails)
    needed = sequences_needed(change, one.margin) if verdict is Verdict.INCONCLUSIVE else None
    sign = 1.0 if one.record.higher_is_better else -1.0
    low, high = sorted((sign * change.low, sign * change.high))
    return replace(
        finding, verdict=verdict, reason=_reason(one, change, verdict, needed), change=sign * change.gain, low=low,
        high=high, sequences=change.sequences, needed=needed,
        responsible=responsible_sequences(one, gained=change.gain > 0), improved=change.gain > one.margin,
    )  # fmt: skip


def _reason(one: MetricComparison, change: ScoreChange, verdict: Verdict, needed: int | None) -> str:
    if verdict is Verdict.FAIL:
        return f"worse by more than {one.margin:g}"
    if verdict is Verdict.PASS:
        better = f"; better by more than {one.margin:g}: explain the change" if change.gain > one.margin else ""
        return f"not worse by more than {one.margin:g}{better}"
    more = f"; about {needed} would decide" if needed else ""
    return f"undecided whether it is worse by more than {one.margin:g} (sequences: {change.sequences}{more})"


def responsible_sequences(one: MetricComparison, *, gained: bool) -> tuple[AffectedSequence, ...]:
    """Return the sequences whose own score changed in the direction of the whole, the largest change first."""
    sign = (1.0 if one.record.higher_is_better else -1.0) * (1.0 if gained else -1.0)
    changes = []
    for name, before in one.old.sequences.items():
        after = one.new.sequences.get(name)
        if after is None or one.metric not in before.contributions or one.metric not in after.contributions:
            continue
        a, b = before.contributions[one.metric].value(), after.contributions[one.metric].value()
        if a is not None and b is not None and sign * (b - a) > 0:
            changes.append((sign * (a - b), AffectedSequence(name, change=b - a)))
    return tuple(affected for _, affected in sorted(changes, key=lambda pair: pair[0]))
