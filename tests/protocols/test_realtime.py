from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_square import tiny_dataset
from scripted_tracker import HIT, MISS, Scripted, still

from evalkit import protocols
from evalkit.metrics import profiles
from evalkit.protocols.pace import Pace
from evalkit.results import layouts
from evalkit.types import Box, Dataset, Trajectory

START = Box(10.0, 10.0, 20.0, 20.0)


def run(tracker: Scripted, monkeypatch: pytest.MonkeyPatch, length: int, fps: float | None = 10.0) -> Trajectory:
    tracker.keep_time(monkeypatch)
    (trajectory,) = protocols.run("realtime", tracker, still(length, fps=fps), tiny_dataset(), name="scripted")
    return trajectory


def test_a_fast_tracker_sees_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Scripted(seconds=lambda _: 0.1)
    run(tracker, monkeypatch, 6)
    assert tracker.asked("update") == [1, 2, 3, 4, 5]


def test_three_slow_frames_are_forgiven_then_frames_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Frames of 0.1 s, answers of 0.35 s: after the grace (frames 0, 1, 2) each answer leaves a debt of 0.25 s, which
    # two frames work off down to 0.05 s, less than an interval.
    tracker = Scripted(seconds=lambda _: 0.35)
    trajectory = run(tracker, monkeypatch, 12)
    assert tracker.asked("update") == [1, 2, 3, 6, 9]
    assert np.isnan(trajectory.seconds[[4, 5, 7, 8]]).all()


def test_a_late_frame_repeats_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Scripted(lambda index: Box(10.0 + index, 10.0, 20.0, 20.0), seconds=lambda _: 0.35)
    trajectory = run(tracker, monkeypatch, 8)
    assert trajectory.boxes[3:7, 0].tolist() == [13.0, 13.0, 13.0, 16.0]


def test_a_late_answer_can_fail_and_a_new_start_forgives_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Scripted(lambda index: MISS if index == 3 else HIT, seconds=lambda _: 0.35)
    trajectory = run(tracker, monkeypatch, 14)
    assert "".join("0123"[state] for state in trajectory.states) == "13320000133333"
    assert tracker.asked("update") == [1, 2, 3, 9, 10, 11]


def test_a_video_without_a_frame_rate_has_twenty_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Scripted(seconds=lambda _: 0.16)
    run(tracker, monkeypatch, 10, fps=None)
    assert tracker.asked("update") == [1, 2, 3, 6, 9]


def test_without_grace_a_slow_start_already_costs_frames() -> None:
    pace = Pace(0.1, grace=0)
    pace.started(START, 0.35)
    assert [pace.is_busy(), pace.is_busy(), pace.is_busy()] == [True, True, False]
    assert pace.last_answer == START


def test_since_2020_each_anchor_has_a_pace_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # As above: grace at the start and frames 1 and 2 of each run, then two of three frames are missed.
    tracker = Scripted(lambda index: Box(10.0 + index, 10.0, 20.0, 20.0), seconds=lambda _: 0.35)
    tracker.keep_time(monkeypatch)
    sequence = still(8, fps=10.0, anchors=[1, *[0] * 6, -1])
    runs = protocols.run("realtime", tracker, sequence, tiny_dataset(), name="scripted")
    assert [(run.protocol, run.anchor, len(run)) for run in runs] == [("realtime", 0, 8), ("realtime", 7, 8)]
    assert tracker.asked("update") == [1, 2, 3, 6, 6, 5, 4, 1]
    assert runs[1].boxes[:, 0].tolist() == [10.0, 16.0, 15.0, 14.0, 14.0, 14.0, 11.0, 11.0]
    layout = layouts.get("vot")
    layout.write(tmp_path, runs[0])
    assert not layout.done(tmp_path, sequence, "realtime")
    layout.write(tmp_path, runs[1])
    assert layout.done(tmp_path, sequence, "realtime")
    assert (tmp_path / "realtime" / "still" / "still_00000007.txt").is_file()
    back = layout.read(tmp_path, sequence, "realtime")
    assert [(run.anchor, run.boxes[1:].tolist()) for run in back] == [
        (run.anchor, run.boxes[1:].tolist()) for run in runs
    ]
    whole = replace(sequence, size=(80, 60))
    dataset = Dataset("vot2020", "VOT2020", "1", 0, (whole,), ("still",), ("realtime",), ("vot-multistart",), "vot")
    scores = {
        one.metric: one.value for one in profiles.score("vot-multistart", dataset, "t", "realtime", {"still": back})
    }
    assert scores["robustness"] == 1
