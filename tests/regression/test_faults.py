"""The gate on a real checkpoint: faults that it must detect, and changes that it must accept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit import registry
from evalkit.factories import open_dataset
from evalkit.registry import DatasetEntry
from evalkit.regression import GateFinding, RegressionReport, Verdict, regress
from evalkit.regression.latency import measure
from evalkit.types import Annotation, Dataset, Frames, Image, Sequence

from .latency.test_previous_code import commit, git

pytestmark = [pytest.mark.regression, pytest.mark.slow]

HERE = Path(__file__).parent
LENGTH = 8
SEQUENCES = ("scale", "occlusion", "distractors")


class FirstFrames:
    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return LENGTH

    def __getitem__(self, index: int, /) -> Image:
        return self._frames[index]


def shortened(sequence: Sequence) -> Sequence:
    frames = sequence.frames
    assert frames is not None
    boxes = sequence.groundtruth[:LENGTH]
    return Sequence(sequence.name, lambda: Annotation(boxes), FirstFrames(frames), size=sequence.size)


@pytest.fixture(scope="module", autouse=True)
def short() -> Iterator[Dataset]:
    """Register the first frames of some rendered sequences as ``short``."""
    whole = open_dataset("synthetic", None)
    dataset = Dataset(
        "short", "short", "1", 0, tuple(shortened(whole.sequence(name)) for name in SEQUENCES), SEQUENCES,
        ("one_pass",), ("otb-matlab",), "otb",
    )  # fmt: skip
    with registry.dataset.temporarily(DatasetEntry("short", lambda: dataset, "the first frames")):
        yield dataset


class Gate:
    """Writes one suite per variant; all have the same baseline."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self.folder, self.weights = folder, weights

    def suite(self, variant: str, extra: str) -> Path:
        path = self.folder / f"{variant}.toml"
        counted = "true" if variant in ("sound", "LayerAdded") else "false"
        path.write_text(
            f'baseline = "baseline.json"\n[gates]\nlatency = false\ncost = {counted}\naccuracy = {{auc = 0.005}}\n'
            f'[[tracker]]\nname = "{HERE / "faulty.py"}:{variant}"\nlabel = "lighttrack-m"\n'
            f'weights = "{self.weights}"\nsha256 = "6916a3a4d2cd"\n{extra}\n[[dataset]]\nname = "short"\n'
        )
        return path

    def run(self, variant: str, extra: str = "", **options: object) -> RegressionReport:
        suite = self.suite(variant, extra)
        return regress(suite, results=self.folder / f"results-{variant}", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Gate:
    gate = Gate(tmp_path_factory.mktemp("gate"), data / "weights" / "lighttrack_m_fp16.pth")
    gate.run("sound", update=True, reason="first baseline")
    content = json.loads((gate.folder / "baseline.json").read_text())
    content["trackers"]["lighttrack-m"]["environment"]["processor"] = "another one"
    (gate.folder / "elsewhere.json").write_text(json.dumps(content))
    return gate


def of(report: RegressionReport, kind: str) -> list[GateFinding]:
    return [one for one in report.findings if one.gate == kind]


@pytest.mark.parametrize(
    "variant",
    [
        "crop_shifted_by_one", "ChannelsSwapped", "penalty_ten_percent_off", "one_eps_changed", "weights_rounded",
    ],
)  # fmt: skip
def test_the_exact_gate_detects_a_fault_and_the_gate_on_accuracy_does_not_pass_a_loss(gate: Gate, variant: str) -> None:
    (exact,) = of(gate.run(variant), "exact")
    assert exact.verdict is Verdict.FAIL
    assert exact.responsible
    assert all(one.first is not None and one.first == one.last for one in exact.responsible)

    elsewhere = gate.run(variant, baseline=gate.folder / "elsewhere.json")
    (exact,) = of(elsewhere, "exact")
    (accuracy,) = of(elsewhere, "accuracy")
    assert exact.verdict is Verdict.SKIPPED
    if accuracy.change is not None and accuracy.change < -0.005:
        assert accuracy.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)


def test_the_cost_gate_detects_a_layer_that_changes_no_box(gate: Gate) -> None:
    report = gate.run("LayerAdded")
    assert {one.quantity for one in of(report, "cost")} >= {"macs all", "parameters distinct"}
    assert all(one.verdict is Verdict.FAIL for one in of(report, "cost"))
    assert [one.verdict for one in of(report, "exact")] == [Verdict.PASS]


@pytest.mark.parametrize("extra", ["", "threads = 2", 'runtimes = ["onnxruntime"]'])
def test_a_change_of_last_bits_only_does_not_fail(gate: Gate, extra: str) -> None:
    if "onnxruntime" in extra:
        pytest.importorskip("onnxruntime")
    report = gate.run("sound", extra)
    assert report.verdict is not Verdict.FAIL
    assert report.exit_code() == 0


def test_a_latency_doubled_by_a_busy_loop_fails_relative_to_the_previous_code(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "MIN_PAIRS", 2)
    monkeypatch.setattr(measure, "MAX_PAIRS", 2)
    gate = Gate(tmp_path, data / "weights" / "lighttrack_m_fp16.pth")
    gate.run("sound", update=True, reason="first baseline")
    suite = gate.suite("gate", "")
    suite.write_text(suite.read_text().replace("latency = false", "latency = 0.2").replace(":gate", ":sound"))
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, {".gitignore": "results*\n"})
    suite.write_text(suite.read_text().replace(":sound", ":LatencyDoubled"))
    (found,) = of(regress(suite, results=tmp_path / "results"), "latency")
    assert found.verdict is Verdict.FAIL
    assert found.change == pytest.approx(1.0, abs=0.2)
    assert "2 pairs of processes" in found.reason
