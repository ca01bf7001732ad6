"""The gates on accuracy and latency: verdicts from intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from evalkit.metrics.statistics import holm
from evalkit.regression import accuracy
from evalkit.regression.gates import incomparable
from evalkit.regression.outcome import Finding, Parted, Verdict
from evalkit.regression.records import DatasetRecord, LatencyRecord, MetricRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate

SESSION = 0.02
"""Standard deviation of the CPU-time ratio from one session to the next on a busy machine, as a fraction."""


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
    rejected = {index: p <= accuracy.LEVEL for index, p in zip(tested, adjusted, strict=True)}
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
        sequences=change.sequences, needed=needed, responsible=responsible(one), improved=change.gain > one.margin,
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


def responsible(one: Comparison) -> tuple[Parted, ...]:
    """Sequences whose own score changed, the most harmful first."""
    sign = 1.0 if one.record.higher_is_better else -1.0
    changes = []
    for name, before in one.old.sequences.items():
        after = one.new.sequences.get(name)
        if after is None or one.metric not in before.shares or one.metric not in after.shares:
            continue
        a, b = before.shares[one.metric].value(), after.shares[one.metric].value()
        if a is not None and b is not None and a != b:
            changes.append(Parted(name, change=b - a))
    return tuple(sorted(changes, key=lambda parted: sign * (parted.change or 0.0)))


def latency(label: str, old: TrackerRecord, new: TrackerRecord, gate: LatencyGate) -> list[Finding]:
    """CPU time relative to the reference workload; wall clock too where a suite asks for it."""
    if old.latency is None or new.latency is None:
        reason = "it was not measured on this device" if new.latency is None else "the baseline has none; update it"
        verdict = Verdict.SKIPPED if new.latency is None else Verdict.INCONCLUSIVE
        return [Finding("latency", label, None, "CPU time", verdict, reason)]
    before, now = old.latency, new.latency
    if before.reference != now.reference:
        reason = f"the reference workload is {now.reference}, the baseline's {before.reference}; update it"
        return [Finding("latency", label, None, "CPU time", Verdict.INCONCLUSIVE, reason)]
    changed = [
        f"{key} {old.environment.get(key)} → {new.environment.get(key)}"
        for key in ("processor", "processor_model", "threads", "runtime")
        if old.environment.get(key) != new.environment.get(key)
    ]
    findings = [_ratio(label, before, now, gate, changed)]
    return [*findings, _wall(label, before, now, gate.wall, changed)] if gate.wall is not None else findings


def _ratio(label: str, old: LatencyRecord, new: LatencyRecord, gate: LatencyGate, changed: list[str]) -> Finding:
    margin = gate.elsewhere if changed else gate.margin
    change = slowdown(old, new)
    spread = math.hypot(_error(old), _error(new), SESSION * math.sqrt(2))
    low, high = (math.expm1(math.log1p(change) + step * 1.645 * spread) for step in (-1, 1))
    passes = high <= margin or change <= margin / 2
    verdict = Verdict.FAIL if low > margin else Verdict.PASS if passes else Verdict.INCONCLUSIVE
    wall = f"wall clock {1000 * new.seconds_p50:.1f} ms p50, {1000 * new.seconds_p90:.1f} ms p90"
    valid = "" if new.cpu_share >= 0.9 else f", not valid: the processor was ours {new.cpu_share:.0%} of the time"
    where = f"; allowed {margin:.0%} because {', '.join(changed)}" if changed else ""
    return Finding(
        "latency", label, None, "CPU time", verdict, f"{change:+.1%} relative to the reference{where} ({wall}{valid})",
        baseline=old.ratio, now=new.ratio, change=change, low=low, high=high, margin=margin, improved=change < -margin,
    )  # fmt: skip


def slowdown(old: LatencyRecord, new: LatencyRecord) -> float:
    """Relative change of the ratio; positive is slower."""
    return new.ratio / old.ratio - 1


def _error(record: LatencyRecord) -> float:
    """Relative standard error of the median of the blocks."""
    ratios = np.array(record.ratios)
    spread = float(np.subtract(*np.percentile(ratios, (75, 25)))) / 1.349
    return 1.2533 * spread / math.sqrt(len(ratios)) / record.ratio


def _wall(label: str, old: LatencyRecord, new: LatencyRecord, margin: float, changed: list[str]) -> Finding:
    change = new.seconds_p50 / old.seconds_p50 - 1
    if changed or min(old.cpu_share, new.cpu_share) < 0.9:
        reason = ", ".join(changed) or f"the processor was ours only {new.cpu_share:.0%} of the time"
        return Finding("latency", label, None, "wall clock", Verdict.INCONCLUSIVE, reason, margin=margin)
    verdict = Verdict.FAIL if change > margin else Verdict.PASS
    return Finding(
        "latency", label, None, "wall clock", verdict, f"{change:+.1%}", baseline=old.seconds_p50,
        now=new.seconds_p50, change=change, margin=margin,
    )  # fmt: skip
