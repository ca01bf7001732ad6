"""Commands on benchmarks that a table describes: rendered trees, names with blanks, results of other toolkits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evalkit import protocols, registry
from evalkit.cli import cli
from evalkit.datasets.building import read_benchmarks
from evalkit.datasets.building.benchmark_table import TableBenchmark
from evalkit.io.rows import read_rows
from evalkit.rendering import write_as
from evalkit.rendering.fixed_point import RandomStream
from evalkit.rendering.recipes import BENCHMARK, Recipe, build_scene
from evalkit.rendering.scene import Scene

BENCHMARKS = read_benchmarks(Path(__file__).parents[2] / "datasets" / "_facts" / "benchmarks.toml")
SCENES = [recipe.name for recipe in BENCHMARK[4:6]]


def small(recipe: Recipe, seed: int = 0) -> Scene:
    changes = {"size": (64, 48), "magnify": 25, "length": 8, "clutter": 0, "camera": 0, "period": 24}
    return build_scene(Recipe(**{**vars(recipe), **changes}), RandomStream("small", seed, recipe.name))


@pytest.fixture(autouse=True)
def _small_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_as, "benchmark_scene", small)


def evalkit(*arguments: object) -> str:
    answer = CliRunner().invoke(cli, [str(one) for one in arguments], standalone_mode=False)
    if answer.exception is not None:
        raise answer.exception
    return answer.stdout


def records(*arguments: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(evalkit(*arguments, "--format", "json"))["records"]
    return found


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda one: one.name)
def test_the_rendered_benchmark_is_written_in_its_layout_and_read_back(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    root = tmp_path / benchmark.folders[0]
    names = write_as.write_dataset(benchmark.name, root, sequences=SCENES)
    dataset = registry.dataset.find(benchmark.name).build(root=root)
    assert {sequence.name for sequence in dataset.sequences} == set(names)
    assert all(protocols.get(protocol) for protocol in dataset.protocols)
    for recipe, name in zip(BENCHMARK[4:6], names, strict=True):
        sequence, truth = dataset.sequence(name), small(recipe).annotation()
        assert sequence.frames is not None
        assert len(sequence.frames) == len(sequence) == 8
        assert sequence.frames[7].shape == (48, 64, 3)
        seen = ~np.isnan(truth.boxes).any(axis=1)
        shift = np.array([benchmark.origin, benchmark.origin, 0, 0])
        tolerance = 0.51 if benchmark.decimals == 0 else 0.006
        corners = 2 * tolerance if benchmark.rows == "vatic" else tolerance  # widths are differences of rounded corners
        np.testing.assert_allclose(sequence.groundtruth[seen], (truth.boxes + shift)[seen], rtol=0, atol=corners)
        for flag in benchmark.flags:
            np.testing.assert_array_equal(sequence.flags[flag], truth.flags[flag], err_msg=flag)


def test_names_with_blanks_are_tracked_scored_reported_and_converted(tmp_path: Path) -> None:
    root, results = tmp_path / "NT-VOT211", tmp_path / "results"
    blank = "badminton_ doubles_in_9_PM"
    (root / "GT").mkdir(parents=True)
    rendered = tmp_path / "rendered" / "UAVDT"
    (name,) = write_as.write_dataset("uavdt", rendered, sequences=["scale"])
    (root / "sequences").mkdir()
    (rendered / "UAV-benchmark-S" / name).rename(root / "sequences" / blank)
    (rendered / "anno" / f"{name}_gt.txt").rename(root / "GT" / f"{blank}.txt")
    arguments = ["--dataset", "nt-vot211", "--data", root, "--results", results]
    evalkit("run", "--tracker", "identity", *arguments, "--sequences", blank)
    assert (results / "NT-VOT211" / "identity" / f"{blank}.txt").is_file()
    found = records("score", *arguments, "--sequences", blank)
    assert {(row["profile"], row["sequences"], row["expected_sequences"]) for row in found} == {("pytracking", 1, 211)}
    per_sequence = records("score", *arguments, "--sequences", blank, "--per-sequence")
    assert {row["sequence"] for row in per_sequence} == {blank}
    page = tmp_path / "report.html"
    evalkit("report", "--tracker", "identity", *arguments, "--sequences", blank, "--output", page)
    assert blank in page.read_text(encoding="utf-8")
    for layout in ("pytracking", "otb-mat", "lasot-matlab"):
        evalkit("convert", "--dataset", "nt-vot211", "--data", root, "--results", results, "--tracker", "identity",
                "--to", layout, "--output", tmp_path / layout)  # fmt: skip
        (folder,) = (tmp_path / layout).iterdir()
        back = tmp_path / f"{layout} back"
        evalkit("import", folder, "--layout", layout, "--dataset", "nt-vot211", "--data", root, "--name", "identity",
                "--results", back)  # fmt: skip
        first, again = (read_rows(place / "NT-VOT211" / "identity" / f"{blank}.txt") for place in (results, back))
        np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("place", ["vitb_256/uav", "vitb_256", "vitb_256/UAV123"])
@pytest.mark.parametrize("prefix", ["uav_", ""])
def test_results_of_the_ostrack_family_are_imported_by_dataset_and_with_prefixes(
    place: str, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "UAV123" / "anno").mkdir(parents=True)
    for name, rows in (("car1_1", 751), ("car11", 337)):
        (tmp_path / "UAV123" / "anno" / f"{name}.txt").write_text("1,2,3,4\n" * rows)
    theirs = tmp_path / "theirs" / place
    theirs.mkdir(parents=True)
    if "/" in place:  # results on other benchmarks are next to them
        (tmp_path / "theirs" / "vitb_256" / "lasot").mkdir()
        (tmp_path / "theirs" / "vitb_256" / "lasot" / "car-1.txt").write_text("9\t9\t9\t9\n")
    for name, rows, value in (("car1_1", 751, 5), ("car11", 337, 7)):
        (theirs / f"{prefix}{name}.txt").write_text(f"{value}\t2\t3\t4\n" * rows)
    evalkit("import", tmp_path / "theirs" / "vitb_256", "--layout", "pytracking", "--dataset", "uav123",
            "--data", tmp_path / "UAV123", "--results", tmp_path / "results")  # fmt: skip
    stored = tmp_path / "results" / "UAV123" / "vitb_256"
    assert read_rows(stored / "car1_1.txt")[0, 0] == 5
    assert read_rows(stored / "car11.txt")[0, 0] == 7
    assert len(read_rows(stored / "car1_1.txt")) == 751


def test_all_profiles_explain_how_they_differ_on_frames_without_the_target(tmp_path: Path) -> None:
    root, results = tmp_path / "UAV123", tmp_path / "results"
    (root / "anno").mkdir(parents=True)
    rows = ["10,10,20,20"] * 120 + ["NaN,NaN,NaN,NaN"] * 40
    (root / "anno" / "bike3.txt").write_text("\n".join([*rows, *["10,10,20,20"] * 273]) + "\n")
    (results / "UAV123" / "far").mkdir(parents=True)
    (results / "UAV123" / "far" / "bike3.txt").write_text("10,10,20,20\n" + "300,300,20,20\n" * 432)
    arguments = ["--dataset", "uav123", "--data", root, "--results", results, "--sequences", "bike3"]
    found = records("score", *arguments, "--profile", "all")
    precision = {row["profile"]: row["value"] for row in found if row["metric"] == "precision"}
    missing = pytest.approx(41 / 433)
    assert precision == {
        "otb-matlab": missing, "pysot": pytest.approx(41 / 433), "pytracking": missing, "ostrack": missing,
        "got10k": pytest.approx(1 / 393),
    }  # fmt: skip
    text = evalkit("score", *arguments, "--profile", "all")
    assert "ostrack: as pytracking, but groundtruth is valid where width and height are positive" in " ".join(
        text.split()
    )
