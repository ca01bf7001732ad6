"""A dataset in one file and one table outside evalkit: checked, tracked and scored like evalkit's own."""

from __future__ import annotations

import ast
import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from evalkit import registry
from evalkit.cli import cli
from evalkit.errors import EvalkitError
from evalkit.factories import open_dataset
from evalkit.io.rows import read_rows
from evalkit.rendering.fixed_point import RandomStream
from evalkit.rendering.recipes import Recipe, build_scene

OWN = Path(__file__).parent / "own_dataset"
NAME = f"{OWN / 'uav_like.py'}:uav_like"
TABLE = {row["name"]: row for row in csv.DictReader((OWN / "uav_like.csv").read_text(encoding="utf-8").splitlines())}


@pytest.fixture(scope="module", autouse=True)
def registered_here_only() -> Iterator[None]:
    with registry.dataset.temporarily():
        yield


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the videos and write the annotations of the sequences cut from them, 1-based."""
    root = tmp_path_factory.mktemp("data") / "UAV_LIKE"
    (root / "anno").mkdir(parents=True)
    for video, length in (("car1", 30), ("car11", 12), ("bike", 20)):
        recipe = Recipe(video, "", size=(96, 72), magnify=30, length=length, clutter=0, camera=0, period=40)
        scene = build_scene(recipe, RandomStream("own dataset", 0, video))
        images = root / "data_seq" / video
        images.mkdir(parents=True)
        for index in range(length):
            cv2.imwrite(str(images / f"{index + 1:06d}.jpg"), cv2.cvtColor(scene.frame(index), cv2.COLOR_RGB2BGR))
        boxes = scene.annotation().boxes + np.array([1, 1, 0, 0])
        for name, row in TABLE.items():
            if row["video"] == video:
                first, rows = int(row["first"]) - 1, int(row["rows"])
                np.savetxt(root / "anno" / f"{name}.txt", boxes[first : first + rows], "%d", ",")
    return root


@pytest.fixture(scope="module")
def results(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    evalkit("run", "--tracker", "identity", "--dataset", NAME, "--data", str(tree), "--results", str(folder))
    return folder


def evalkit(*arguments: str) -> list[dict[str, object]]:
    """Run a command in this process; its JSON records."""
    answer = CliRunner().invoke(cli, [*arguments, "--format", "json"], standalone_mode=False)
    if answer.exception is not None:
        raise answer.exception
    records: list[dict[str, object]] = json.loads(answer.stdout)["records"]
    return records


def test_the_file_imports_public_modules_only() -> None:
    tree = ast.parse((OWN / "uav_like.py").read_text(encoding="utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "evalkit.datasets.building" in imported
    assert not [name for name in imported if "._" in name]


def test_sequences_are_cut_from_their_videos(tree: Path) -> None:
    dataset = open_dataset(NAME, tree)
    assert [sequence.name for sequence in dataset.sequences] == list(TABLE)
    for sequence in dataset.sequences:
        row = TABLE[sequence.name]
        assert sequence.frames is not None
        assert len(sequence) == len(sequence.frames) == int(row["rows"])
        first = cv2.imread(str(tree / "data_seq" / row["video"] / f"{int(row['first']):06d}.jpg"))
        assert first is not None
        np.testing.assert_array_equal(sequence.frames[0], cv2.cvtColor(first, cv2.COLOR_BGR2RGB))


def test_the_data_check_passes_and_names_a_deleted_image(tree: Path, tmp_path: Path) -> None:
    assert evalkit("data", "check", NAME, "--data", str(tree), "--deep") == []
    shutil.copytree(tree, tmp_path / "UAV_LIKE")
    (tmp_path / "UAV_LIKE" / "data_seq" / "car1" / "000016.jpg").unlink()
    found = evalkit("data", "check", NAME, "--data", str(tmp_path))
    assert [(row["sequence"], row["kind"], Path(str(row["where"])).name) for row in found] == [
        ("car1_1", "missing", "000016.jpg"),
        ("car1_2", "missing", "000016.jpg"),
    ]


def test_each_sequence_is_tracked_from_its_own_first_row(tree: Path, results: Path) -> None:
    for name, row in TABLE.items():
        stored = read_rows(results / "UAV_LIKE" / "identity" / f"{name}.txt")
        assert len(stored) == int(row["rows"])
        np.testing.assert_array_equal(stored[0], read_rows(tree / "anno" / f"{name}.txt")[0])


def test_it_is_scored_by_its_official_profile_and_by_attribute(tree: Path, results: Path) -> None:
    arguments = ["score", "--dataset", NAME, "--data", str(tree), "--results", str(results)]
    scores = evalkit(*arguments)
    assert {(row["dataset"], row["profile"], row["sequences"]) for row in scores} == {("uav-like", "otb-matlab", 4)}
    by_attribute = [row for row in evalkit(*arguments, "--attributes") if row["metric"] == "auc"]
    assert {row.get("attribute"): row["sequences"] for row in by_attribute} == {
        None: 4, "CM": 1, "FM": 1, "LR": 1, "SV": 2,
    }  # fmt: skip


def test_the_family_selects_the_experiment_of_the_got10k_toolkit(tree: Path, results: Path) -> None:
    arguments = ["--data", str(tree), "--results", str(results), "--profile", "got10k"]
    metrics = {row["metric"] for row in evalkit("score", "--dataset", NAME, *arguments)}
    assert metrics == {"auc", "precision", "sr50"}, "ExperimentUAV123 is ExperimentOTB; AO belongs to GOT-10k"


def test_an_installed_package_offers_it_by_name(tree: Path, results: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(OWN, site, ignore=shutil.ignore_patterns("__pycache__"))
    information = site / "uav_like-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: uav-like\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[evalkit.datasets]\nuav-like = uav_like\n")
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [
        sys.executable, "-m", "evalkit", "score", "--dataset", "uav-like", "--data", str(tree),
        "--results", str(results), "--format", "json",
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["records"] == evalkit(
        "score", "--dataset", NAME, "--data", str(tree), "--results", str(results)
    )


def test_a_folder_without_it_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(EvalkitError, match=r"no sequences of uav-like were found \(found holiday.jpg, expected anno/<"):
        open_dataset(NAME, tmp_path)
