"""Repositories of the STARK/OSTrack family, used unchanged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from family_repository import TRACKER, write_repository
from scripted_tracker import still

from evalkit import factories, registry
from evalkit.engine.default_label import default_label
from evalkit.errors import EvalkitError
from evalkit.protocols.session import Session
from evalkit.types import Box


@pytest.fixture(autouse=True)
def _fresh_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget the repository of a test: its modules are named like those of every other one."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("EVALKIT_REPOSITORY", raising=False)
    _forget_repositories()  # those of tests of other files in this process, too
    yield
    _forget_repositories()


def _forget_repositories() -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in ("lib", "pytracking"):
            del sys.modules[name]


@pytest.fixture
def create(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that writes a repository and builds its tracker."""

    def build(package: str = "lib.test", tracker: str = TRACKER, **offered: Any) -> Any:
        root = write_repository(tmp_path / "repository", package, tracker)
        return factories.create_tracker(f"ostrack:{root}:still/default", **offered)

    return build


@pytest.mark.parametrize("package", ["lib.test", "pytracking"])
def test_a_tracker_of_either_kind_of_repository_is_built_by_its_own_code(create, package):
    tracker = create(package)
    tracker.initialize(np.zeros((60, 80, 3), np.uint8), Box(10, 10, 20, 20))
    prediction = tracker.update(np.zeros((60, 80, 3), np.uint8))
    assert prediction.region == Box(11, 10, 20, 20)
    assert prediction.confidence == 0.5


@pytest.mark.parametrize(
    ("benchmark", "name"),
    [
        ("otb100", "otb"), ("lasot", "lasot"), ("lasot-ext", "lasot_extension_subset"), ("got10k-test", "got10k_test"),
        ("trackingnet-test", "trackingnet"), ("vot2020", "vot20"), ("vot2022-stb", "vot22stb"), ("uav123", "uav"),
    ],
)  # fmt: skip
def test_the_repository_gets_its_own_name_of_the_benchmark(create, benchmark, name):
    tracker = create(benchmark=benchmark)
    assert tracker.tracker.dataset == (name,)
    assert tracker.card["dataset_name"] == name


def test_every_registered_benchmark_of_the_family_has_its_name():
    from evalkit.trackers._repository.dataset_names import NAMES

    own = {"folder", "synthetic"}
    training = {name for name in registry.dataset.names() if name.endswith("-train")}
    vot_before_the_family = {"vot2016", "vot2017"}
    unnamed = set(registry.dataset.names()) - set(NAMES) - own - training - vot_before_the_family
    assert {name for name in unnamed if name.startswith(("otb", "lasot", "got10k", "trackingnet", "vot2"))} == set()


@pytest.mark.parametrize("origin", [0, 1])
def test_the_tracker_sees_the_coordinates_of_the_files_and_the_language(create, origin):
    tracker = create()
    session = Session(tracker, still(3, language="the red car"), origin=origin, name="still")
    for index, image in session.frames():
        if index == 0:
            session.initialize(0, image, Box(10, 10, 20, 20))
        else:
            session.update(index, image)
    assert tracker.tracker.info == {"init_bbox": [10, 10, 20, 20], "init_nlp": "the red car", "seq_name": "still"}
    assert session.trajectory("one_pass").boxes[1].tolist() == [11, 10, 20, 20]


def test_the_card_holds_configuration_checkpoint_and_code(create, tmp_path):
    card = create().card
    assert card["yaml"] == "TEST: {SIZE: 1}\n"
    assert card["weights"]["file"] == "CHECKPOINT.pth"
    for name in [name for name in sys.modules if name.partition(".")[0] == "lib"]:
        del sys.modules[name]
    changed = create(tracker=TRACKER + "\n# edited\n").card
    assert changed["code_sha256"] != card["code_sha256"]
    assert changed["weights"] == card["weights"]


def test_the_repository_is_found_from_a_folder_below_it_and_by_the_variable(tmp_path, monkeypatch):
    root = write_repository(tmp_path / "repository")
    monkeypatch.chdir(root / "experiments")
    factories.create_tracker("ostrack:still/default")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_REPOSITORY", str(root))
    factories.create_tracker("ostrack:still/default")


def test_results_have_the_same_label_wherever_the_repository_is_named():
    assert default_label("ostrack:still/default", "torch", "fp32") == "still_default"
    assert default_label("ostrack:../a/b:still/default", "torch", "fp32") == "still_default"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ostrack:still", "ostrack:NAME/CONFIG"),
        ("ostrack:{root}:stil/default", "no tracker 'stil'.*Did you mean 'still'"),
        ("ostrack:{root}:still/defautl", "no configuration 'defautl'.*Did you mean 'default'"),
        ("ostrack:{root}/..:still/default", "not a repository.*EVALKIT_REPOSITORY"),
    ],
)
def test_a_wrong_name_is_an_error_that_says_what_there_is(tmp_path, name, complaint):
    root = write_repository(tmp_path / "repository")
    with pytest.raises(EvalkitError, match=complaint):
        factories.create_tracker(name.format(root=root))


@pytest.mark.parametrize(
    ("tracker", "complaint"),
    [
        ("import lib.models.missing\n", "lib/models; is it a complete checkout"),
        ("import not_installed_anywhere\n", "Install not_installed_anywhere into the environment"),
        (TRACKER.replace("self.params, ", "open('weights/none.pth'); self.params, "), "Put the checkpoint.*none.pth"),
        (TRACKER.replace("self.params, ", "raise SystemExit('no licence'); self.params, "), "SystemExit: no licence"),
    ],
)
def test_failing_code_of_the_repository_names_its_folder_and_what_to_do(create, tmp_path, tracker, complaint):
    with pytest.raises(EvalkitError, match=complaint) as caught:
        create(tracker=tracker)
    assert str(tmp_path / "repository") in str(caught.value)


def test_a_second_repository_in_one_process_is_refused(create, tmp_path):
    create()
    other = write_repository(tmp_path / "other")
    with pytest.raises(EvalkitError, match="one command each"):
        factories.create_tracker(f"ostrack:{other}:still/default")


def test_the_code_runs_on_the_cpu_and_torch_is_restored_afterwards(create):
    import torch

    before = torch.Tensor.cuda, torch.nn.Module.cuda, torch.cuda.is_available
    tracker = create()
    assert next(tracker.network.parameters()).device.type == "cpu"
    assert (torch.Tensor.cuda, torch.nn.Module.cuda, torch.cuda.is_available) == before


def test_the_given_repository_runs_unchanged_from_its_root_and_from_elsewhere(data: Path, tmp_path: Path):
    root = tmp_path / "mini"
    shutil.copytree(data / "peers" / "mini_ostrack_repo", root, copy_function=shutil.copyfile)
    subprocess.run([sys.executable, "tracking/_make_ckpt.py"], cwd=root, check=True)
    boxes = []
    for folder, name in ((root, "ostrack:mini/baseline"), (tmp_path, "ostrack:mini:mini/baseline")):
        arguments = ["run", "--tracker", name, "--sequences", "scale", "--results", str(tmp_path / folder.name)]
        text = evalkit(arguments, folder)
        assert "mini_baseline: weights Mini_ep0001.pth.tar" in text
        (file,) = (tmp_path / folder.name).rglob("mini_baseline/scale.txt")
        boxes.append(file.read_text())
    assert boxes[0] == boxes[1]
    costs = json.loads(evalkit(["profile", "--tracker", "ostrack:mini:mini/baseline", "--format", "json"], tmp_path))
    values = {(one["quantity"], one["convention"]): one["value"] for one in costs["records"]}
    assert values[("parameters", "distinct")] == 8 * 3 * 9 + 8
    assert values[("macs", "conv")] > 0
    stored = ["--results", str(tmp_path / "mini"), "--dataset", "synthetic", "--allow-partial"]
    assert "mini_baseline" in evalkit(["score", *stored], tmp_path)
    evalkit(["report", *stored, "--output", str(tmp_path / "report.html")], tmp_path)
    assert "mini_baseline" in (tmp_path / "report.html").read_text()


SUITE = """
[[tracker]]
name = "{tracker}"

[[dataset]]
name = "synthetic"
sequences = ["scale"]

[gates]
latency = false
"""


@pytest.mark.parametrize("place", ["root", "elsewhere"])
def test_the_given_repository_is_gated(data: Path, tmp_path: Path, place: str):
    root = tmp_path / "mini"
    shutil.copytree(data / "peers" / "mini_ostrack_repo", root, copy_function=shutil.copyfile)
    subprocess.run([sys.executable, "tracking/_make_ckpt.py"], cwd=root, check=True)
    folder, tracker = (root, "ostrack:mini/baseline") if place == "root" else (tmp_path, "ostrack:mini:mini/baseline")
    suite = folder / "gate.toml"
    suite.write_text(SUITE.format(tracker=tracker))
    regress = ["regress", str(suite), "--baseline", str(tmp_path / "gate.json"), "--results", str(tmp_path / "r")]
    evalkit([*regress, "--update", "--reason", "first"], folder)
    assert "pass: no gate failed" in evalkit(regress, folder)
    source = root / "lib" / "test" / "tracker" / "mini.py"
    source.write_text(source.read_text().replace("self.state = [x, y,", "self.state = [x + 5, y,"))
    assert "different boxes in 1 of 1 sequences" in evalkit(regress, folder, code=1)


def test_results_of_the_family_are_imported_and_exported_in_its_layout(tmp_path: Path):
    written = tmp_path / "tracking_results" / "mini" / "baseline"
    written.mkdir(parents=True)
    rows = "".join(f"{number}\t20\t30\t40\n" for number in range(120))
    (written / "scale.txt").write_text(rows)
    (written / "scale_time.txt").write_text("0.02\n" * 120)
    common = ["--dataset", "synthetic", "--results", str(tmp_path / "r")]
    evalkit(["import", str(written), "--layout", "pytracking", "--name", "mini_baseline", *common], tmp_path)
    evalkit(["convert", "--tracker", "mini_baseline", "--to", "pytracking", "--output", "out", *common], tmp_path)
    (back,) = (tmp_path / "out").rglob("scale.txt")
    assert back.relative_to(tmp_path / "out") == Path("mini_baseline/mini_baseline_000/scale.txt")
    assert np.loadtxt(back).tolist() == np.loadtxt(written / "scale.txt").tolist()
    assert np.loadtxt(back.with_name("scale_time.txt")).tolist() == [0.02] * 120


SETTINGS = TRACKER.replace(
    "self.params, self.dataset = params, dataset",
    "self.params, self.dataset = params, dataset\n"
    "        self.interval = {'LASOT_EXTENSION_SUBSET': 7, 'GOT10K_TEST': 9}.get(dataset[0].upper(), 200)",
)


@pytest.mark.parametrize(("benchmark", "interval"), [("lasot-ext", 7), ("got10k-test", 9), ("otb100", 200)])
def test_settings_of_a_benchmark_are_looked_up_under_the_family_s_name(create, benchmark, interval):
    assert create(tracker=SETTINGS, benchmark=benchmark).tracker.interval == interval


def test_a_run_on_a_benchmark_passes_the_family_s_name_of_it(data: Path, tmp_path: Path):
    root = write_repository(tmp_path / "repository")
    evalkit(
        ["run", "--tracker", f"ostrack:{root}:still/default", "--dataset", "otb100", "--sequences", "Man",
         "--data", str(data / "datasets" / "OTB"), "--results", str(tmp_path / "r")],
        tmp_path,
    )  # fmt: skip
    (record,) = (tmp_path / "r").rglob("run.json")
    assert '"dataset_name": "otb"' in record.read_text()


def evalkit(arguments: list[str], folder: Path, *, code: int = 0) -> str:
    checkout = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    answer = subprocess.run(
        [sys.executable, "-m", "evalkit", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert answer.returncode == code, answer.stderr + answer.stdout
    return answer.stdout


def test_json_of_the_card_is_valid(create):
    assert json.loads(json.dumps(create().card)) == create().card
