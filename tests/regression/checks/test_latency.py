"""The gate on latency: bounds and verdicts, from ratios that were not measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evalkit.regression.checks.latency import (
    bounds_of_difference,
    bounds_of_mean,
    check_latency,
    passes_early,
    t_quantile,
)
from evalkit.regression.findings import GateFinding, Verdict
from evalkit.regression.latency.measure import LatencyMeasurement, RelativeLatency
from evalkit.regression.records import LatencyRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate

SPREAD = (0.99, 1.0, 1.0, 1.01)
"""Ratios of pairs of processes that do the same work; 1 % was measured."""
QUIET = LatencyRecord(SPREAD, "v1", 0.010, 0.011, 0.99)
RELATIVE = RelativeLatency(SPREAD, "0123abc", 0.010, 0.011, 1.0, 0.99)
HERE = {"processor": "x", "threads": 1, "runtime": "torch"}


def record(ratio: float = 1.0, share: float = 0.99, environment: dict[str, object] | None = None) -> TrackerRecord:
    one = replace(QUIET, ratios=tuple(ratio * value for value in QUIET.ratios), cpu_share=share)
    return TrackerRecord(environment or HERE, None, {}, {}, one)


def relative(ratio: float = 1.0, share: float = 0.99, ratios: tuple[float, ...] = SPREAD) -> LatencyMeasurement:
    return LatencyMeasurement(replace(RELATIVE, ratios=tuple(ratio * value for value in ratios), cpu_share=share))


def judged_relative(measured: LatencyMeasurement, gate: LatencyGate | None = None) -> GateFinding:
    return check_latency("toy", record(), record(), measured, gate or LatencyGate())[0]


def judged(old: TrackerRecord, new: TrackerRecord, gate: LatencyGate | None = None) -> GateFinding:
    return check_latency("toy", old, new, LatencyMeasurement(recorded=new.latency), gate or LatencyGate())[0]


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(0.5, "pass"), (1.0, "pass"), (1.03, "pass"), (1.05, "inconclusive"), (1.07, "fail"), (2.0, "fail")],
)
def test_a_few_percent_relative_to_the_previous_code_are_detected(ratio: float, verdict: str) -> None:
    assert judged_relative(relative(ratio)).verdict.value == verdict


@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, "pass"), (1.07, "inconclusive"), (1.5, "fail")])
def test_the_variation_between_processes_is_in_the_interval(ratio: float, verdict: str) -> None:
    assert judged_relative(relative(ratio, ratios=(0.97, 0.99, 1.01, 1.03))).verdict.value == verdict


def test_on_a_busy_machine_only_the_wall_clock_is_inconclusive() -> None:
    gate = LatencyGate(wall=0.2)
    slow = replace(relative(share=0.4), relative=replace(RELATIVE, wall=1.5, cpu_share=0.4))
    cpu, wall = check_latency("toy", record(), record(), slow, gate)
    assert (cpu.verdict, wall.verdict) == (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert "40%" in cpu.reason
    idle = check_latency("toy", record(), record(), LatencyMeasurement(replace(RELATIVE, wall=1.5)), gate)
    assert [one.verdict for one in idle] == [Verdict.PASS, Verdict.FAIL]
    assert idle[1].baseline == pytest.approx(0.010 / 1.5)


def test_the_finding_names_the_commit_and_the_bounds() -> None:
    found = judged_relative(relative(1.2))
    reach = 2.3534 * math.sqrt(((math.log(0.99) ** 2 + math.log(1.01) ** 2) / 3) / 4)
    assert found.low == pytest.approx(1.2 * math.exp(-reach) - 1, abs=1e-4)
    assert found.high == pytest.approx(1.2 * math.exp(reach) - 1, abs=1e-4)
    assert "0123abc" in found.reason
    assert (found.baseline, found.margin) == (1.0, 0.05)


def test_only_passing_ends_a_measurement_early() -> None:
    decided = passes_early(LatencyGate())
    assert decided(SPREAD)
    assert not decided((2.0, 2.0, 2.01, 1.99))
    assert not decided((1.0,))
    assert not decided((0.9, 1.0, 1.0, 1.2))


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.5, "pass"), (1.0, "pass"), (1.14, "pass"), (1.3, "inconclusive"), (2.0, "fail")]
)
def test_a_doubling_relative_to_the_recorded_ratio_fails_and_half_the_margin_passes(ratio: float, verdict: str) -> None:
    assert judged(record(), record(ratio)).verdict.value == verdict


def test_idle_sessions_that_differed_by_a_sixth_do_not_fail() -> None:
    # Measured on one machine, both idle: MOSSE at 1.183 and at 1.382 of the reference.
    assert judged(record(1.183), record(1.382)).verdict is not Verdict.FAIL


def test_a_single_recorded_ratio_is_enough_to_detect_a_doubling() -> None:
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


def test_the_reason_says_why_there_is_no_comparison_with_the_previous_code() -> None:
    measured = LatencyMeasurement(recorded=record().latency, obstacle="git is not installed")
    (found,) = check_latency("toy", record(), record(), measured, LatencyGate())
    assert found.verdict is Verdict.PASS
    assert "git is not installed" in found.reason


def test_a_large_gain_is_reported_unless_sessions_explain_it() -> None:
    assert judged_relative(relative(0.8)).improved
    assert judged(record(), record(0.5)).improved
    assert not judged(record(), record(0.8)).improved


def test_another_reference_workload_is_not_compared() -> None:
    old = replace(record(), latency=replace(QUIET, reference="v0"))
    assert judged(old, record()).verdict is Verdict.INCONCLUSIVE


def test_no_measurement_is_skipped_and_no_recorded_one_is_inconclusive() -> None:
    without = replace(record(), latency=None)
    (skipped,) = check_latency("toy", record(), without, LatencyMeasurement(obstacle="a GPU"), LatencyGate())
    assert (skipped.verdict, skipped.reason) == (Verdict.SKIPPED, "a GPU")
    assert judged(without, record()).verdict is Verdict.INCONCLUSIVE


def test_a_tracker_that_fails_while_it_is_timed_never_passes() -> None:
    (found,) = check_latency(
        "toy", record(), record(), LatencyMeasurement(obstacle="out of memory", failed=True), LatencyGate()
    )
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "out of memory")


def test_wall_clock_is_gated_on_request_and_only_on_an_idle_machine() -> None:
    gate = LatencyGate(wall=0.2)
    slow = replace(QUIET, seconds_p50=0.013)

    def verdicts(old: TrackerRecord) -> list[Verdict]:
        return [one.verdict for one in check_latency("toy", old, record(), LatencyMeasurement(recorded=slow), gate)]

    assert verdicts(record()) == [Verdict.PASS, Verdict.FAIL]
    assert verdicts(record(share=0.5))[1] is Verdict.INCONCLUSIVE
    assert len(check_latency("toy", record(), record(), LatencyMeasurement(recorded=slow), LatencyGate())) == 1


def test_the_bounds_of_a_mean_are_those_of_students_distribution() -> None:
    # Mean 0.02, variance 0.0002 / 2 = 0.0001, standard error sqrt(0.0001 / 3); t of 2 degrees of freedom is 2.9200.
    bounds = bounds_of_mean([0.01, 0.02, 0.03])
    reach = 2.9200 * math.sqrt(0.0001 / 3)
    assert bounds == pytest.approx((0.02, 0.02 - reach, 0.02 + reach), rel=1e-4)


def test_the_bounds_of_a_single_value_are_infinite() -> None:
    assert bounds_of_mean([0.3]) == (0.3, -math.inf, math.inf)


def test_the_bounds_of_a_difference_include_the_spread_of_both_and_of_sessions() -> None:
    # Means 0 and 0.1; squared standard errors 0.0002 / 2 = 0.0001 and 0.0001 / 3; sessions twice 0.01 squared.
    bounds = bounds_of_difference([-0.01, 0.01], [0.09, 0.1, 0.11], session_spread=0.01)
    total = 0.0001 + 0.0001 / 3 + 2 * 0.0001
    freedom = total**2 / (0.0001**2 / 1 + (0.0001 / 3) ** 2 / 2)  # 10.3: Satterthwaite, sessions are known
    assert 10 < freedom < 11
    reach = t_quantile(freedom) * math.sqrt(total)
    assert bounds == pytest.approx((0.1, 0.1 - reach, 0.1 + reach))


def test_without_a_spread_of_sessions_it_is_welchs_interval() -> None:
    from scipy import stats

    old, new = [0.01, 0.03, 0.02, 0.05], [0.11, 0.02, 0.09, 0.13, 0.04]
    exact = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.9)  # two-sided: 95 % on each side
    bounds = bounds_of_difference(old, new, session_spread=0.0)
    assert (bounds.low, bounds.high) == pytest.approx((exact.low, exact.high))


def test_a_single_ratio_has_the_spread_of_its_session_alone() -> None:
    bounds = bounds_of_difference([0.0], [0.1], session_spread=0.08)
    assert bounds.high - 0.1 == pytest.approx(1.6449 * 0.08 * math.sqrt(2), rel=1e-4)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 6.3138), (1.5, 3.7052), (2, 2.9200), (2.5, 2.5582), (4.7, 2.0438), (10, 1.8125), (math.inf, 1.6449)],
)
def test_quantiles_are_those_of_students_distribution_with_fractional_freedom_too(
    freedom: float, quantile: float
) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=5e-5)
