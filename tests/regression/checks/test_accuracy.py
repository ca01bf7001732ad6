"""The gate on accuracy: its statistics and verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.regression.checks import accuracy
from evalkit.regression.checks.accuracy import ScoreChange, verdict_of
from evalkit.regression.findings import Verdict
from evalkit.regression.records import SequenceContribution

Contributions = dict[str, SequenceContribution]


def plain(*values: float) -> Contributions:
    return {f"s{index}": SequenceContribution((value,), (1.0,)) for index, value in enumerate(values)}


def changed(old: Contributions, new: Contributions, **options: float | bool) -> ScoreChange:
    change = accuracy.score_change(old, new, **{"margin": 0.005, **options})  # type: ignore[arg-type]
    assert change is not None
    return change


def verdict(change: ScoreChange, margin: float = 0.005) -> Verdict:
    return verdict_of(change, margin, fails=change.p <= accuracy.MAX_P_VALUE)


def test_equal_scores_pass_whatever_their_number() -> None:
    for count in (1, 2, 30):
        old = plain(*np.linspace(0.1, 0.9, count))
        assert verdict(changed(old, old)) is Verdict.PASS


def test_the_same_loss_everywhere_fails() -> None:
    old = plain(*np.linspace(0.3, 0.9, 12))
    new = {name: SequenceContribution((one.numerator[0] - 0.02,), (1.0,)) for name, one in old.items()}
    change = changed(old, new)
    assert change.gain == pytest.approx(-0.02)
    assert verdict(change) is Verdict.FAIL


def test_one_lost_sequence_of_twelve_is_inconclusive_and_says_how_many_would_decide() -> None:
    old = plain(*[0.6] * 12)
    new = {**old, "s3": SequenceContribution((0.1,), (1.0,))}
    change = changed(old, new)
    assert verdict(change) is Verdict.INCONCLUSIVE
    # The mean drops by 1/24, its standard error is 1/24: (1.645 * (1/24) / (1/24 - 0.005))² * 12 sequences.
    assert change.error == pytest.approx(1 / 24, rel=0.05)
    assert accuracy.sequences_needed(change, 0.005) == pytest.approx(42, abs=4)


def test_two_sequences_with_different_losses_are_inconclusive() -> None:
    change = changed(plain(0.6, 0.6), plain(0.5, 0.58))
    assert verdict(change) is Verdict.INCONCLUSIVE


def test_fewer_failures_are_better() -> None:
    old = {f"s{index}": SequenceContribution((2.0,), ()) for index in range(10)}
    new = {f"s{index}": SequenceContribution((3.0,), ()) for index in range(10)}
    change = changed(old, new, margin=1.0, higher_is_better=False)
    assert change.gain == pytest.approx(-10)
    assert verdict(change, margin=1.0) is Verdict.FAIL


def test_frames_weigh_where_a_metric_pools_frames() -> None:
    old = {"long": SequenceContribution((90.0,), (100.0,)), "short": SequenceContribution((1.0,), (10.0,))}
    new = {"long": SequenceContribution((90.0,), (100.0,)), "short": SequenceContribution((6.0,), (10.0,))}
    assert changed(old, new).gain == pytest.approx(5 / 110)


def test_a_score_that_does_not_exist_is_not_compared() -> None:
    nothing = {"a": SequenceContribution((0.0,), (0.0,)), "b": SequenceContribution((0.0,), (0.0,))}
    assert accuracy.score_change(nothing, nothing, margin=0.005) is None


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
