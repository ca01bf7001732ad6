"""From a suite to a verdict, with trackers whose score is known."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_square import moving_square, tiny_dataset

from evalkit.errors import EvalkitError, WithheldGroundtruth
from evalkit.regression import GateFinding, RegressionReport, Verdict, regress
from evalkit.types import Annotation, Dataset, Sequence

from .conftest import WriteSuite

PERFECT = {"speed": 2}


def write_baseline(suite: Path, **options: object) -> Path:
    regress(suite, results=suite.parent / "results", update=True, reason="first baseline", **options)  # type: ignore[arg-type]
    return suite.parent / "baseline.json"


def run(suite: Path) -> RegressionReport:
    return regress(suite, results=suite.parent / "results")


def finding(report: RegressionReport, gate: str) -> GateFinding:
    found = [one for one in report.findings if one.gate == gate]
    assert len(found) == 1, [one.gate for one in report.findings]
    return found[0]


def change_environment(baseline: Path, key: str = "processor", value: object = "another one") -> None:
    """Change an entry of the baseline's environment."""
    content = json.loads(baseline.read_text())
    content["trackers"]["toy"]["environment"][key] = value
    baseline.write_text(json.dumps(content))


def test_the_same_tracker_passes_every_gate(squares: Dataset, write_suite: WriteSuite) -> None:
    write_baseline(write_suite(settings=PERFECT))
    report = run(write_suite(settings=PERFECT))
    assert {one.gate: one.verdict for one in report.findings} == dict.fromkeys(
        ("sequences", "exact", "accuracy"), Verdict.PASS
    )
    assert report.exit_code() == 0
    assert not report.differences


def test_a_fault_is_named_with_its_sequences_and_the_first_frame(squares: Dataset, write_suite: WriteSuite) -> None:
    write_baseline(write_suite(settings=PERFECT))
    report = run(write_suite(settings={"changed_from": 14, "changed_speed": 2.0000001}))
    exact = finding(report, "exact")
    assert exact.verdict is Verdict.FAIL
    assert {(one.sequence, one.first, one.last) for one in exact.responsible} == {
        (f"square-{index}", 14, 14) for index in range(8)
    }
    assert "frame 14" in exact.reason
    assert finding(report, "accuracy").verdict is Verdict.PASS
    assert report.exit_code() == 1


def test_different_settings_are_reported(squares: Dataset, write_suite: WriteSuite) -> None:
    write_baseline(write_suite(settings=PERFECT))
    report = run(write_suite(settings={"speed": 2.1}))
    assert "toy: hyperparameters.speed 2.0 → 2.1" in report.differences


def test_a_loss_fails_even_where_boxes_cannot_be_compared(squares: Dataset, write_suite: WriteSuite) -> None:
    change_environment(write_baseline(write_suite(settings=PERFECT)))
    report = run(write_suite(settings={"changed_from": 10, "changed_speed": 0}))
    exact, accuracy = finding(report, "exact"), finding(report, "accuracy")
    assert exact.verdict is Verdict.SKIPPED
    assert "processor another one →" in exact.reason
    assert accuracy.verdict is Verdict.FAIL
    assert accuracy.change is not None
    assert accuracy.change < -0.2
    assert len(accuracy.responsible) == 8
    assert report.exit_code() == 1


@pytest.mark.parametrize(("key", "value"), [("threads", 2), ("runtime", "onnxruntime"), ("numpy", "1.0.0")])
def test_different_last_bits_in_another_environment_are_skipped(
    squares: Dataset, write_suite: WriteSuite, key: str, value: object
) -> None:
    change_environment(write_baseline(write_suite(settings=PERFECT)), key, value)
    report = run(write_suite(settings={"wobble": 1e-6}))
    assert finding(report, "exact").verdict is Verdict.SKIPPED
    assert report.exit_code() == 0


def test_a_gain_beyond_the_margin_is_reported(squares: Dataset, write_suite: WriteSuite) -> None:
    write_baseline(write_suite(settings={"speed": 1}))
    accuracy = finding(run(write_suite(settings=PERFECT)), "accuracy")
    assert accuracy.improved
    assert accuracy.verdict is Verdict.PASS
    assert "explain the change" in accuracy.reason


def test_a_missing_sequence_fails(
    squares: Dataset, write_suite: WriteSuite, register_dataset: Callable[[Dataset], None]
) -> None:
    write_baseline(write_suite(settings=PERFECT))
    register_dataset(tiny_dataset(*squares.sequences[:7]))
    report = run(write_suite(settings=PERFECT))
    assert finding(report, "sequences").verdict is Verdict.FAIL
    assert "square-7" in finding(report, "sequences").reason
    assert finding(report, "accuracy").sequences == 7
    assert report.exit_code() == 1


def test_a_suite_of_other_sequences_than_the_baselines_fails_and_compares_nothing(
    squares: Dataset, write_suite: WriteSuite
) -> None:
    write_baseline(write_suite(settings=PERFECT, sequences='sequences = ["square-0"]'))
    report = run(write_suite(settings=PERFECT, sequences='sequences = ["square-1"]'))
    assert finding(report, "sequences").verdict is Verdict.FAIL
    assert finding(report, "accuracy").verdict is Verdict.INCONCLUSIVE


def test_a_sequence_that_fails_is_missing_and_its_error_is_reported(squares: Dataset, write_suite: WriteSuite) -> None:
    write_baseline(write_suite(settings=PERFECT))
    report = run(write_suite(settings=PERFECT, tracker="Failing"))
    assert finding(report, "sequences").verdict is Verdict.FAIL
    assert "out of memory" in finding(report, "sequences").reason


def test_a_new_sequence_is_inconclusive(
    squares: Dataset, write_suite: WriteSuite, register_dataset: Callable[[Dataset], None]
) -> None:
    write_baseline(write_suite(settings=PERFECT))
    register_dataset(tiny_dataset(*squares.sequences, moving_square("ninth", 20)))
    report = run(write_suite(settings=PERFECT))
    assert finding(report, "sequences").verdict is Verdict.INCONCLUSIVE
    assert report.exit_code() == 3
    assert report.exit_code(strict=True) == 1


def test_a_removed_tracker_fails_and_a_new_one_is_inconclusive(squares: Dataset, write_suite: WriteSuite) -> None:
    write_baseline(write_suite(settings=PERFECT))
    suite = write_suite(settings=PERFECT)
    suite.write_text(suite.read_text().replace('label = "toy"', 'label = "other"'))
    verdicts = {one.tracker: one.verdict for one in run(suite).findings if one.gate == "sequences"}
    assert verdicts == {"toy": Verdict.FAIL, "other": Verdict.INCONCLUSIVE}


def test_another_version_of_the_benchmark_is_not_compared(squares: Dataset, write_suite: WriteSuite) -> None:
    baseline = write_baseline(write_suite(settings=PERFECT))
    content = json.loads(baseline.read_text())
    content["trackers"]["toy"]["datasets"]["tiny"]["version"] = "0"
    baseline.write_text(json.dumps(content))
    report = run(write_suite(settings=PERFECT))
    assert finding(report, "exact").verdict is Verdict.INCONCLUSIVE
    assert finding(report, "accuracy").verdict is Verdict.INCONCLUSIVE


def test_another_version_of_a_metric_is_not_compared(squares: Dataset, write_suite: WriteSuite) -> None:
    baseline = write_baseline(write_suite(settings=PERFECT))
    content = json.loads(baseline.read_text())
    content["trackers"]["toy"]["datasets"]["tiny"]["metrics"]["auc"]["version"] = 99
    baseline.write_text(json.dumps(content))
    accuracy = finding(run(write_suite(settings=PERFECT)), "accuracy")
    assert accuracy.verdict is Verdict.INCONCLUSIVE
    assert "version" in accuracy.reason


def test_another_checkpoint_than_the_suites_fails(squares: Dataset, write_suite: WriteSuite, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"weights")
    more = f'weights = "net.pth"\nsha256 = "{hashlib.sha256(b"weights").hexdigest()[:12]}"'
    write_baseline(write_suite(settings=PERFECT, more=more))
    assert finding(run(write_suite(settings=PERFECT, more=more)), "weights").verdict is Verdict.PASS
    (tmp_path / "net.pth").write_bytes(b"other weights")
    assert finding(run(write_suite(settings=PERFECT, more=more)), "weights").verdict is Verdict.FAIL
    with pytest.raises(EvalkitError, match="the baseline was not updated"):
        write_baseline(write_suite(settings=PERFECT, more=more))


def test_results_of_code_that_changed_are_tracked_again(
    squares: Dataset, write_suite: WriteSuite, tmp_path: Path
) -> None:
    toy = tmp_path / "mine.py"
    source = (
        "from evalkit.types import Prediction\nclass Toy:\n"
        "    def initialize(self, image, region): self.region = region\n"
    )
    toy.write_text(source + "    def update(self, image): return Prediction(self.region)\n")
    suite = write_suite()
    suite.write_text(
        suite.read_text().replace(
            next(line for line in suite.read_text().splitlines() if line.startswith("name =")),
            'name = "mine.py:Toy"',
            1,
        )
    )
    write_baseline(suite)
    assert finding(run(suite), "exact").verdict is Verdict.PASS
    toy.write_text(source + "    def update(self, image): return Prediction(None)\n")
    for name in [name for name in sys.modules if name.startswith("evalkit_user_mine")]:
        del sys.modules[name]  # as in a new process
    assert finding(run(suite), "exact").verdict is Verdict.FAIL


def test_results_that_the_present_code_made_are_taken_from_the_results_folder(
    squares: Dataset, write_suite: WriteSuite, tmp_path: Path
) -> None:
    from evalkit import api

    suite = write_suite(settings=PERFECT)
    write_baseline(suite)
    toys = Path(__file__).parent / "toys.py"
    again = tmp_path / "again"
    api.run([f"{toys}:Mover"], ["tiny"], results=again, settings={"speed": "2"}, name="toy")
    tracked: list[object] = []
    report = regress(suite, results=again, progress=lambda *done: tracked.append(done))
    assert report.verdict is Verdict.PASS
    assert not tracked
    assert not (again / "regress").exists()


def test_results_of_a_further_protocol_are_kept_and_their_environment_is_known(
    squares: Dataset, write_suite: WriteSuite, register_dataset: Callable[[Dataset], None]
) -> None:
    protocols = ("supervised", "unsupervised")
    register_dataset(replace(squares, protocols=protocols, profiles=("vot-unsupervised",), layout="vot"))
    suite = write_suite(settings=PERFECT, accuracy="{}", sequences='protocol = "unsupervised"')
    baseline = write_baseline(suite)
    assert "processor" in json.loads(baseline.read_text())["trackers"]["toy"]["environment"]
    tracked: list[object] = []
    report = regress(suite, results=suite.parent / "results", progress=lambda *done: tracked.append(done))
    assert report.verdict is Verdict.PASS
    assert not tracked


def test_an_update_needs_a_reason_and_keeps_it(squares: Dataset, write_suite: WriteSuite) -> None:
    suite = write_suite(settings=PERFECT)
    with pytest.raises(EvalkitError, match="reason"):
        regress(suite, update=True, reason="  ")
    baseline = write_baseline(suite)
    report = regress(
        write_suite(settings={"speed": 1}), results=suite.parent / "results", update=True, reason="slower on purpose"
    )
    assert report.exit_code() == 0
    history = json.loads(baseline.read_text())["history"]
    assert [entry["reason"] for entry in history] == ["first baseline", "slower on purpose"]
    assert any("auc" in change for change in history[1]["changes"])
    assert run(write_suite(settings={"speed": 1})).verdict is Verdict.PASS


def test_an_update_with_a_failing_sequence_leaves_the_baseline(squares: Dataset, write_suite: WriteSuite) -> None:
    baseline = write_baseline(write_suite(settings=PERFECT))
    before = baseline.read_bytes()
    with pytest.raises(EvalkitError, match="the baseline was not updated"):
        regress(
            write_suite(tracker="Failing", settings=PERFECT), results=baseline.parent / "r", update=True, reason="no"
        )
    assert baseline.read_bytes() == before


def test_a_metric_that_no_dataset_has_is_rejected_before_anything_is_tracked(
    squares: Dataset, write_suite: WriteSuite
) -> None:
    suite = write_suite(settings=PERFECT, accuracy="{auk = 0.01}")
    with pytest.raises(EvalkitError, match="auk"):
        regress(suite, update=True, reason="first", results=suite.parent / "results")
    assert not (suite.parent / "results").exists()


def test_withheld_groundtruth_is_rejected_before_anything_is_tracked_unless_accuracy_is_not_gated(
    squares: Dataset, write_suite: WriteSuite, register_dataset: Callable[[Dataset], None]
) -> None:
    def first_only(sequence: Sequence) -> Sequence:
        boxes = sequence.groundtruth.copy()
        boxes[1:] = np.nan
        return replace(sequence, read=lambda: Annotation(boxes))

    register_dataset(replace(squares, sequences=tuple(map(first_only, squares.sequences))))
    suite = write_suite(settings=PERFECT)
    with pytest.raises(WithheldGroundtruth):
        write_baseline(suite)
    assert not (suite.parent / "results").exists()
    boxes_only = write_suite(settings=PERFECT, accuracy="{}")
    write_baseline(boxes_only)
    assert finding(run(boxes_only), "exact").verdict is Verdict.PASS


def test_the_error_for_a_missing_baseline_says_how_to_write_one(squares: Dataset, write_suite: WriteSuite) -> None:
    with pytest.raises(EvalkitError, match="--update --reason"):
        run(write_suite(settings=PERFECT))


@pytest.mark.slow
def test_a_doubled_latency_fails_and_an_equal_one_does_not(squares: Dataset, write_suite: WriteSuite) -> None:
    def busy(milliseconds: float) -> Path:
        return write_suite(tracker="Busy", settings={"milliseconds": milliseconds}, latency="0.3")

    write_baseline(busy(4))
    assert finding(run(busy(4)), "latency").verdict is not Verdict.FAIL
    doubled = finding(run(busy(8)), "latency")
    assert doubled.verdict is Verdict.FAIL
    assert doubled.change is not None
    assert doubled.change > 0.5
