"""Boxes as a few characters."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.regression.digests import digest, parting, stride
from evalkit.types import FrameState, Mask, Polygon, Region, Trajectory


def trajectory(boxes: np.ndarray, regions: tuple[Region | None, ...] | None = None) -> Trajectory:
    count = len(boxes)
    unknown = np.full(count, np.nan)
    states = np.full(count, FrameState.TRACKED, dtype=np.int8)
    return Trajectory("t", "s", "one_pass", boxes, regions, unknown, unknown, states)


def walk(count: int) -> np.ndarray:
    return np.column_stack([np.arange(count) * 0.1, np.zeros(count), np.full(count, 30.0), np.full(count, 20.0)])


def changed_at(boxes: np.ndarray, frame: int, by: float = 1e-9) -> np.ndarray:
    other = boxes.copy()
    other[frame - 1, 0] += by
    return other


@pytest.mark.parametrize("frame", [1, 2, 57, 119, 120])
def test_the_first_frame_is_found_where_there_is_a_mark_for_each(frame: int) -> None:
    boxes = walk(120)
    old, new = (digest([trajectory(one)], marks=120) for one in (boxes, changed_at(boxes, frame)))
    assert old.boxes != new.boxes
    assert parting(old, new) == (frame, frame)


@pytest.mark.parametrize("frame", [1, 299, 300, 1000])
def test_a_stretch_is_found_where_there_is_less_room(frame: int) -> None:
    boxes = walk(1000)
    old, new = (digest([trajectory(one)], marks=100) for one in (boxes, changed_at(boxes, frame)))
    first, last = parting(old, new) or (0, 0)
    assert first <= frame <= last
    assert last - first == stride(1000, 100) - 1 == 9


def test_equal_boxes_part_nowhere() -> None:
    old, new = (digest([trajectory(walk(40))], marks=10) for _ in range(2))
    assert old == new
    assert parting(old, new) is None


def test_a_shorter_answer_has_no_frame_where_it_parts() -> None:
    old, new = (digest([trajectory(walk(count))], marks=100) for count in (40, 39))
    assert old.boxes != new.boxes
    assert parting(old, new) is None


def test_zero_and_minus_zero_are_one_place_and_nan_is_no_answer() -> None:
    boxes, other = walk(5), walk(5)
    other[0, 1] = -0.0
    assert digest([trajectory(boxes)], marks=5) == digest([trajectory(other)], marks=5)
    other[3] = np.nan
    assert parting(digest([trajectory(boxes)], marks=5), digest([trajectory(other)], marks=5)) == (4, 4)


def test_states_polygons_and_masks_count() -> None:
    square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])
    bitmap = np.ones((3, 3), dtype=np.bool_)
    for one, other in (
        (Polygon(square), Polygon(square + 1e-12)),
        (Mask(bitmap, 1, 1), Mask(bitmap, 1, 2)),
        (Mask(bitmap, 1, 1), Mask(np.tril(bitmap), 1, 1)),
    ):
        found = [digest([trajectory(np.full((1, 4), np.nan), (region,))], marks=1) for region in (one, other)]
        assert found[0].boxes != found[1].boxes
