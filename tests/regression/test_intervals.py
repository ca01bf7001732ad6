"""Bounds from few values, against sums done by hand and against SciPy."""

from __future__ import annotations

import math

import pytest

from evalkit.regression import intervals


def test_the_bounds_of_a_mean_are_students() -> None:
    # Mean 0.02, variance 0.0002 / 2 = 0.0001, standard error sqrt(0.0001 / 3); t of 2 degrees of freedom is 2.9200.
    bounds = intervals.of_mean([0.01, 0.02, 0.03])
    reach = 2.9200 * math.sqrt(0.0001 / 3)
    assert bounds == pytest.approx((0.02, 0.02 - reach, 0.02 + reach))


def test_one_value_says_nothing_about_others() -> None:
    assert intervals.of_mean([0.3]) == (0.3, -math.inf, math.inf)


def test_the_bounds_of_a_difference_hold_the_spread_of_both_and_of_sessions() -> None:
    # Means 0 and 0.1; squared standard errors 0.0002 / 2 = 0.0001 and 0.0001 / 3; sessions twice 0.01 squared.
    bounds = intervals.of_difference([-0.01, 0.01], [0.09, 0.1, 0.11], session=0.01)
    total = 0.0001 + 0.0001 / 3 + 2 * 0.0001
    freedom = total**2 / (0.0001**2 / 1 + (0.0001 / 3) ** 2 / 2)  # 10.3: Satterthwaite, sessions are known
    assert 10 < freedom < 11
    reach = intervals.t95(freedom) * math.sqrt(total)
    assert bounds == pytest.approx((0.1, 0.1 - reach, 0.1 + reach))


def test_without_a_session_it_is_welchs_interval() -> None:
    stats = pytest.importorskip("scipy.stats")
    old, new = [0.01, 0.03, 0.02, 0.05], [0.11, 0.02, 0.09, 0.13, 0.04]
    exact = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.9)  # two-sided: 95 % each way
    bounds = intervals.of_difference(old, new, session=0.0)
    assert bounds.low <= exact.low <= exact.high <= bounds.high
    assert bounds.high - bounds.low == pytest.approx(exact.high - exact.low, rel=0.02)


def test_a_ratio_of_one_process_counts_with_its_session_alone() -> None:
    bounds = intervals.of_difference([0.0], [0.1], session=0.08)
    assert bounds.high - 0.1 == pytest.approx(1.6449 * 0.08 * math.sqrt(2))


def test_no_quantile_is_below_students() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in (1, 1.5, 2, 3.9, 7, 9.99, 10, 10.5, 14, 40, 1000):
        exact = float(stats.t.ppf(0.95, freedom))
        assert exact - 1e-4 <= intervals.t95(freedom)
        if freedom >= 3:
            assert intervals.t95(freedom) <= exact * 1.16
    assert intervals.t95(math.inf) == pytest.approx(1.6449, abs=1e-4)
