"""Verdicts on latency, from ratios that were not measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evalkit.regression import Finding, Verdict, timing
from evalkit.regression.latency import Beside, Timed
from evalkit.regression.records import LatencyRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate

SPREAD = (0.99, 1.0, 1.0, 1.01)
"""Of pairs of processes that do the same; measured: 1 %."""
QUIET = LatencyRecord(SPREAD, "v1", 0.010, 0.011, 0.99)
BESIDE = Beside(SPREAD, "0123abc", 0.010, 0.011, 1.0, 0.99)
HERE = {"processor": "x", "threads": 1, "runtime": "torch"}


def record(ratio: float = 1.0, share: float = 0.99, environment: dict[str, object] | None = None) -> TrackerRecord:
    one = replace(QUIET, ratios=tuple(ratio * value for value in QUIET.ratios), cpu_share=share)
    return TrackerRecord(environment or HERE, None, {}, {}, one)


def beside(ratio: float = 1.0, share: float = 0.99, ratios: tuple[float, ...] = SPREAD) -> Timed:
    return Timed(replace(BESIDE, ratios=tuple(ratio * value for value in ratios), cpu_share=share))


def judged_beside(timed: Timed, gate: LatencyGate | None = None) -> Finding:
    return timing.latency("toy", record(), record(), timed, gate or LatencyGate())[0]


def judged(old: TrackerRecord, new: TrackerRecord, gate: LatencyGate | None = None) -> Finding:
    return timing.latency("toy", old, new, Timed(recorded=new.latency), gate or LatencyGate())[0]


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(0.5, "pass"), (1.0, "pass"), (1.03, "pass"), (1.05, "inconclusive"), (1.07, "fail"), (2.0, "fail")],
)
def test_beside_its_former_code_a_few_percent_are_seen(ratio: float, verdict: str) -> None:
    assert judged_beside(beside(ratio)).verdict.value == verdict


@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, "pass"), (1.07, "inconclusive"), (1.5, "fail")])
def test_what_processes_differ_by_is_in_the_interval(ratio: float, verdict: str) -> None:
    assert judged_beside(beside(ratio, ratios=(0.97, 0.99, 1.01, 1.03))).verdict.value == verdict


def test_a_busy_machine_changes_nothing_beside_but_the_wall_clock() -> None:
    gate = LatencyGate(wall=0.2)
    slow = replace(beside(share=0.4), beside=replace(BESIDE, wall=1.5, cpu_share=0.4))
    cpu, wall = timing.latency("toy", record(), record(), slow, gate)
    assert (cpu.verdict, wall.verdict) == (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert "40%" in cpu.reason
    idle = timing.latency("toy", record(), record(), Timed(replace(BESIDE, wall=1.5)), gate)
    assert [one.verdict for one in idle] == [Verdict.PASS, Verdict.FAIL]
    assert idle[1].baseline == pytest.approx(0.010 / 1.5)


def test_the_finding_names_the_former_code_and_the_bounds() -> None:
    found = judged_beside(beside(1.2))
    reach = 2.3534 * math.sqrt(((math.log(0.99) ** 2 + math.log(1.01) ** 2) / 3) / 4)
    assert found.low == pytest.approx(1.2 * math.exp(-reach) - 1, abs=1e-4)
    assert found.high == pytest.approx(1.2 * math.exp(reach) - 1, abs=1e-4)
    assert "0123abc" in found.reason
    assert (found.baseline, found.margin) == (1.0, 0.05)


def test_only_passing_ends_a_measurement_early() -> None:
    enough = timing.enough(LatencyGate())
    assert enough(SPREAD)
    assert not enough((2.0, 2.0, 2.01, 1.99))
    assert not enough((1.0,))
    assert not enough((0.9, 1.0, 1.0, 1.2))


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.5, "pass"), (1.0, "pass"), (1.14, "pass"), (1.3, "inconclusive"), (2.0, "fail")]
)
def test_beside_the_reference_workload_a_doubling_is_seen_and_half_the_margin_passes(
    ratio: float, verdict: str
) -> None:
    assert judged(record(), record(ratio)).verdict.value == verdict


def test_idle_sessions_that_differed_by_a_sixth_do_not_fail() -> None:
    # Measured on one machine, both idle: MOSSE at 1.183 and at 1.382 of the reference.
    assert judged(record(1.183), record(1.382)).verdict is not Verdict.FAIL


def test_a_ratio_of_a_single_process_still_tells_a_doubling() -> None:
    old = replace(record(), latency=replace(QUIET, ratios=(1.0,)))
    assert judged(old, record()).verdict is Verdict.PASS
    assert judged(old, record(2.0)).verdict is Verdict.FAIL


def test_on_another_processor_more_is_allowed() -> None:
    elsewhere = {**HERE, "processor": "y"}
    found = judged(record(), record(1.5, environment=elsewhere))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "processor x → y" in found.reason
    assert judged(record(), record(1.2, environment=elsewhere)).verdict is Verdict.PASS
    assert judged(record(), record(2.0, environment=elsewhere)).verdict is Verdict.FAIL


def test_why_it_was_not_timed_beside_its_former_code_is_said() -> None:
    timed = Timed(recorded=record().latency, obstacle="git is not installed")
    (found,) = timing.latency("toy", record(), record(), timed, LatencyGate())
    assert found.verdict is Verdict.PASS
    assert "git is not installed" in found.reason


def test_a_large_gain_is_reported_unless_sessions_explain_it() -> None:
    assert judged_beside(beside(0.8)).improved
    assert judged(record(), record(0.5)).improved
    assert not judged(record(), record(0.8)).improved


def test_another_reference_workload_is_not_compared() -> None:
    old = replace(record(), latency=replace(QUIET, reference="v0"))
    assert judged(old, record()).verdict is Verdict.INCONCLUSIVE


def test_what_was_not_measured_is_skipped_here_and_inconclusive_in_the_baseline() -> None:
    without = replace(record(), latency=None)
    (skipped,) = timing.latency("toy", record(), without, Timed(obstacle="a GPU"), LatencyGate())
    assert (skipped.verdict, skipped.reason) == (Verdict.SKIPPED, "a GPU")
    assert judged(without, record()).verdict is Verdict.INCONCLUSIVE


def test_a_tracker_that_fails_while_it_is_timed_never_passes() -> None:
    (found,) = timing.latency("toy", record(), record(), Timed(obstacle="out of memory", failed=True), LatencyGate())
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "out of memory")


def test_wall_clock_is_gated_on_request_and_only_on_an_idle_machine() -> None:
    gate = LatencyGate(wall=0.2)
    slow = replace(QUIET, seconds_p50=0.013)

    def verdicts(old: TrackerRecord) -> list[Verdict]:
        return [one.verdict for one in timing.latency("toy", old, record(), Timed(recorded=slow), gate)]

    assert verdicts(record()) == [Verdict.PASS, Verdict.FAIL]
    assert verdicts(record(share=0.5))[1] is Verdict.INCONCLUSIVE
    assert len(timing.latency("toy", record(), record(), Timed(recorded=slow), LatencyGate())) == 1
