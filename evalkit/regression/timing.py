"""The gate on latency: CPU time beside the former code's, or as a multiple of a reference workload's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from evalkit.cost.latency import BUSY_BELOW
from evalkit.regression import intervals
from evalkit.regression.intervals import Bounds
from evalkit.regression.latency import Beside, Timed
from evalkit.regression.outcome import Finding, Verdict
from evalkit.regression.records import Columns, LatencyRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate

SESSION = 0.08
"""Standard deviation, from one session to the next, of the logarithm of CPU time over the reference workload's: what
else uses caches and memory slows a tracker down more or less than the workload."""


def enough(gate: LatencyGate) -> Callable[[Columns], bool]:
    """Whether ratios to the former code say already that it is not slower by more than the margin.

    Only passing ends a measurement early: looking often for a failure would find one by chance.
    """
    return lambda ratios: _beside_bounds(ratios).high <= math.log1p(gate.margin)


def latency(label: str, old: TrackerRecord, new: TrackerRecord, timed: Timed, gate: LatencyGate) -> list[Finding]:
    """CPU time; wall clock too where a suite asks for it."""
    finding = Finding("latency", label, None, "CPU time", Verdict.INCONCLUSIVE, timed.obstacle)
    if timed.beside is not None:
        return _beside(finding, timed.beside, gate)
    if timed.recorded is None:
        return [finding if timed.failed else replace(finding, verdict=Verdict.SKIPPED)]
    if old.latency is None:
        return [replace(finding, reason="the baseline has none; update it")]
    if old.latency.reference != timed.recorded.reference:
        reason = f"the reference workload is {timed.recorded.reference}, the baseline's {old.latency.reference}"
        return [replace(finding, reason=f"{reason}; update it")]
    return _recorded(finding, old.latency, timed.recorded, gate, changed(old, new), timed.obstacle)


def changed(old: TrackerRecord, new: TrackerRecord) -> list[str]:
    """What makes recorded ratios comparable only roughly."""
    return [
        f"{key} {old.environment.get(key)} → {new.environment.get(key)}"
        for key in ("processor", "processor_model", "threads", "runtime")
        if old.environment.get(key) != new.environment.get(key)
    ]


def _beside_bounds(ratios: Columns) -> Bounds:
    return intervals.of_mean([math.log(ratio) for ratio in ratios])


def _beside(finding: Finding, timed: Beside, gate: LatencyGate) -> list[Finding]:
    bounds = _beside_bounds(timed.ratios)
    slower = math.expm1(bounds.center)
    parts = [
        f"{slower:+.1%} beside the code of {timed.commit}, {len(timed.ratios)} pairs of processes",
        f"wall clock {1000 * timed.seconds_p50:.1f} ms p50, {1000 * timed.seconds_p90:.1f} ms p90",
    ]
    if timed.cpu_share < BUSY_BELOW:
        parts.append(f"wall clock is not valid, the processor was ours {timed.cpu_share:.0%} of the time")
    judged = _judged(finding, bounds, gate.margin, passes=False)
    findings = [replace(judged, reason="; ".join(parts), baseline=1.0, now=math.exp(bounds.center))]
    if gate.wall is not None:
        busy = ["the machine is busy"] if timed.cpu_share < BUSY_BELOW else []
        findings.append(_wall(finding, timed.seconds_p50 / timed.wall, timed.seconds_p50, gate.wall, busy))
    return findings


def _recorded(
    finding: Finding, old: LatencyRecord, new: LatencyRecord, gate: LatencyGate, changed: list[str], obstacle: str
) -> list[Finding]:
    margin = gate.elsewhere if changed else gate.recorded
    bounds = intervals.of_difference(
        [math.log(ratio) for ratio in old.ratios], [math.log(ratio) for ratio in new.ratios], session=SESSION
    )
    slower = math.expm1(bounds.center)
    parts = [
        f"{slower:+.1%} relative to the reference",
        f"wall clock {1000 * new.seconds_p50:.1f} ms p50, {1000 * new.seconds_p90:.1f} ms p90",
    ]
    if changed:
        parts.append(f"{margin:.0%} are allowed because of {', '.join(changed)}")
    if obstacle:
        parts.append(f"not timed beside its former code: {obstacle}")
    if old.busy or new.busy:
        then = f"and {old.cpu_share:.0%} when the baseline was made"
        parts.append(f"wall clock is not valid, the processor was ours {new.cpu_share:.0%} of the time {then}")
    judged = _judged(finding, bounds, margin, passes=slower <= margin / 2)
    findings = [replace(judged, reason="; ".join(parts), baseline=old.ratio, now=new.ratio)]
    if gate.wall is not None:
        busy = changed or (["the machine was busy, now or then"] if old.busy or new.busy else [])
        findings.append(_wall(finding, old.seconds_p50, new.seconds_p50, gate.wall, busy))
    return findings


def _judged(finding: Finding, bounds: Bounds, margin: float, *, passes: bool) -> Finding:
    """Fail where it surely is slower by more than the margin, pass where it surely is not."""
    allowed = math.log1p(margin)
    sure = bounds.high <= allowed or passes
    verdict = Verdict.FAIL if bounds.low > allowed else Verdict.PASS if sure else Verdict.INCONCLUSIVE
    change, low, high = map(math.expm1, bounds)
    return replace(
        finding, verdict=verdict, change=change, low=low, high=high, margin=margin, improved=bounds.high < -allowed
    )


def _wall(finding: Finding, before: float, now: float, margin: float, obstacles: list[str]) -> Finding:
    finding = replace(finding, quantity="wall clock", margin=margin)
    if obstacles:
        return replace(finding, reason=", ".join(obstacles))
    change = now / before - 1
    verdict = Verdict.FAIL if change > margin else Verdict.PASS
    return replace(finding, verdict=verdict, reason=f"{change:+.1%}", baseline=before, now=now, change=change)
