"""Resampling, checked against scipy and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from evalkit.metrics import resampling, statistics
from evalkit.metrics.measures import MEAN, Measure, between
from evalkit.types import Metric, Score

SCORE = Metric("score", "mean of what sequences contribute")


def measure_of(values: list[float] | np.ndarray) -> Measure:
    column = np.asarray(values, dtype=float)[:, None]
    names = tuple(f"sequence {index}" for index in range(len(column)))
    return Measure(SCORE, names, column, np.ones_like(column), MEAN)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(7).beta(4, 2, 60)


def student_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    low, high = stats.t.interval(level, len(values) - 1, values.mean(), stats.sem(values))
    return float(low), float(high)


@pytest.mark.parity
@pytest.mark.parametrize("count", [2, 6, 60])
def test_bounds_are_the_more_cautious_ones_of_scipys_percentiles_and_of_students_t(
    values: np.ndarray, count: int
) -> None:
    values = values[:count]
    # The same generator draws the same sequences in the same order.
    percentile = stats.bootstrap(
        (values,), np.mean, n_resamples=2000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    low, high = statistics.interval(measure_of(values), resampling.resample(count, 2000, seed=3)) or (0, 0)
    student = np.clip(student_interval(values), 0, 1)
    assert low <= percentile.low + 1e-12 and high >= percentile.high - 1e-12
    # The standard error is that of the resamples, not of the formula.
    assert low == pytest.approx(min(percentile.low, student[0]), abs=0.1 * (student[1] - student[0]))
    assert high == pytest.approx(max(percentile.high, student[1]), abs=0.1 * (student[1] - student[0]))


@pytest.mark.parity
def test_a_skewed_score_has_the_percentile_of_scipy_on_its_longer_side() -> None:
    skewed = np.concatenate([np.zeros(150), np.linspace(0, 1, 10) ** 4])
    expected = stats.bootstrap(
        (skewed,), np.mean, n_resamples=2000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    _, high = statistics.interval(measure_of(skewed), resampling.resample(160, 2000, seed=3)) or (0, 0)
    assert high == pytest.approx(expected.high, abs=1e-12)


@pytest.mark.parity
def test_a_ratio_of_sums_has_the_percentiles_of_scipy_within_its_interval(values: np.ndarray) -> None:
    frames = np.random.default_rng(8).integers(20, 900, 60).astype(float)
    pooled = Measure(SCORE, tuple(map(str, range(60))), (values * frames)[:, None], frames[:, None], MEAN)

    def ratio(above: np.ndarray, below: np.ndarray, axis: int) -> np.ndarray:
        return above.sum(axis=axis) / below.sum(axis=axis)

    expected = stats.bootstrap(
        (values * frames, frames), ratio, n_resamples=2000, method="percentile", paired=True,
        rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    low, high = statistics.interval(pooled, resampling.resample(60, 2000, seed=3)) or (0, 0)
    assert low <= expected.low + 1e-12 and high >= expected.high - 1e-12
    assert high - low < 1.1 * (expected.high - expected.low)


@pytest.mark.parametrize("count", [6, 12])
def test_intervals_of_few_sequences_contain_the_true_value_as_often_as_they_say(count: int) -> None:
    rng = np.random.default_rng(5)
    population = rng.beta(2, 1.5, 200)
    weights = resampling.resample(count, 2000)
    bounds = [statistics.interval(measure_of(rng.choice(population, count)), weights) or (0, 0) for _ in range(400)]
    covered = np.mean([low <= population.mean() <= high for low, high in bounds])
    assert 0.92 < covered < 0.99


@pytest.mark.parametrize("count", [6, 12])
def test_differences_of_few_sequences_raise_few_false_alarms(count: int) -> None:
    rng = np.random.default_rng(6)
    alarms = []
    for _ in range(300):
        one = rng.beta(2, 1.5, count)
        other = one + rng.normal(0, 0.1, count)
        alarms.append(statistics.difference(measure_of(one), measure_of(other), resamples=1000).lower > 0)
    assert np.mean(alarms) < 0.09


def score_of(dataset: str, sequences: int, low: float | None = 0.1) -> Score:
    return Score("t", dataset, "one_pass", "auc", "pysot", 1, 0.5, "", True, sequences, 100, low=low, high=low)


def test_intervals_of_fewer_than_30_sequences_are_marked() -> None:
    notice = statistics.few_sequences_notice
    assert notice([score_of("a", 30), score_of("b", 12, low=None)]) is None
    assert notice([score_of("a", 29), score_of("b", 12), score_of("b", 6), score_of("c", 99)]) == (
        "intervals from fewer than 30 sequences (a: 29; b: 6 to 12) are approximate"
    )


def test_a_p_value_cannot_be_smaller_than_the_number_of_sequences_allows() -> None:
    for count in (4, 5, 6, 13):
        best = statistics.difference(measure_of(np.full(count, 0.9)), measure_of(np.linspace(0.1, 0.3, count)))
        assert best.p_value == statistics.smallest_p_value(count) == 2.0 ** (1 - count)
    differences = statistics.compare({name: measure_of(np.arange(6) + shift) for shift, name in enumerate("abc")})
    assert statistics.no_significance_notice("x", list(differences.values())) == (
        "x: no difference can be significant: with 6 common sequences and 3 pairs of trackers, no p-value can be below "
        "0.094"
    )
    assert statistics.no_significance_notice("x", list(differences.values())[:1]) is None
    assert statistics.no_significance_notice("x", []) is None


@pytest.mark.parity
def test_the_p_value_of_few_sequences_is_scipys_exact_one() -> None:
    one, other = (
        np.array([0.6, 0.7, 0.5, 0.8, 0.9, 0.4, 0.62, 0.71]),
        np.array([0.5, 0.6, 0.55, 0.6, 0.7, 0.3, 0.6, 0.7]),
    )
    exact = stats.permutation_test(
        (one, other), lambda a, b, axis: (a - b).mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    found = statistics.difference(measure_of(one), measure_of(other), resamples=40_000)
    assert found.p_value == pytest.approx(exact, abs=1e-12)
    assert found.value == pytest.approx((one - other).mean())


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    p_values = [0.001, 0.2, 0.04, 0.013, 0.013]
    # Sorted .001 .013 .013 .04 .2, times 5 4 3 2 1: .005 .052 .039 .08 .2; the third may not fall below the second.
    assert statistics.holm(p_values) == pytest.approx([0.005, 0.2, 0.08, 0.052, 0.052])


def test_one_sided_bounds_lie_inside_the_two_sided_interval(values: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 60)
    found = statistics.difference(measure_of(values), measure_of(values + noise))
    assert found.low < found.lower < found.upper < found.high


def test_a_result_against_itself_differs_by_nothing(values: np.ndarray) -> None:
    found = statistics.difference(measure_of(values), measure_of(values))
    assert (found.value, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_a_comparison_uses_the_common_sequences_in_one_order() -> None:
    one = Measure(SCORE, ("a", "b", "c"), np.array([[1.0], [2.0], [3.0]]), np.ones((3, 1)), MEAN)
    other = Measure(SCORE, ("c", "b"), np.array([[3.0], [1.0]]), np.ones((2, 1)), MEAN)
    found = statistics.difference(one, other, resamples=200)
    assert (found.value, found.sequences) == (0.5, 2)
    with pytest.raises(ValueError, match="no sequence in common"):
        statistics.difference(one.only(frozenset("a")), other)


def test_one_sequence_has_no_interval() -> None:
    assert statistics.interval(measure_of([0.5])) is None


def test_equal_sequences_have_an_interval_of_no_width() -> None:
    assert statistics.interval(measure_of([0.5] * 4)) == (0.5, 0.5)


def test_every_pair_is_compared_once_and_adjusted(values: np.ndarray) -> None:
    trackers = {name: measure_of(values + shift) for name, shift in (("a", 0.0), ("b", 0.2), ("c", 0.2))}
    found = statistics.compare(trackers, resamples=500)
    assert list(found) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found["a", "b"].value == pytest.approx(-0.2)
    assert found["a", "b"].p_value < 0.01
    assert found["b", "c"].p_value == 1


def test_the_seed_decides_the_draw() -> None:
    assert np.array_equal(resampling.resample(9, 50, seed=1), resampling.resample(9, 50, seed=1))
    assert not np.array_equal(resampling.resample(9, 50, seed=1), resampling.resample(9, 50, seed=2))
    assert (resampling.resample(9, 50).sum(axis=1) == 9).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.permutations(range(12)))
def test_the_order_of_sequences_does_not_matter(values: list[float], order: list[int]) -> None:
    measure = measure_of(values)
    names = tuple(measure.sequences[index] for index in order if index < len(values))
    assert measure.ordered(names).value() == pytest.approx(measure.value(), abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
@example([0.0, 1.8766613593330275e-131])
def test_the_interval_of_a_fraction_contains_the_score_and_stays_within_0_and_1(values: list[float]) -> None:
    found = statistics.interval(measure_of(values), resampling.resample(len(values), 100))
    assert found is not None
    assert 0 <= found[0] <= np.mean(values) + 1e-12
    assert np.mean(values) - 1e-12 <= found[1] <= 1


@pytest.mark.parametrize("kind", ["mean of a curve", "ratio by point", "other sequences"])
def test_all_pairs_at_once_give_the_numbers_of_each_pair_by_itself(kind: str) -> None:
    random = np.random.default_rng(3)
    trackers = {}
    for number in range(4):
        left_out = number if kind == "other sequences" else 99
        names = tuple(f"s{index}" for index in range(12) if index != left_out)
        rows = random.random((len(names), 21)) + number / 50
        below = random.integers(0, 2, rows.shape).astype(np.float64)
        by_point = kind == "ratio by point"
        trackers[f"t{number}"] = Measure(
            SCORE,
            names,
            rows,
            below if by_point else np.full((len(names), 1), 2.0),
            between(2, 9) if by_point else MEAN,
        )
    found = statistics.compare(trackers, resamples=1500)
    alone = {pair: statistics.difference(*map(trackers.__getitem__, pair), resamples=1500) for pair in found}
    adjusted = statistics.holm([one.p_value for one in alone.values()])
    for (pair, one), p_value in zip(found.items(), adjusted, strict=True):
        expected = alone[pair]
        assert one.p_value == pytest.approx(p_value)
        assert (one.value, one.low, one.high, one.lower, one.upper) == pytest.approx(
            (expected.value, expected.low, expected.high, expected.lower, expected.upper), rel=1e-12
        )


def test_p_values_of_all_pairs_are_those_of_relabelled_sequences() -> None:
    random = np.random.default_rng(5)
    one, other = random.random((2, 15, 11))
    measures = [Measure(SCORE, tuple("abcdefghijklmno"), rows, np.ones((15, 1)), MEAN) for rows in (one, other)]
    observed = one.mean() - other.mean()
    swapped = np.random.default_rng(1).integers(0, 2, (2500, 15))
    relabelled = np.where(swapped[..., None], other, one).mean(axis=(1, 2))
    remaining = np.where(swapped[..., None], one, other).mean(axis=(1, 2))
    reached = (np.abs(relabelled - remaining) >= abs(observed) - 1e-12).sum()
    found = statistics.compare(dict(zip("xy", measures, strict=True)), resamples=2500)
    assert found["x", "y"].p_value == pytest.approx((reached + 1) / 2501)


def test_resamples_and_relabellings_are_drawn_once_for_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(name: str) -> None:
        function = getattr(statistics, name)

        def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return function(*arguments, **options)

        monkeypatch.setattr(statistics, name, call)

    counted("resample")
    counted("permutation_p_values")
    random = np.random.default_rng(0)
    names = tuple(f"s{index}" for index in range(20))
    trackers = {
        f"t{number}": Measure(SCORE, names, random.random((20, 11)), np.ones((20, 1)), MEAN) for number in range(12)
    }
    assert len(statistics.compare(trackers, resamples=1000)) == 66
    assert calls == ["resample", "permutation_p_values"]
