"""The gate on latency: CPU time relative to the previous code's, else to the ratio that the baseline holds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from evalkit.cost.latency import BUSY_BELOW
from evalkit.regression.findings import GateFinding, Verdict
from evalkit.regression.latency.measure import LatencyMeasurement, RelativeLatency
from evalkit.regression.records import Columns, LatencyRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate

LEVEL = 0.95
"""Confidence of every one-sided bound."""
SESSION_SPREAD = 0.08
"""Standard deviation, from one session to the next, of the logarithm of CPU time relative to the reference workload:
other users of caches and memory slow a tracker down more or less than the workload."""
_DECISIVE = ("processor", "processor_model", "threads", "runtime")


class Bounds(NamedTuple):
    """A mean of logarithms of ratios with one-sided 95 % bounds."""

    center: float
    low: float
    high: float


def t_quantile(freedom: float) -> float:
    """Return the 95 % quantile of Student's t distribution; ``freedom`` may be fractional or infinite.

    >>> round(t_quantile(3), 4), round(t_quantile(2.5), 4), round(t_quantile(math.inf), 4)
    (2.3534, 2.5582, 1.6449)
    """
    from scipy import stats

    return float(stats.t.ppf(LEVEL, freedom))


def bounds_of_mean(logs: Sequence[float]) -> Bounds:
    """Return bounds of the mean of independent values; infinite where there is only one value."""
    center = statistics.fmean(logs)
    if len(logs) < 2:
        return Bounds(center, -math.inf, math.inf)
    reach = t_quantile(len(logs) - 1) * math.sqrt(_squared_error(logs))
    return Bounds(center, center - reach, center + reach)


def bounds_of_difference(old: Sequence[float], new: Sequence[float], *, session_spread: float) -> Bounds:
    """Return bounds of mean(new) - mean(old), each measured in its own session (Welch; Satterthwaite's freedom).

    Args:
        session_spread: Known standard deviation of what all values of one session share.
    """
    center = statistics.fmean(new) - statistics.fmean(old)
    squares = [(_squared_error(logs), len(logs) - 1) for logs in (old, new) if len(logs) > 1]
    total = sum(square for square, _ in squares) + 2 * session_spread**2
    uncertain = sum(square**2 / freedom for square, freedom in squares)
    reach = t_quantile(total**2 / uncertain if uncertain else math.inf) * math.sqrt(total)
    return Bounds(center, center - reach, center + reach)


def _squared_error(logs: Sequence[float]) -> float:
    """Return the squared standard error of the mean."""
    return statistics.variance(logs) / len(logs)


def passes_early(gate: LatencyGate) -> Callable[[Columns], bool]:
    """Return a function that tells whether ratios to the previous code already prove that the gate passes.

    Only passing ends a measurement early: looking for a failure after every pair would find one by chance.
    """
    return lambda ratios: _bounds_of_ratios(ratios).high <= math.log1p(gate.margin)


def _bounds_of_ratios(ratios: Columns) -> Bounds:
    return bounds_of_mean([math.log(ratio) for ratio in ratios])


def check_latency(
    label: str, old: TrackerRecord, new: TrackerRecord, measured: LatencyMeasurement, gate: LatencyGate
) -> list[GateFinding]:
    """Return the finding on CPU time, and one on wall-clock time where the suite gates it."""
    finding = GateFinding(
        "latency", label, None, "CPU time", Verdict.INCONCLUSIVE, measured.obstacle, seconds=measured.seconds
    )
    if measured.relative is not None:
        return _check_relative(finding, measured.relative, gate)
    if measured.recorded is None:
        return [finding if measured.failed else replace(finding, verdict=Verdict.SKIPPED)]
    if old.latency is None:
        return [replace(finding, reason="the baseline has no latency; update it")]
    if old.latency.reference != measured.recorded.reference:
        reason = f"the reference workload is {measured.recorded.reference}, in the baseline {old.latency.reference}"
        return [replace(finding, reason=f"{reason}; update it")]
    changes = changed_conditions(old, new)
    return _check_recorded(finding, old.latency, measured.recorded, gate, changes, measured.obstacle)


def changed_conditions(old: TrackerRecord, new: TrackerRecord) -> list[str]:
    """Return the differences of environments that make recorded ratios only approximately comparable."""
    return [
        f"{key} {old.environment.get(key)} → {new.environment.get(key)}"
        for key in _DECISIVE
        if old.environment.get(key) != new.environment.get(key)
    ]


def _check_relative(finding: GateFinding, measured: RelativeLatency, gate: LatencyGate) -> list[GateFinding]:
    bounds = _bounds_of_ratios(measured.ratios)
    busy = measured.cpu_share < BUSY_BELOW
    parts = [
        f"{math.expm1(bounds.center):+.1%} relative to the code of commit {measured.commit}"
        f" ({len(measured.ratios)} pairs of processes)",
        _wall_clock(measured),
    ]
    if busy:
        parts.append(f"wall clock is not valid: the process had the CPU for {measured.cpu_share:.0%} of the time")
    judged = _judge(finding, bounds, gate.margin, passes=False)
    findings = [replace(judged, reason="; ".join(parts), baseline=1.0, now=math.exp(bounds.center))]
    if gate.wall is not None:
        obstacles = ["the machine is busy"] if busy else []
        before = measured.seconds_p50 / measured.wall
        findings.append(_check_wall_clock(finding, before, measured.seconds_p50, gate.wall, obstacles))
    return findings


def _check_recorded(
    finding: GateFinding,
    old: LatencyRecord,
    new: LatencyRecord,
    gate: LatencyGate,
    changes: list[str],
    obstacle: str,
) -> list[GateFinding]:
    margin = gate.elsewhere if changes else gate.recorded
    logs = [[math.log(ratio) for ratio in record.ratios] for record in (old, new)]
    bounds = bounds_of_difference(*logs, session_spread=SESSION_SPREAD)
    slower = math.expm1(bounds.center)
    busy = old.busy or new.busy
    parts = [
        f"{slower:+.1%} relative to the baseline's ratio to the reference workload",
        _wall_clock(new),
        f"{margin:.0%} are allowed because of {', '.join(changes)}" if changes else "",
        f"not compared with the previous code: {obstacle}" if obstacle else "",
        _busy_text(old, new) if busy else "",
    ]
    judged = _judge(finding, bounds, margin, passes=slower <= margin / 2)
    findings = [replace(judged, reason="; ".join(filter(None, parts)), baseline=old.ratio, now=new.ratio)]
    if gate.wall is not None:
        obstacles = changes or (["the machine is busy, or was when the baseline was made"] if busy else [])
        findings.append(_check_wall_clock(finding, old.seconds_p50, new.seconds_p50, gate.wall, obstacles))
    return findings


def _busy_text(old: LatencyRecord, new: LatencyRecord) -> str:
    shares = f"{new.cpu_share:.0%} of the time, {old.cpu_share:.0%} when the baseline was made"
    return f"wall clock is not valid: the process had the CPU for {shares}"


def _wall_clock(measured: RelativeLatency | LatencyRecord) -> str:
    return f"wall clock {1000 * measured.seconds_p50:.1f} ms p50, {1000 * measured.seconds_p90:.1f} ms p90"


def _judge(finding: GateFinding, bounds: Bounds, margin: float, *, passes: bool) -> GateFinding:
    """Fail where the bounds prove a slowdown beyond the margin, pass where they exclude it.

    Args:
        passes: Pass also where the upper bound exceeds the margin.
    """
    allowed = math.log1p(margin)
    excluded = bounds.high <= allowed or passes
    verdict = Verdict.FAIL if bounds.low > allowed else Verdict.PASS if excluded else Verdict.INCONCLUSIVE
    change, low, high = map(math.expm1, bounds)
    return replace(
        finding, verdict=verdict, change=change, low=low, high=high, margin=margin, improved=bounds.high < -allowed
    )


def _check_wall_clock(
    finding: GateFinding, before: float, now: float, margin: float, obstacles: list[str]
) -> GateFinding:
    finding = replace(finding, quantity="wall clock", margin=margin, seconds=None)
    if obstacles:
        return replace(finding, reason=", ".join(obstacles))
    change = now / before - 1
    verdict = Verdict.FAIL if change > margin else Verdict.PASS
    return replace(finding, verdict=verdict, reason=f"{change:+.1%}", baseline=before, now=now, change=change)
