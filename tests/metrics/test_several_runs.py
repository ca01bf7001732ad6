"""Several runs of a stochastic tracker: the mean, the deviation between runs, and the interval."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evalkit import api, score_report
from evalkit.cli import cli
from evalkit.factories import open_dataset
from evalkit.types import Score

STOCHASTIC = """
import numpy as np
from evalkit.geometry import shifted
from evalkit.types import Prediction

class Stochastic:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def initialize(self, image, region):
        self.region = region

    def update(self, image):
        self.region = shifted(self.region, self.random.normal(), 0)
        return Prediction(self.region)
"""
SEQUENCES = ["scale", "blur", "turning"]


def by_metric(scores: tuple[Score, ...]) -> dict[str, Score]:
    return {f"{score.profile} {score.metric}": score for score in scores}


def write_runs(folder: Path, count: int, *, only: dict[str, int] | None = None) -> None:
    """Write pytracking's folders of runs whose boxes are shifted by as many pixels as the run's number."""
    dataset = open_dataset("synthetic", None)
    for number in range(count):
        place = folder / f"mine_{number:03d}"
        place.mkdir(parents=True)
        for name in SEQUENCES:
            if number < (only or {}).get(name, count):
                boxes = dataset.sequence(name).groundtruth + np.array([3.0 * number, 0, 0, 0])
                np.savetxt(place / f"{name}.txt", boxes, delimiter="\t")


def scores_of(results: Path, *, profiles: list[str] | None = None) -> dict[str, Score]:
    return by_metric(score_report.scores("synthetic", results=results, allow_partial=True, profiles=profiles).scores)


def test_runs_of_pytracking_are_merged_as_it_merges_them(tmp_path: Path) -> None:
    write_runs(tmp_path / "raw", 3)
    api.import_results(tmp_path / "raw", "pytracking", "synthetic", results=tmp_path / "all", label="mine")
    merged = scores_of(tmp_path / "all", profiles=["otb-matlab", "got10k", "pytracking"])
    single = []
    for number in range(3):
        place = tmp_path / f"single{number}"
        source = tmp_path / "raw" / f"mine_{number:03d}"
        api.import_results(source, "pytracking", "synthetic", results=place, label="mine")
        single.append(scores_of(place, profiles=["otb-matlab", "got10k", "pytracking"]))
    assert len(merged) > 8
    for name, score in merged.items():
        values = [one[name].value for one in single]
        if None in values:
            continue
        assert score.value == pytest.approx(np.mean(values), abs=1e-12), name
        assert score.repetitions == 3
        assert score.repetition_deviation == pytest.approx(np.std(values, ddof=1), abs=1e-12), name
        assert all(one[name].repetitions == 1 for one in single)
    auc = merged["pytracking auc"]
    assert (auc.repetition_deviation or 0) > 0.01
    assert auc.low is not None
    assert auc.low <= (auc.value or 0)
    assert "mean of several runs of the tracker; ± is the standard deviation of the scores of 3 runs" in auc.notes


def test_only_runs_that_all_sequences_have_are_compared(tmp_path: Path) -> None:
    write_runs(tmp_path / "raw", 3, only={"blur": 2})
    api.import_results(tmp_path / "raw", "pytracking", "synthetic", results=tmp_path / "all", label="mine")
    (auc,) = [score for name, score in scores_of(tmp_path / "all").items() if name.endswith(" auc")]
    assert auc.repetitions == 2
    assert any("2 runs, which all sequences have" in note for note in auc.notes)


def test_equal_runs_have_no_deviation_in_the_table(tmp_path: Path) -> None:
    arguments = ["run", "--tracker", "identity", "--repeat", "2", "--sequences", "scale", "--results", str(tmp_path)]
    answer = CliRunner().invoke(cli, arguments)
    assert answer.exit_code == 0, answer.output
    assert "±" not in answer.output


def test_a_stochastic_tracker_is_run_scored_and_reported_with_its_deviation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("random_walk.py").write_text(STOCHASTIC)

    def call(*arguments: str) -> str:
        answer = CliRunner().invoke(cli, list(arguments))
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    shown = call("run", "--tracker", "random_walk.py:Stochastic", "--repeat", "3", "--sequences", "scale,blur")
    assert " ±0." in shown
    records = json.loads(call("score", "--allow-partial", "--format", "json"))["records"]
    (auc,) = [one for one in records if one.get("metric") == "auc"]
    assert auc["repetitions"] == 3
    assert auc["repetition_deviation"] > 0
    assert " ±0." in call("score", "--allow-partial")
    call("report", "--allow-partial", "--output", "report.html")
    page = Path("report.html").read_text()
    assert "±0." in page
    assert "± is the standard deviation of the scores of 3 runs" in page
    call("report", "--allow-partial", "--output", "report.md")
    assert "±0." in Path("report.md").read_text()


def test_the_page_says_what_the_sign_means() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text()
    assert "standard deviation of the scores of the single runs" in text
