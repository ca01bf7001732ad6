"""VOT scores against the official toolkits' own output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.io.rows import read_rows
from evalkit.metrics import profiles
from evalkit.results import layouts
from evalkit.types import Dataset, Score, Trajectory, VotRules

pytestmark = pytest.mark.parity

Runs = dict[str, list[Trajectory]]
Benchmark = Callable[[str], Dataset]
CASES = [("vot2018", "LightTrack"), ("vot2018", "NanoTrack"), ("vot2019", "LightTrack")]


def by_metric(scores: list[Score], tag: str | None = None) -> dict[str, Score]:
    return {score.metric: score for score in scores if score.attribute == tag}


@pytest.mark.parametrize(("year", "tracker"), CASES)
def test_supervised_scores_are_pysots(
    year: str, tracker: str, golden: Any, benchmark: Benchmark, results: Callable[[Dataset, str], Runs]
) -> None:
    vot = benchmark(year)
    scores = profiles.score(
        "vot-supervised", vot, tracker, "supervised", results(vot, tracker), attributes=True, confidence=None
    )
    expected = golden(f"{year}_pysot.json")[tracker]
    found = by_metric(scores)
    values = [found[metric].value for metric in ("accuracy", "robustness", "failures")]
    assert values == pytest.approx([expected["A"], expected["R"], expected["lost"]], abs=1e-9)
    for name, row in expected["per_sequence"].items():
        assert found["accuracy"].per_sequence[name] == pytest.approx(row["A"], abs=1e-9, nan_ok=True)
        assert found["failures"].per_sequence[name] == row["lost"]
    for tag, value in expected["EAO_tags"].items():
        eao = by_metric(scores, None if tag == "all" else tag)["eao"].value
        # pysot stores the expected overlap in float32; a tag without frames has no value.
        assert eao is None if np.isnan(value) else eao == pytest.approx(value, abs=1e-6), tag


@pytest.mark.parametrize(("year", "tracker"), CASES)
def test_vot_toolkits_supervised_scores_are_its_own(
    year: str, tracker: str, golden: Any, benchmark: Benchmark, results: Callable[[Dataset, str], Runs]
) -> None:
    vot = benchmark(year)
    runs = results(vot, tracker)
    found = by_metric(profiles.score("vot-toolkit", vot, tracker, "supervised", runs, confidence=None))
    expected = golden(f"{year}_vottoolkit090.json")[tracker]
    assert found["accuracy"].value == pytest.approx(expected["A"], abs=1e-9)
    assert found["robustness"].value == pytest.approx(expected["R_failures_weighted"], abs=1e-9)
    assert found["failures"].value == expected["total_failures"]
    assert found["eao"].value == pytest.approx(expected["EAO"], abs=1e-6)  # float32 there
    for name, row in expected["per_sequence"].items():
        assert found["accuracy"].per_sequence[name] == pytest.approx(row["A"], abs=1e-9)
        assert found["failures"].per_sequence[name] == row["failures"]


@pytest.mark.parametrize(("year", "tracker"), CASES)
def test_exact_polygons_give_the_exact_scores(
    year: str, tracker: str, golden: Any, benchmark: Benchmark, results: Callable[[Dataset, str], Runs]
) -> None:
    vot = benchmark(year)
    runs = results(vot, tracker)
    found = by_metric(profiles.score("vot-exact", vot, tracker, "supervised", runs, confidence=None))
    expected = golden("vot_exact_polygon.json")[f"{year.upper()}/{tracker}"]
    assert found["accuracy"].value == pytest.approx(expected["A_exact"], abs=1e-9)
    assert found["eao"].value == pytest.approx(expected["EAO_exact"], abs=1e-6)


def test_multistart_scores_are_vot_toolkits(data: Path, golden: Any, benchmark: Benchmark) -> None:
    anchors = {name: np.array(values) for name, values in golden("multistart_anchors.json").items()}
    vot = benchmark("vot2019")
    sequences = tuple(_with_anchors(item, anchors[item.name]) for item in vot.sequences if item.name in anchors)
    case = replace(vot, name="vot2020", sequences=sequences, vot=VotRules(eao_interval=(115, 755)))
    folder = data / "golden" / "metrics" / "multistart_case" / "drifty"
    runs = {item.name: layouts.get("vot").read(folder, item, "multistart") for item in sequences}
    scores = profiles.score("vot-multistart", case, "drifty", "multistart", runs, confidence=None)
    found, expected = by_metric(scores), golden("multistart_vottoolkit090.json")["drifty"]
    assert found["accuracy"].value == pytest.approx(expected["A"], abs=1e-9)
    assert found["robustness"].value == pytest.approx(expected["R"], abs=1e-9)
    assert found["eao"].value == pytest.approx(expected["EAO"], abs=1e-9)
    assert found["eao"].curve[1] == pytest.approx(expected["curve"], abs=1e-9)
    for name, row in expected["per_sequence"].items():
        assert found["accuracy"].per_sequence[name] == pytest.approx(row["A"], abs=1e-9)
        assert found["robustness"].per_sequence[name] == pytest.approx(row["R"], abs=1e-9)


def _with_anchors(item: Any, anchors: np.ndarray) -> Any:
    annotation = replace(item.annotation, anchors=anchors)
    return replace(item, read=lambda: annotation)


@pytest.mark.parametrize("tracker", ["jitter", "fail"])
@pytest.mark.parametrize(
    ("profile", "file", "f_score"),
    [("pysot", "longterm_pysot.json", "F1"), ("vot-longterm", "longterm_vottoolkit090.json", "F")],
)
def test_longterm_scores_are_the_toolkits(
    profile: str, file: str, f_score: str, tracker: str, data: Path, golden: Any, make: Any
) -> None:
    case = data / "golden" / "metrics" / "longterm_case"
    sequences = [
        make.sequence(path.stem, read_rows(path), size=(1280, 720)) for path in sorted((case / "gt").iterdir())
    ]
    folder = next(path for path in (case / "results").rglob(tracker) if path.is_dir())
    runs = {item.name: layouts.get("vot").read(folder, item, "longterm") for item in sequences}
    found = by_metric(profiles.score(profile, make.dataset(*sequences), tracker, "longterm", runs, confidence=None))
    expected = golden(file)[tracker]
    values = [found[metric].value for metric in ("f_score", "lt_precision", "lt_recall")]
    assert values == pytest.approx([expected[f_score], expected["precision"], expected["recall"]], abs=1e-9)
