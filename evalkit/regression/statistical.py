"""The gate on accuracy: verdicts from intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from evalkit.metrics.statistics import holm
from evalkit.regression import accuracy
from evalkit.regression.gates import incomparable
from evalkit.regression.outcome import Finding, Parted, Verdict
from evalkit.regression.records import DatasetRecord, MetricRecord


@dataclass(frozen=True)
class Comparison:
    """One metric of one tracker on one benchmark, in both records."""

    tracker: str
    dataset: str
    metric: str
    margin: float
    old: DatasetRecord
    new: DatasetRecord

    @property
    def record(self) -> MetricRecord:
        return self.new.metrics[self.metric]

    def obstacle(self) -> str | None:
        """Why the two values cannot be compared."""
        found = incomparable(self.old, self.new)
        before = self.old.metrics.get(self.metric)
        if found is None and before is None:
            return f"the baseline has no {self.metric}; update it"
        if found is None and before is not None and before.version != self.record.version:
            return f"{self.metric} is version {self.record.version}, the baseline's {before.version}; update it"
        return found

    def change(self) -> accuracy.Change | None:
        old = {name: one.shares[self.metric] for name, one in self.old.sequences.items() if self.metric in one.shares}
        new = {name: one.shares[self.metric] for name, one in self.new.sequences.items() if self.metric in one.shares}
        return accuracy.compare(old, new, margin=self.margin, higher_is_better=self.record.higher_is_better)


def judge(comparisons: Iterable[Comparison]) -> list[Finding]:
    """A finding for each comparison; false alarms among all of them together stay below 5 %."""
    comparisons = list(comparisons)
    changes = [None if one.obstacle() else one.change() for one in comparisons]
    tested = [index for index, change in enumerate(changes) if change is not None]
    adjusted = holm([change.p for change in changes if change is not None])
    rejected = {index: p <= accuracy.ALARM for index, p in zip(tested, adjusted, strict=True)}
    return [
        _finding(one, change, fails=rejected.get(index, False))
        for index, (one, change) in enumerate(zip(comparisons, changes, strict=True))
    ]


def _finding(one: Comparison, change: accuracy.Change | None, *, fails: bool) -> Finding:
    before = one.old.metrics.get(one.metric)
    finding = Finding(
        "accuracy", one.tracker, one.dataset, one.metric, Verdict.INCONCLUSIVE, "", margin=one.margin,
        baseline=None if before is None else before.value, now=one.record.value,
    )  # fmt: skip
    if change is None:
        return replace(finding, reason=one.obstacle() or "the score does not exist on both sides")
    verdict = verdict_of(change, one.margin, fails=fails)
    low, high = change.low, change.high
    if not one.record.higher_is_better:
        low, high = -high, -low
    decided = verdict is not Verdict.INCONCLUSIVE
    needed = None if decided else accuracy.needed(change, one.margin)
    return replace(
        finding, verdict=verdict, reason=_reason(one, change, verdict, needed),
        change=change.gain if one.record.higher_is_better else -change.gain, low=low, high=high,
        sequences=change.sequences, needed=needed, responsible=responsible(one, gained=change.gain > 0),
        improved=change.gain > one.margin,
    )  # fmt: skip


def verdict_of(change: accuracy.Change, margin: float, *, fails: bool) -> Verdict:
    """Fail where the loss is surely beyond the margin, pass where it surely is not."""
    if fails and change.high < -margin:
        return Verdict.FAIL
    return Verdict.PASS if change.low >= -margin and change.gain >= -margin else Verdict.INCONCLUSIVE


def _reason(one: Comparison, change: accuracy.Change, verdict: Verdict, needed: int | None) -> str:
    if verdict is Verdict.FAIL:
        return f"worse by more than {one.margin:g}"
    if verdict is Verdict.PASS:
        better = (
            f"; better by more than {one.margin:g}, which is to be explained too" if change.gain > one.margin else ""
        )
        return f"not worse by more than {one.margin:g}{better}"
    more = f"; about {needed} sequences would decide" if needed else ""
    return f"{change.sequences} sequences cannot tell whether it is worse by more than {one.margin:g}{more}"


def responsible(one: Comparison, *, gained: bool) -> tuple[Parted, ...]:
    """Sequences whose own score changed in the direction of the whole, those that did most first."""
    sign = (1.0 if one.record.higher_is_better else -1.0) * (1.0 if gained else -1.0)
    changes = []
    for name, before in one.old.sequences.items():
        after = one.new.sequences.get(name)
        if after is None or one.metric not in before.shares or one.metric not in after.shares:
            continue
        a, b = before.shares[one.metric].value(), after.shares[one.metric].value()
        if a is not None and b is not None and sign * (b - a) > 0:
            changes.append((sign * (a - b), Parted(name, change=b - a)))
    return tuple(parted for _, parted in sorted(changes, key=lambda pair: pair[0]))
