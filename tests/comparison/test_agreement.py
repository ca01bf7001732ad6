"""Agreement between trackers, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.comparison import agreements
from evalkit.comparison.agreement import frame_agreement
from evalkit.types import FrameState, Trajectory

NONE = (np.nan,) * 4


def trajectory(*boxes: tuple[float, ...], initialized: tuple[int, ...] = (0,)) -> Trajectory:
    count = len(boxes)
    states = np.full(count, FrameState.TRACKED, dtype=np.int8)
    states[list(initialized)] = FrameState.INITIALIZED
    unknown = np.full(count, np.nan)
    return Trajectory("one", "a", "one_pass", np.array(boxes, dtype=float), None, unknown, unknown, states)


SQUARE = (0.0, 0.0, 4.0, 4.0)
SHIFTED = (2.0, 0.0, 4.0, 4.0)
"""Covers half of ``SQUARE``: intersection 8, union 24."""


def test_agreement_on_a_frame_is_the_overlap_of_the_two_boxes() -> None:
    first = trajectory(SQUARE, SQUARE, SQUARE, SQUARE, SQUARE, NONE)
    second = trajectory(SQUARE, SQUARE, SHIFTED, (9.0, 9.0, 4.0, 4.0), NONE, NONE)
    expected = [np.nan, 1.0, 8 / 24, 0.0, 0.0, np.nan]
    np.testing.assert_allclose(frame_agreement(first, second), expected)
    np.testing.assert_allclose(frame_agreement(second, first), expected)


def test_frames_on_which_a_tracker_was_initialized_again_are_left_out() -> None:
    first = trajectory(SQUARE, SQUARE, SQUARE, initialized=(0, 2))
    second = trajectory(SQUARE, SHIFTED, SQUARE)
    np.testing.assert_allclose(frame_agreement(first, second), [np.nan, 8 / 24, np.nan])


def test_a_shorter_result_is_compared_as_far_as_it_goes() -> None:
    assert len(frame_agreement(trajectory(SQUARE, SQUARE), trajectory(SQUARE, SQUARE, SQUARE))) == 2


def test_sequences_have_the_same_weight_whatever_their_length() -> None:
    long = [trajectory(SQUARE, *[SQUARE] * 9)]
    short = [trajectory(SQUARE, SHIFTED)]
    runs = {
        "one": {"long": long, "short": short, "only": short},
        "two": {"long": long, "short": [trajectory(SQUARE, SQUARE)]},
        "three": {"other": short},
    }
    found = agreements(runs)
    assert list(found) == [("one", "two")]
    assert found["one", "two"].per_sequence == {"long": 1.0, "short": pytest.approx(1 / 3)}
    assert found["one", "two"].value == pytest.approx((1.0 + 1 / 3) / 2)


def test_a_sequence_of_one_frame_says_nothing() -> None:
    assert agreements({"one": {"a": [trajectory(SQUARE)]}, "two": {"a": [trajectory(SQUARE)]}}) == {}
