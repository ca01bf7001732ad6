"""The one order of leading metrics."""

from __future__ import annotations

from evalkit import comparison
from evalkit.metrics import profiles
from evalkit.metrics.leading import BESIDE, LEADING, leading


def test_reports_and_gate_have_one_order() -> None:
    assert comparison.LEADING is LEADING == ("eao", "auc", "ao", "f_score")
    assert comparison.BESIDE is BESIDE


def test_every_profile_has_a_leading_metric() -> None:
    by_profile = {
        name: leading(metric.name for metric in profile.metrics) for name, profile in profiles.PROFILES.items()
    }
    assert set(by_profile.values()) <= set(LEADING)
    assert by_profile["got10k"] == "auc", "where both AUC and AO exist, AUC leads"


def test_metrics_and_profiles_that_are_shown_in_addition_exist() -> None:
    for name, metrics in BESIDE.items():
        assert metrics <= {metric.name for metric in profiles.PROFILES[name].metrics}
