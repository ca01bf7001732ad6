from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moving_square import tiny_dataset
from scripted_tracker import HIT, MISS, Scripted, still

from evalkit import factories, protocols, registry
from evalkit.geometry import overlap
from evalkit.results import layouts
from evalkit.types import Annotation, Box, Sequence, Trajectory


def run(tracker: Scripted, sequence: Sequence, protocol: str = "supervised") -> Trajectory:
    (trajectory,) = protocols.run(protocol, tracker, sequence, tiny_dataset(), name="scripted")
    return trajectory


def codes(trajectory: Trajectory) -> str:
    return "".join("0123"[state] for state in trajectory.states)


def test_a_tracker_that_never_loses_the_target_is_started_once() -> None:
    tracker = Scripted()
    assert codes(run(tracker, still(8))) == "13333333"
    assert tracker.asked("initialize") == [0]


def test_five_frames_after_a_failure_it_is_started_again() -> None:
    tracker = Scripted(lambda index: MISS if index == 3 else HIT)
    trajectory = run(tracker, still(12))
    assert codes(trajectory) == "133200001333"
    assert tracker.calls[:5] == [("initialize", 0), ("update", 1), ("update", 2), ("update", 3), ("initialize", 8)]
    assert np.isnan(trajectory.boxes[3:8]).all()
    assert trajectory.confidence[3] == 0.03


def test_a_failure_near_the_end_leaves_the_rest_skipped() -> None:
    assert codes(run(Scripted(lambda index: MISS if index == 4 else HIT), still(8))) == "13332000"


def test_no_answer_is_a_failure() -> None:
    assert codes(run(Scripted(lambda index: None if index == 2 else HIT), still(8))) == "13200001"


def test_touching_outside_the_image_does_not_count() -> None:
    boxes = np.tile([70.0, 10.0, 40.0, 20.0], (7, 1))
    sequence = still(7)
    beyond = Sequence("beyond", lambda: Annotation(boxes), sequence.frames)
    assert codes(run(Scripted(lambda _: Box(85.0, 10.0, 40.0, 20.0)), beyond)) == "1200001"


def test_a_start_without_groundtruth_waits_for_the_next() -> None:
    boxes = np.tile([10.0, 10.0, 20.0, 20.0], (10, 1))
    boxes[6] = np.nan
    sequence = Sequence("gap", lambda: Annotation(boxes), still(10).frames)
    assert codes(run(Scripted(lambda index: MISS if index == 1 else HIT), sequence)) == "1200000133"


def test_without_supervision_nothing_is_a_failure() -> None:
    for protocol in ("unsupervised", "longterm"):
        trajectory = run(Scripted(lambda index: MISS if index == 2 else HIT), still(5), protocol)
        assert codes(trajectory) == "13333"
        assert trajectory.protocol == protocol
        assert trajectory.confidence[1:].tolist() == [0.01, 0.02, 0.03, 0.04]


@pytest.mark.regression
@pytest.mark.slow
@pytest.mark.parametrize(("name", "official"), [("bag", 0.984), ("ball1", 0.975)])
def test_lighttrack_repeats_its_published_results(data: Path, tmp_path: Path, name: str, official: float) -> None:
    # The official code reaches the same overlaps with these weights, which are the published ones in half precision.
    benchmark = registry.dataset.find("vot2018").build(root=data / "datasets")
    weights = data / "weights" / "lighttrack_m_fp16.pth"
    tracker = factories.create_tracker(
        "lighttrack-m", benchmark="vot2018", weights=weights, runtime="torch", precision="fp32", device="cpu",
        threads=1, settings={}, seed=0,
    )  # fmt: skip
    sequence = benchmark.sequence(name)
    (trajectory,) = protocols.run("supervised", tracker, sequence, benchmark, name="ours")
    layouts.get("vot").write(tmp_path, trajectory)
    (ours,) = layouts.get("vot").read(tmp_path, sequence, "supervised")
    (published,) = layouts.get("vot").read(data / "results" / "VOT2018" / "LightTrack", sequence, "supervised")
    assert ours.states.tolist() == published.states.tolist()
    assert np.nanmean(overlap(ours.boxes, published.boxes)) == pytest.approx(official, abs=0.002)
