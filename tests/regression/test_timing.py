"""Verdicts on latency, from records that were not measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.regression import Finding, Verdict
from evalkit.regression.records import LatencyRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate
from evalkit.regression.timing import latency

QUIET = LatencyRecord((0.99, 1.0, 1.0, 1.01), "v1", 0.010, 0.011, 0.99)
HERE = {"processor": "x", "threads": 1, "runtime": "torch"}


def record(ratio: float = 1.0, share: float = 0.99, environment: dict[str, object] | None = None) -> TrackerRecord:
    one = replace(QUIET, ratios=tuple(ratio * value for value in QUIET.ratios), cpu_share=share)
    return TrackerRecord(environment or HERE, None, {}, {}, one)


def judged(old: TrackerRecord, new: TrackerRecord, gate: LatencyGate | None = None) -> Finding:
    return latency("toy", old, new, gate or LatencyGate())[0]


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(0.5, "pass"), (1.0, "pass"), (1.024, "pass"), (1.06, "inconclusive"), (1.15, "fail"), (2.0, "fail")],
)
def test_slower_by_more_than_the_margin_fails(ratio: float, verdict: str) -> None:
    assert judged(record(), record(ratio)).verdict.value == verdict


def test_a_busy_machine_makes_small_losses_inconclusive_and_hides_no_large_one() -> None:
    assert judged(record(), record(1.15, share=0.4)).verdict is Verdict.INCONCLUSIVE
    assert judged(record(share=0.4), record(1.15)).verdict is Verdict.INCONCLUSIVE
    assert judged(record(share=0.4), record(1.3, share=0.4)).verdict is Verdict.INCONCLUSIVE
    assert judged(record(), record(2.0, share=0.4)).verdict is Verdict.FAIL
    assert judged(record(), record(1.01, share=0.4)).verdict is Verdict.PASS


def test_on_another_processor_more_is_allowed() -> None:
    elsewhere = {**HERE, "processor": "y"}
    found = judged(record(), record(1.5, environment=elsewhere))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "processor x → y" in found.reason
    assert judged(record(), record(1.3, environment=elsewhere)).verdict is Verdict.PASS
    assert judged(record(), record(2.0, environment=elsewhere)).verdict is Verdict.FAIL


def test_a_large_gain_is_reported_unless_the_machine_explains_it() -> None:
    assert judged(record(), record(0.8)).improved
    assert not judged(record(share=0.4), record(0.85)).improved


def test_another_reference_workload_is_not_compared() -> None:
    old = record()
    old = replace(old, latency=replace(QUIET, reference="v0"))
    assert judged(old, record()).verdict is Verdict.INCONCLUSIVE


def test_what_was_not_measured_is_skipped_here_and_inconclusive_in_the_baseline() -> None:
    without = replace(record(), latency=None)
    assert judged(record(), without).verdict is Verdict.SKIPPED
    assert judged(without, record()).verdict is Verdict.INCONCLUSIVE


def test_wall_clock_is_gated_on_request_and_only_on_an_idle_machine() -> None:
    gate = LatencyGate(wall=0.2)
    slow = replace(record(), latency=replace(QUIET, seconds_p50=0.013))
    assert [one.verdict for one in latency("toy", record(), slow, gate)] == [Verdict.PASS, Verdict.FAIL]
    assert latency("toy", record(share=0.5), slow, gate)[1].verdict is Verdict.INCONCLUSIVE
    assert len(latency("toy", record(), slow, LatencyGate())) == 1
