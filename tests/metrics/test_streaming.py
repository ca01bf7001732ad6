"""Scores on live streams, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import EvalkitError
from evalkit.metrics import profiles, streaming


def test_a_tracker_faster_than_the_video_shows_every_answer() -> None:
    stream = streaming.schedule(np.full(5, 0.5), 1.0)
    assert stream.taken().all()
    assert stream.answers().tolist() == [0, 1, 2, 3, 4]


def test_an_answer_may_take_exactly_one_interval() -> None:
    assert streaming.schedule(np.full(300, 0.1), 0.1).answers().tolist() == list(range(300))


def test_a_slow_frame_shows_the_last_answer_and_is_worked_off() -> None:
    # Frame 1 arrives at 1 and is done at 2.5: too late for itself (2), in time for frame 2 (3), which is taken up
    # at 2.5, done at 2.9. No frame is dropped.
    stream = streaming.schedule(np.array([0, 1.5, 0.4, 0.4, 0.4]), 1.0)
    assert stream.taken().all()
    assert stream.answers().tolist() == [0, 0, 2, 3, 4]


def test_frames_that_come_while_it_is_busy_are_never_seen() -> None:
    # Frame 1 is done at 3.5, when frame 3 is the newest; frame 3 is done at 6, when frame 5 would be: the last is 4.
    stream = streaming.schedule(np.full(5, 2.5), 1.0)
    assert stream.taken().tolist() == [True, True, False, True, True]
    assert stream.answers().tolist() == [0, 0, 0, 1, 1]


def test_a_replay_that_would_not_be_exact_is_refused(make: Any) -> None:
    trajectory = make.one_pass("one", [[index, 0, 5, 5] for index in range(5)], seconds=np.full(5, 1.5))
    assert streaming.replay(trajectory, 1.0) is None
    staged = streaming.replay(trajectory, 0.5)
    assert staged is not None and staged.boxes[:, 0].tolist() == [0, 1, 2, 3, 4]
    delayed = streaming.replay(make.one_pass("one", trajectory.boxes, seconds=np.array([9, 1.5, 0.4, 0.4, 0.4])), 1.0)
    assert delayed is not None and delayed.boxes[:, 0].tolist() == [0, 0, 2, 3, 4]


def test_times_that_are_not_stored_are_asked_for(make: Any) -> None:
    trajectory = make.one_pass("one", [[0, 0, 5, 5]] * 3)
    with pytest.raises(EvalkitError, match="no times of its frames"):
        streaming.replay(trajectory, 10)
    assert streaming.replay(trajectory, 10, latency=0.01) is not None


def test_scores_at_a_rate_carry_it_and_are_null_where_frames_would_be_passed_over(make: Any) -> None:
    boxes = [[10 * index, 0, 50, 50] for index in range(6)]
    dataset = make.dataset(*(make.sequence(name, boxes) for name in ("one", "two")))
    runs = {
        "one": [make.one_pass("one", boxes, seconds=np.full(6, 0.1))],
        "two": [make.one_pass("two", boxes, seconds=np.full(6, 0.01))],
    }
    found = streaming.scores_at("pysot", dataset, "t", "one_pass", runs, rates=(5.0, 50.0))
    fits, beyond = (next(one for one in found if (one.metric, one.fps) == ("auc", fps)) for fps in (5.0, 50.0))
    assert (fits.value, fits.record()["fps"]) == (pytest.approx(20 / 21), 5)
    assert (beyond.value, beyond.low, beyond.curve) == (None, None, None)
    assert beyond.per_sequence == {"one": None, "two": None}
    assert beyond.notes == ("no score at 50 fps: frames would be dropped in 1 of 2 sequences (one)",)
    assert "fps" not in profiles.score("pysot", dataset, "t", "one_pass", runs)[0].record()
    other = streaming.scores_at("pysot", dataset, "t", "one_pass", runs, rates=(50.0,), latency=0.005)
    assert {one.value is None for one in other} == {False}


def test_an_answer_that_comes_late_counts_for_the_frames_after_it(make: Any) -> None:
    # 1.5 frames late at first, then quick: frame 2 still shows the start, frame 3 the answer to frame 2.
    boxes = [[0, 0, 50, 50], [100, 0, 50, 50], [200, 0, 50, 50], [300, 0, 50, 50]]
    runs = {"one": [make.one_pass("one", boxes, seconds=np.array([0, 1.5, 0.1, 0.1]))]}
    dataset = make.dataset(make.sequence("one", boxes))
    (auc, *_) = streaming.scores_at("pysot", dataset, "t", "one_pass", runs, rates=(1.0,))
    assert auc.value == pytest.approx(20 / 21 * 3 / 4)


def test_only_one_pass_results_have_a_score_at_a_rate(make: Any) -> None:
    with pytest.raises(EvalkitError, match="--protocol realtime"):
        streaming.scores_at("vot-supervised", make.dataset(), "t", "supervised", {}, rates=(30.0,))


@given(st.lists(st.floats(0, 5), min_size=2, max_size=30))
def test_what_is_shown_is_never_from_the_future_nor_older_than_before(seconds: list[float]) -> None:
    stream = streaming.schedule(np.array(seconds), 1.0)
    shown = stream.answers()
    assert (shown <= np.arange(len(seconds))).all()
    assert (np.diff(shown) >= 0).all()
    assert stream.taken()[shown].all()
