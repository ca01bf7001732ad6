"""The one order of leading metrics."""

from __future__ import annotations

from evalkit import registry
from evalkit.metrics.leading import BESIDE, LEADING, leading


def test_eao_leads_before_auc_and_ao() -> None:
    assert LEADING == ("eao", "auc", "ao", "f_score", "quality")
    assert leading(["sr50", "ao", "auc"]) == "auc"


def test_every_profile_has_a_leading_metric() -> None:
    by_profile = {
        profile.name: leading(metric.name for metric in profile.metrics) for profile in registry.profile.entries()
    }
    assert set(by_profile.values()) <= set(LEADING)
    assert by_profile["got10k"] == "auc", "where both AUC and AO exist, AUC leads"


def test_metrics_and_profiles_that_are_shown_in_addition_exist() -> None:
    for name, metrics in BESIDE.items():
        assert metrics <= {metric.name for metric in registry.profile.find(name).metrics}
