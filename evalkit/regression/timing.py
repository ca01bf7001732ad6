"""The gate on latency: CPU time as a multiple of a reference workload's."""

from __future__ import annotations

import math

import numpy as np

from evalkit.regression.outcome import Finding, Verdict
from evalkit.regression.records import LatencyRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate

SESSION = 0.02
"""Standard deviation of the CPU-time ratio from one session to the next, as a fraction."""
BUSY_SESSION = 0.10
"""The same where others have the processor most of the time: they fight for the caches, which slows a network down by
more than the reference. Measured with 14 to 22 busy processes on two cores: 0.06 (MOSSE), 0.11 (LightTrack-Mobile)."""


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
    low, high = _bounds(old, new)
    passes = high <= margin or change <= margin / 2
    verdict = Verdict.FAIL if low > margin else Verdict.PASS if passes else Verdict.INCONCLUSIVE
    return Finding(
        "latency", label, None, "CPU time", verdict, _circumstances(old, new, margin, changed), baseline=old.ratio,
        now=new.ratio, change=change, low=low, high=high, margin=margin, improved=high < -margin,
    )  # fmt: skip


def _circumstances(old: LatencyRecord, new: LatencyRecord, margin: float, changed: list[str]) -> str:
    parts = [
        f"{slowdown(old, new):+.1%} relative to the reference",
        f"wall clock {1000 * new.seconds_p50:.1f} ms p50, {1000 * new.seconds_p90:.1f} ms p90",
    ]
    parts += [f"{margin:.0%} are allowed because of {', '.join(changed)}"] if changed else []
    if old.busy or new.busy:
        then = f"and {old.cpu_share:.0%} when the baseline was made"
        parts.append(f"wall clock is not valid, the processor was ours {new.cpu_share:.0%} of the time {then}")
    return "; ".join(parts)


def _bounds(old: LatencyRecord, new: LatencyRecord) -> tuple[float, float]:
    """One-sided 95 % bounds of the relative change."""
    sessions = (BUSY_SESSION if record.busy else SESSION for record in (old, new))
    spread = math.hypot(_error(old), _error(new), *sessions)
    center = math.log1p(slowdown(old, new))
    return math.expm1(center - 1.645 * spread), math.expm1(center + 1.645 * spread)


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
    if changed or old.busy or new.busy:
        reason = ", ".join(changed) or "the machine was busy, now or then"
        return Finding("latency", label, None, "wall clock", Verdict.INCONCLUSIVE, reason, margin=margin)
    verdict = Verdict.FAIL if change > margin else Verdict.PASS
    return Finding(
        "latency", label, None, "wall clock", verdict, f"{change:+.1%}", baseline=old.seconds_p50,
        now=new.seconds_p50, change=change, margin=margin,
    )  # fmt: skip
