"""The GOT-10k toolkit reads results that evalkit wrote or converted, and computes the same scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit import registry
from evalkit.metrics.profiles import score
from evalkit.rendering import write_as as trees
from evalkit.rendering.fixed_point import RandomStream
from evalkit.rendering.recipes import Recipe, build_scene
from evalkit.rendering.scene import Scene
from evalkit.results import layouts
from evalkit.results.converting import convert
from evalkit.types import Dataset, FrameState, Trajectory

pytestmark = pytest.mark.parity


def jittered(
    dataset: Dataset, results: Path, *, repetitions: int = 1, layout_name: str | None = None
) -> dict[str, list[Trajectory]]:
    """Store results that drift from the groundtruth, and read them back."""
    rng = np.random.default_rng(0)
    runs: dict[str, list[Trajectory]] = {}
    layout = layouts.writer(layout_name or dataset.layout)
    for sequence in dataset.sequences:
        for repetition in range(1, repetitions + 1):
            truth = sequence.groundtruth
            states = np.full(len(truth), FrameState.TRACKED, dtype=np.int8)
            boxes = truth + np.cumsum(rng.normal(0, 1.5, truth.shape), axis=0) * [1, 1, 0.1, 0.1]
            boxes[0] = truth[0]
            seconds = rng.uniform(0.01, 0.02, len(truth))
            confidence = rng.uniform(0, 1, len(truth))
            layout.write(
                results / dataset.directory / "mine",
                Trajectory("mine", sequence.name, "one_pass", boxes, None, confidence, seconds, states, repetition),
            )
        runs[sequence.name] = layout.read(results / dataset.directory / "mine", sequence, "one_pass")
    return runs


def ours(dataset: Dataset, runs: dict[str, list[Trajectory]]) -> dict[str, float | None]:
    return {one.metric: one.value for one in score("got10k", dataset, "mine", "one_pass", runs)}


def small(recipe: Recipe, seed: int = 0) -> Scene:
    """Return the same scene in tiny frames, which are quick to write."""
    values = {**vars(recipe), "size": (64, 48), "magnify": 25, "length": 12, "clutter": 0, "camera": 0, "period": 24}
    return build_scene(Recipe(**values), RandomStream("small", seed, recipe.name))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use small scenes, no windows and none of the toolkit's plots."""
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.setattr(trees, "benchmark_scene", small)
    from got10k.experiments import ExperimentGOT10k, ExperimentOTB

    for experiment in (ExperimentGOT10k, ExperimentOTB):
        monkeypatch.setattr(experiment, "plot_curves", lambda *arguments, **options: None)


@pytest.mark.parametrize("stored", ["plain", "otb-mat", "pytracking"])
def test_results_of_otb_converted_from_any_layout_are_scored_equally(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: str
) -> None:
    from got10k.datasets import OTB
    from got10k.experiments import ExperimentOTB

    monkeypatch.setattr(OTB, "_download", lambda self, root, version: None)
    names = trees.write_dataset("otb", tmp_path / "OTB", sequences=["low-resolution", "clutter"])
    dataset = registry.dataset.find("otb100").build(root=tmp_path)
    runs = jittered(dataset, tmp_path / "results", layout_name=stored)
    # The toolkit calls the folder OTBtb100.
    converted = convert(dataset, "mine", tmp_path / "results", "plain", tmp_path / "converted" / "OTBtb100")
    assert set(converted.sequences) == set(names)
    experiment = ExperimentOTB(str(tmp_path / "OTB"), "tb100", str(tmp_path / "converted"), str(tmp_path / "reports"))
    found = experiment.report(["mine"])["mine"]
    mine = ours(dataset, runs)
    assert set(found["seq_wise"]) == set(names)
    assert mine["auc"] == pytest.approx(found["overall"]["success_score"], abs=1e-12)
    assert mine["precision"] == pytest.approx(found["overall"]["precision_score"], abs=1e-12)
    assert (found["overall"]["speed_fps"] > 0) == (stored != "otb-mat"), "OTB's files have no times of frames"


@pytest.mark.parametrize("stored", ["got10k", "plain", "vot"])
def test_results_of_got10k_converted_from_any_layout_are_scored_equally(tmp_path: Path, stored: str) -> None:
    from got10k.experiments import ExperimentGOT10k

    names = trees.write_dataset("got10k", tmp_path / "GOT-10k", sequences=["low-resolution", "clutter"])
    dataset = registry.dataset.find("got10k-val").build(root=tmp_path)
    runs = jittered(dataset, tmp_path / "results", repetitions=2, layout_name=stored)
    convert(dataset, "mine", tmp_path / "results", "got10k", tmp_path / "converted" / "GOT-10k")
    experiment = ExperimentGOT10k(
        str(tmp_path / "GOT-10k"), "val", str(tmp_path / "converted"), str(tmp_path / "reports")
    )
    found = experiment.report(["mine"])["mine"]
    mine = ours(dataset, runs)
    assert set(found["seq_wise"]) == set(names)
    assert mine["ao"] == pytest.approx(found["overall"]["ao"], abs=1e-12)
    assert mine["sr50"] == pytest.approx(found["overall"]["sr"], abs=1e-12)
    times = np.concatenate([run.seconds for trajectories in runs.values() for run in trajectories])
    assert found["overall"]["speed_fps"] == pytest.approx(np.mean(1 / times))
