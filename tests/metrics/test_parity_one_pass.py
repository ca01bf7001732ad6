"""One-pass scores against the official toolkits' own output."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.io.rows import read_rows, read_values
from evalkit.metrics import profiles
from evalkit.types import Annotation, Dataset, Score, Sequence, Trajectory

pytestmark = pytest.mark.parity

Runs = dict[str, list[Trajectory]]
Benchmark = Callable[[str], Dataset]

NAMES = {
    "AUC": "auc",
    "P20": "precision",
    "NP20": "norm_precision",
    "NP_AUC": "norm_precision_auc",
    "SR50": "sr50",
    "SR75": "sr75",
}
TOOLKITS = ("otb-matlab", "lasot-matlab", "pysot", "pytracking", "got10k")


def by_metric(scores: list[Score]) -> dict[str, Score]:
    return {score.metric: score for score in scores}


def check(found: dict[str, Score], expected: dict[str, Any], columns: tuple[str, ...], tolerance: float) -> None:
    for theirs, ours in NAMES.items():
        if theirs in expected:
            assert found[ours].value == pytest.approx(expected[theirs], abs=tolerance), ours
    for name, row in expected["per_sequence"].items():
        values = [found[metric].per_sequence[name] for metric in columns]
        assert values == pytest.approx(row, abs=tolerance), name


def tolerance(profile: str) -> float:
    # pytracking stores its curves in float32; the others compute in float64 throughout.
    return 1e-6 if profile == "pytracking" else 1e-9


@pytest.mark.parametrize("tracker", ["CSK", "Struck", "TLD"])
@pytest.mark.parametrize("profile", ["otb-matlab", "pysot", "got10k", "pytracking"])
def test_otb_scores_are_the_toolkits(
    profile: str, tracker: str, golden: Any, benchmark: Benchmark, results: Callable[[Dataset, str], Runs]
) -> None:
    otb = benchmark("otb100")
    expected = golden(f"otb100_{profile.removeprefix('otb-')}.json")[tracker]
    if "error" in expected:
        with pytest.raises(EvalkitError, match="pytracking does not score NaN"):
            profiles.score(profile, otb, tracker, "one_pass", results(otb, tracker))
        return
    found = by_metric(profiles.score(profile, otb, tracker, "one_pass", results(otb, tracker), confidence=None))
    columns = ("auc", "precision", "norm_precision")[: len(next(iter(expected["per_sequence"].values())))]
    check(found, expected, columns, tolerance(profile))
    for name, metric in (("success_curve", "auc"), ("precision_curve", "precision")):
        if name in expected:
            assert found[metric].curve[1] == pytest.approx(expected[name], abs=1e-12)


@pytest.mark.parametrize("tracker", ["CSK", "Struck", "TLD"])
def test_matlabs_own_otb_curves_are_met_bit_for_bit(
    tracker: str, data: Path, benchmark: Benchmark, results: Callable[[Dataset, str], Runs]
) -> None:
    curves = np.load(data / "golden" / "metrics" / "otb100_matlab_curves.npz")
    otb = benchmark("otb100")
    measures, _ = profiles.measure("otb-matlab", otb, "one_pass", results(otb, tracker))
    found = {item.metric.name: item for item in measures}
    row = curves["trackers"].tolist().index(tracker)
    order = [found["auc"].sequences.index(name) for name in curves["sequences"].tolist()]
    assert np.array_equal(found["auc"].curves()[order], curves["overlap"][row])
    assert np.array_equal(found["precision"].curves()[order], curves["error"][row])


@pytest.fixture(scope="module")
def lasot(benchmark: Benchmark) -> Dataset:
    return benchmark("lasot")


@pytest.mark.parametrize(
    "tracker",
    [
        "integer",
        "zerosize",
        pytest.param("perfect", marks=pytest.mark.slow),
        pytest.param("jitter", marks=pytest.mark.slow),
    ],
)
def test_lasot_scores_are_the_toolkits(tracker: str, lasot: Dataset, lasot_recipe: Any, golden: Any, make: Any) -> None:
    runs = {
        item.name: [make.one_pass(item.name, lasot_recipe.make(tracker, item.name, item.groundtruth))]
        for item in lasot.sequences
    }
    for profile in ("lasot-matlab", "pysot", "pytracking", "got10k"):
        expected = golden(f"lasot_{profile.removeprefix('lasot-')}.json")[tracker]
        if "error" in expected:
            with pytest.raises(EvalkitError, match="lion-5, tiger-6"):
                profiles.score(profile, lasot, tracker, "one_pass", runs)
            continue
        found = by_metric(profiles.score(profile, lasot, tracker, "one_pass", runs, confidence=None))
        third = "norm_precision_auc" if profile == "got10k" else "norm_precision"
        check(found, expected, ("auc", "precision", third), tolerance(profile))
        if "success_curve" in expected:
            assert found["auc"].curve[1] == pytest.approx(expected["success_curve"], abs=1e-12)


@pytest.mark.parametrize("tracker", ["jitter", "fail"])
def test_got10k_scores_are_the_toolkits(tracker: str, data: Path, golden: Any, make: Any) -> None:
    case = data / "golden" / "metrics" / "got10k_val_case"
    sequences = [_got10k_sequence(folder) for folder in sorted((case / "gt").iterdir())]
    runs = {item.name: _got10k_runs(case / "results" / "GOT-10k" / tracker / item.name, make) for item in sequences}
    validation = make.dataset(*sequences, name="got10k-val")
    found = by_metric(profiles.score("got10k", validation, tracker, "one_pass", runs, confidence=None))
    expected = golden("got10k_val_case.json")[tracker]
    values = [found[metric].value for metric in ("ao", "sr50", "sr75", "fps")]
    assert values == pytest.approx([expected[name] for name in ("AO", "SR50", "SR75", "fps")], abs=1e-9)
    assert found["ao"].curve[1] == pytest.approx(expected["succ_curve"], abs=1e-12)
    for name, row in expected["per_sequence"].items():
        assert [found[metric].per_sequence[name] for metric in ("ao", "sr50", "fps")] == pytest.approx(
            row[:3], abs=1e-9
        )


def _got10k_sequence(folder: Path) -> Sequence:
    size = re.search(r"resolution: \((\d+), (\d+)\)", (folder / "meta_info.ini").read_text())
    assert size is not None
    annotation = Annotation(read_rows(folder / "groundtruth.txt"), flags={"cover": read_values(folder / "cover.label")})
    return Sequence(folder.name, lambda: annotation, size=(int(size[1]), int(size[2])))


def _got10k_runs(folder: Path, make: Any) -> list[Trajectory]:
    files = sorted(folder.glob(f"{folder.name}_0*.txt"))
    times = folder / f"{folder.name}_time.txt"
    seconds = read_rows(times, columns=len(files)) if times.is_file() else None
    return [
        make.one_pass(folder.name, read_rows(path), **({} if seconds is None else {"seconds": seconds[:, index]}))
        for index, path in enumerate(files)
    ]


def test_repetitions_beyond_the_first_are_pooled(make: Any) -> None:
    still = [[0, 0, 10, 10]] * 3
    validation = make.dataset(make.sequence("one", still, size=(100, 100)), name="got10k-val")
    runs = {
        "one": [make.one_pass("one", still), make.one_pass("one", [[0, 0, 10, 10], [5, 0, 10, 10], [90, 90, 10, 10]])]
    }
    found = by_metric(profiles.score("got10k", validation, "tracker", "one_pass", runs))
    assert found["ao"].value == pytest.approx((1 + 1 + 1 / 3 + 0) / 4)
