"""Hashes of boxes."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.regression.box_hashes import checkpoint_interval, first_difference, hash_boxes
from evalkit.types import FrameState, Mask, Polygon, Region, Trajectory


def trajectory(boxes: np.ndarray, regions: tuple[Region | None, ...] | None = None) -> Trajectory:
    count = len(boxes)
    unknown = np.full(count, np.nan)
    states = np.full(count, FrameState.TRACKED, dtype=np.int8)
    return Trajectory("t", "s", "one_pass", boxes, regions, unknown, unknown, states)


def boxes_of(count: int) -> np.ndarray:
    return np.column_stack([np.arange(count) * 0.1, np.zeros(count), np.full(count, 30.0), np.full(count, 20.0)])


def changed_at(boxes: np.ndarray, frame: int, by: float = 1e-9) -> np.ndarray:
    other = boxes.copy()
    other[frame - 1, 0] += by
    return other


@pytest.mark.parametrize("frame", [1, 2, 57, 119, 120])
def test_the_first_different_frame_is_found_exactly_with_a_checkpoint_per_frame(frame: int) -> None:
    boxes = boxes_of(120)
    old, new = (hash_boxes([trajectory(one)], checkpoints=120) for one in (boxes, changed_at(boxes, frame)))
    assert old.boxes != new.boxes
    assert first_difference(old, new) == (frame, frame)


@pytest.mark.parametrize("frame", [1, 299, 300, 1000])
def test_an_interval_of_frames_is_found_with_fewer_checkpoints(frame: int) -> None:
    boxes = boxes_of(1000)
    old, new = (hash_boxes([trajectory(one)], checkpoints=100) for one in (boxes, changed_at(boxes, frame)))
    first, last = first_difference(old, new) or (0, 0)
    assert first <= frame <= last
    assert last - first == checkpoint_interval(1000, 100) - 1 == 9


def test_equal_boxes_have_no_first_difference() -> None:
    old, new = (hash_boxes([trajectory(boxes_of(40))], checkpoints=10) for _ in range(2))
    assert old == new
    assert first_difference(old, new) is None


def test_the_first_difference_is_unknown_where_the_number_of_frames_differs() -> None:
    old, new = (hash_boxes([trajectory(boxes_of(count))], checkpoints=100) for count in (40, 39))
    assert old.boxes != new.boxes
    assert first_difference(old, new) is None


def test_zero_equals_minus_zero_and_nan_differs_from_numbers() -> None:
    boxes, other = boxes_of(5), boxes_of(5)
    other[0, 1] = -0.0
    assert hash_boxes([trajectory(boxes)], checkpoints=5) == hash_boxes([trajectory(other)], checkpoints=5)
    other[3] = np.nan
    old, new = (hash_boxes([trajectory(one)], checkpoints=5) for one in (boxes, other))
    assert first_difference(old, new) == (4, 4)


def test_polygons_and_masks_are_hashed() -> None:
    square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])
    bitmap = np.ones((3, 3), dtype=np.bool_)
    for one, other in (
        (Polygon(square), Polygon(square + 1e-12)),
        (Mask(bitmap, 1, 1), Mask(bitmap, 1, 2)),
        (Mask(bitmap, 1, 1), Mask(np.tril(bitmap), 1, 1)),
    ):
        found = [hash_boxes([trajectory(np.full((1, 4), np.nan), (region,))], checkpoints=1) for region in (one, other)]
        assert found[0].boxes != found[1].boxes
