"""The statistics of the accuracy gate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.metrics.measures import MEAN, Measure, Reduction, at, between
from evalkit.regression import accuracy, shares
from evalkit.regression.outcome import Verdict
from evalkit.regression.records import Share
from evalkit.regression.statistical import verdict_of
from evalkit.types import Metric

METRIC = Metric("auc", "a test's")


def plain(*values: float) -> dict[str, Share]:
    return {f"s{index}": Share((value,), (1.0,)) for index, value in enumerate(values)}


def changed(old: dict[str, Share], new: dict[str, Share], **options: float | bool) -> accuracy.Change:
    change = accuracy.compare(old, new, **{"margin": 0.005, **options})  # type: ignore[arg-type]
    assert change is not None
    return change


def verdict(change: accuracy.Change, margin: float = 0.005) -> Verdict:
    return verdict_of(change, margin, fails=change.p <= accuracy.ALARM)


def test_equal_scores_pass_whatever_their_number() -> None:
    for count in (1, 2, 30):
        old = plain(*np.linspace(0.1, 0.9, count))
        assert verdict(changed(old, old)) is Verdict.PASS


def test_the_same_loss_everywhere_fails() -> None:
    old = plain(*np.linspace(0.3, 0.9, 12))
    new = {name: Share((share.numerator[0] - 0.02,), (1.0,)) for name, share in old.items()}
    change = changed(old, new)
    assert change.gain == pytest.approx(-0.02)
    assert verdict(change) is Verdict.FAIL


def test_one_lost_sequence_of_twelve_is_inconclusive_and_says_how_many_would_decide() -> None:
    old = plain(*[0.6] * 12)
    new = {**old, "s3": Share((0.1,), (1.0,))}
    change = changed(old, new)
    assert verdict(change) is Verdict.INCONCLUSIVE
    # The mean drops by 1/24, its standard error is 1/24: (1.645 * (1/24) / (1/24 - 0.005))² * 12 sequences.
    assert change.error == pytest.approx(1 / 24, rel=0.05)
    assert accuracy.needed(change, 0.005) == pytest.approx(42, abs=4)


def test_of_two_sequences_nothing_is_concluded() -> None:
    change = changed(plain(0.6, 0.6), plain(0.5, 0.58))
    assert verdict(change) is Verdict.INCONCLUSIVE


def test_for_failures_fewer_is_better() -> None:
    old = {f"s{index}": Share((2.0,), ()) for index in range(10)}
    new = {f"s{index}": Share((3.0,), ()) for index in range(10)}
    change = changed(old, new, margin=1.0, higher_is_better=False)
    assert change.gain == pytest.approx(-10)
    assert verdict(change, margin=1.0) is Verdict.FAIL


def test_frames_weigh_where_a_metric_pools_frames() -> None:
    old = {"long": Share((90.0,), (100.0,)), "short": Share((1.0,), (10.0,))}
    new = {"long": Share((90.0,), (100.0,)), "short": Share((6.0,), (10.0,))}
    assert changed(old, new).gain == pytest.approx(5 / 110)


def test_a_score_that_does_not_exist_is_not_compared() -> None:
    nothing = {"a": Share((0.0,), (0.0,)), "b": Share((0.0,), (0.0,))}
    assert accuracy.compare(nothing, nothing, margin=0.005) is None


@given(st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=20))
def test_a_drop_beyond_the_margin_never_passes(differences: list[float]) -> None:
    old = plain(*[0.5] * len(differences))
    new = plain(*(0.5 + difference for difference in differences))
    change = changed(old, new)
    if change.gain < -0.005:
        assert verdict(change) is not Verdict.PASS


@given(st.lists(st.floats(-0.004, 0.3), min_size=1, max_size=20))
def test_losses_within_the_margin_in_every_sequence_never_fail(differences: list[float]) -> None:
    old = plain(*[0.5] * len(differences))
    new = plain(*(0.5 + difference for difference in differences))
    assert verdict(changed(old, new)) is not Verdict.FAIL


def test_bounds_agree_with_scipys_bootstrap_or_are_more_cautious() -> None:
    from scipy import stats

    differences = np.random.default_rng(5).normal(-0.01, 0.03, 40)
    change = changed(plain(*[0.5] * 40), plain(*(0.5 + differences)))
    theirs = stats.bootstrap((differences,), np.mean, confidence_level=0.9, method="percentile", rng=1)
    assert change.low <= theirs.confidence_interval.low + 5e-4
    assert change.high >= theirs.confidence_interval.high - 5e-4
    assert change.error == pytest.approx(theirs.standard_error, rel=0.05)


def measure_of(numerator: np.ndarray, denominator: np.ndarray | None, reduce: Reduction) -> Measure:
    names = tuple(f"s{index}" for index in range(len(numerator)))
    return Measure(METRIC, names, numerator, denominator, reduce)


def resampled(measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the same resamples, by the metric itself and by what a baseline keeps of it."""
    _, kept = shares.record(measure)
    weights = accuracy.resampling(len(measure.sequences))[:50]
    columns = accuracy._columns(list(kept.values()))
    return measure.values(weights), accuracy.scores(*columns, weights)


@pytest.mark.parametrize("reduce", [MEAN, at(3)])
def test_resampling_a_mean_over_sequences_is_exact(reduce: Reduction) -> None:
    curves = np.random.default_rng(0).random((9, 21))
    ours, kept = resampled(measure_of(curves, np.ones((9, 1)), reduce))
    assert kept == pytest.approx(ours, abs=1e-6)


def test_resampling_pooled_frames_is_exact() -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(50, 400, (9, 1)).astype(float)
    ours, kept = resampled(measure_of(rng.random((9, 4)) * frames, frames, MEAN))
    assert kept == pytest.approx(ours, abs=1e-6)


def test_resampling_expected_average_overlap_recomputes_it_from_a_dozen_stretches() -> None:
    rng = np.random.default_rng(2)
    lengths = np.arange(1, 401)
    fragments = rng.integers(60, 600, (30, 1))
    counts = (fragments >= lengths).astype(float) + rng.integers(0, 3, (30, 1))
    falling = np.exp(-lengths / rng.uniform(100, 500, (30, 1)))
    measure = measure_of(counts * falling, counts, between(99, 355))
    ours, kept = resampled(measure)
    assert kept == pytest.approx(ours, abs=2e-3)
    assert np.corrcoef(ours, kept)[0, 1] > 0.999
    per_sequence = {len(share.numerator) for share in shares.record(measure)[1].values()}
    assert per_sequence == {shares.COLUMNS}


def test_a_score_of_another_kind_is_resampled_by_its_values_per_sequence() -> None:
    def peak(curves: np.ndarray) -> np.ndarray:
        best: np.ndarray = np.nanmax(curves, axis=-1)
        return best

    rng = np.random.default_rng(3)
    denominators = rng.random((6, 5)) + 1
    _, kept = shares.record(measure_of(rng.random((6, 5)), denominators, Reduction(slice(None), peak)))
    assert all(share.denominator == (1.0,) for share in kept.values())


def test_a_share_survives_the_baseline() -> None:
    for share in (
        Share((0.25,), (1.0,)),
        Share((30.0,), (120.0,)),
        Share((0.0,), (0.0,)),
        Share((1.5, 2.5), (3.0, 4.0)),
    ):
        assert Share.parse(share.plain(), total=False) == share
    assert Share.parse(Share((3.0,), ()).plain(), total=True) == Share((3.0,), ())
    assert Share((0.0,), (0.0,)).value() is None
    assert math.isclose(Share((1.5, 3.0), (3.0, 4.0)).value() or 0, 0.625)
