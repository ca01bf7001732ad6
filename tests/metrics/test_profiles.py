"""Declarations of the metric profiles, and scores by all of them next to one another."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import registry, score_report
from evalkit.errors import EvalkitError
from evalkit.metrics import profiles
from evalkit.registry import ProfileEntry
from evalkit.stored import StoredRun
from evalkit.types import Dataset, Trajectory

STILL = [[10, 10, 20, 20]] * 4


def test_every_profile_states_its_source_and_why_it_differs() -> None:
    assert set(registry.profile.names()) == {
        "otb-matlab", "lasot-matlab", "pysot", "pytracking", "ostrack", "got10k", "trackingnet", "vot-supervised",
        "vot-toolkit", "vot-multistart", "vot-longterm", "vot-exact", "vot-unsupervised", "vots",
    }  # fmt: skip
    for profile in registry.profile.entries():
        assert registry.profile.is_builtin(profile)
        assert profile.source and profile.reason and profile.protocols and profile.metrics
        assert "\n" not in profile.reason
        assert all(metric.summary for metric in profile.metrics)


HEADS = {
    "auc": "AUC", "precision": "P", "norm_precision": "P_norm", "norm_precision_auc": "P_norm AUC", "ao": "AO",
    "sr50": "SR50", "sr75": "SR75", "accuracy": "A", "robustness": "R", "failures": "failures", "eao": "EAO",
    "f_score": "F", "lt_precision": "Pr", "lt_recall": "Re", "fps": "fps by got10k", "coverage": "coverage",
    "quality": "Q", "not_reported_error": "NRE", "drift_rate_error": "DRE", "absence_detection_quality": "ADQ",
}  # fmt: skip
CURVES = {
    "auc": ("Success plot", "overlap threshold", "success rate"),
    "precision": ("Precision plot", "centre error threshold (pixels)", "precision"),
    "norm_precision": ("Normalized precision plot", "normalized centre error threshold", "precision"),
    "ao": ("Success plot", "overlap threshold", "success rate"),
    "quality": ("Quality plot", "overlap threshold", "success rate"),
    "eao": ("Expected average overlap", "sequence length (frames)", "expected overlap"),
    "f_score": ("Precision against recall", "recall", "precision"),
}


def test_every_metric_has_the_same_column_head_in_all_profiles() -> None:
    assert {(metric.name, metric.head) for metric in profiles.metrics()} == set(HEADS.items())


def test_metrics_that_summarise_a_curve_have_its_labels() -> None:
    found = {(metric.name, metric.curve) for metric in profiles.metrics() if metric.curve is not None}
    assert found == set(CURVES.items())
    # The average overlap of unsupervised results has no curve.
    assert [metric.curve for metric in profiles.metrics("vot-unsupervised")] == [None]


def test_the_definition_of_a_metric_is_that_of_the_profile() -> None:
    robustness = [profiles.metric_named("robustness", name) for name in ("vot-supervised", "vot-toolkit", "pysot")]
    assert [metric and metric.unit for metric in robustness] == ["failures/100 frames", "failures/sequence", None]
    assert list(profiles.metrics("unknown")) == []


def score_by_all_profiles(dataset: Dataset, runs: dict[str, list[Trajectory]]) -> score_report.ScoreReport:
    run = StoredRun(dataset, "label", "one_pass", Path(), None, None, tuple(runs), runs, {})
    how = score_report._Scoring(attributes=False, confidence=0.95, allow_partial=False, fps=None, latency=None)
    return score_report._score_by_all_profiles([run], how)


def test_a_comparison_reports_refusals_of_profiles_and_raises_other_errors(make: Any) -> None:
    def damaged(evaluation: object) -> list[Any]:
        raise EvalkitError("the annotation cannot be read")

    entry = ProfileEntry("damaged", damaged, "", protocols=("one_pass",), metrics=())
    dataset, runs = make.dataset(make.sequence("one", STILL)), {"one": [make.one_pass("one", STILL)]}
    with registry.profile.temporarily(entry), pytest.raises(EvalkitError, match="annotation cannot be read"):
        score_by_all_profiles(dataset, runs)


def test_every_score_states_tracker_dataset_protocol_profile_version_and_sequences(make: Any) -> None:
    dataset = make.dataset(*(make.sequence(name, STILL) for name in "abc"))
    runs = {name: [make.one_pass(name, np.array(STILL) + shift)] for shift, name in enumerate("abc")}
    scores = profiles.score("lasot-matlab", dataset, "label", "one_pass", runs)
    assert {score.metric for score in scores} >= {"auc", "precision", "norm_precision"}
    for score in scores:
        assert (score.tracker, score.dataset, score.protocol, score.profile) == (
            "label", "folder", "one_pass", "lasot-matlab",
        )  # fmt: skip
        assert (score.sequences, score.expected_sequences, score.version) == (3, 3, 1)
        assert score.low is not None and score.high is not None and score.value is not None
        assert score.low <= score.value <= score.high
        assert set(score.per_sequence) == set("abc")


def test_all_profiles_are_compared_with_their_reasons(make: Any) -> None:
    dataset = make.dataset(make.sequence("one", STILL))
    dataset = Dataset(**{**vars(dataset), "profiles": ("otb-matlab", "pysot", "pytracking", "vot-supervised")})
    answer = [STILL[0], [np.nan] * 4, STILL[0], STILL[0]]
    report = score_by_all_profiles(dataset, {"one": [make.one_pass("one", answer)]})
    auc = {score.profile: score.value for score in report.scores if score.metric == "auc"}
    assert auc == pytest.approx({"otb-matlab": 20 / 21, "pysot": 20 / 21 * 3 / 4})
    assert f"pysot: {profiles.find('pysot').reason}" in report.notices
    (refusal,) = (notice for notice in report.notices if "does not score" in notice)
    assert refusal.startswith("pytracking does not score label: folder/label: pytracking does not score NaN")


def test_a_result_without_sequences_is_an_error(make: Any) -> None:
    with pytest.raises(EvalkitError, match="no result"):
        profiles.score("pysot", make.dataset(make.sequence("one", STILL)), "label", "one_pass", {"one": []})


@pytest.mark.parity
def test_toolkits_disagree_by_almost_five_points_on_one_set_of_files(
    benchmark: Callable[[str], Dataset], results: Callable[[Dataset, str], dict[str, list[Trajectory]]]
) -> None:
    otb = benchmark("otb100")
    report = score_by_all_profiles(otb, results(otb, "TLD"))
    auc = {score.profile: score.value for score in report.scores if score.metric == "auc"}
    assert auc == pytest.approx({"otb-matlab": 0.405640, "pysot": 0.357225, "got10k": 0.357225}, abs=1e-6)


def test_scoring_imports_no_torch(tmp_path: Any) -> None:
    code = (
        "import sys; from evalkit import registry; from evalkit.metrics import profiles, statistics, streaming; "
        "registry.profile.names(); registry.protocol.names(); "
        "heavy = {'torch', 'pandas', 'matplotlib', 'scipy', 'shapely', 'got10k', 'numba'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_the_documentation_gives_every_reason() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    for profile in registry.profile.entries():
        assert f"| `{profile.name}` ({profile.source}) | {profile.reason} |" in text
