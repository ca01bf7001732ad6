from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.geometry import bounding_box, equal_area_box, overlap, shifted
from evalkit.types import Box, Mask, Polygon

coordinate = st.floats(-1e4, 1e4)
size = st.floats(0.01, 1e4)
box = st.tuples(coordinate, coordinate, size, size).map(lambda row: np.array([row]))


def test_half_shifted_boxes_overlap_by_a_third() -> None:
    assert overlap(np.array([[0.0, 0, 4, 4]]), np.array([[2.0, 0, 4, 4]]))[0] == pytest.approx(1 / 3)


def test_negative_sizes_are_empty_and_empty_boxes_overlap_nothing() -> None:
    boxes = np.array([[0.0, 0, -4, 4], [0.0, 0, 0, 0]])
    assert overlap(boxes, np.array([[0.0, 0, 4, 4], [0.0, 0, 0, 0]])).tolist() == [0.0, 0.0]


def test_an_unknown_box_has_an_unknown_overlap() -> None:
    assert np.isnan(overlap(np.full((1, 4), np.nan), np.array([[0.0, 0, 1, 1]]))[0])


@given(box, box)
def test_overlap_is_symmetric_and_bounded(a: np.ndarray, b: np.ndarray) -> None:
    assert overlap(a, b)[0] == pytest.approx(overlap(b, a)[0], abs=1e-12)
    assert -1e-12 <= overlap(a, b)[0] <= 1 + 1e-9


@given(box)
def test_a_box_overlaps_itself_wholly(a: np.ndarray) -> None:
    assert overlap(a, a)[0] == pytest.approx(1.0, rel=1e-6)


@given(box, box, st.floats(0.1, 10))
def test_overlap_does_not_change_with_scale(a: np.ndarray, b: np.ndarray, factor: float) -> None:
    assert overlap(a * factor, b * factor)[0] == pytest.approx(overlap(a, b)[0], abs=1e-6)


def test_a_masks_box_encloses_its_pixels_and_nothing_more() -> None:
    bitmap = np.zeros((6, 8), dtype=bool)
    bitmap[2:4, 3:7] = True
    assert bounding_box(Mask(bitmap, x=10, y=20)) == Box(13, 22, 4, 2)
    assert bounding_box(Mask(np.zeros((2, 2), dtype=bool), 5, 6)) == Box(5, 6, 0, 0)


def test_a_square_on_its_corner_keeps_its_area_plus_a_pixel() -> None:
    diamond = Polygon(np.array([[10.0, 0], [20, 10], [10, 20], [0, 10]]))
    cx, cy, width, height = equal_area_box(diamond)
    assert (cx, cy) == (10, 10)
    assert width == height == pytest.approx(np.sqrt(200) + 1)


def test_a_box_starts_a_tracker_as_it_is() -> None:
    assert equal_area_box(Box(1, 2, 4, 6)) == (3, 5, 4, 6)


@pytest.mark.parametrize("region", [Box(1, 2, 3, 4), Polygon(np.array([[0.0, 0], [1, 0], [1, 1]])),
                                    Mask(np.ones((2, 3), dtype=bool), 4, 5)])  # fmt: skip
def test_shifting_there_and_back_changes_nothing(region: Box | Polygon | Mask) -> None:
    moved = shifted(region, 3, -2)
    before, after = bounding_box(region), bounding_box(moved)
    assert (after.x - before.x, after.y - before.y, after.width) == (3, -2, before.width)
    assert bounding_box(shifted(moved, -3, 2)) == before
