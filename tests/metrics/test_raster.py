"""The rasterised overlap of VOT, counted by hand."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.metrics import raster, raster_toolkit
from evalkit.types import Box, Mask, Polygon


def as_polygon(box: Box) -> Polygon:
    right, bottom = box.x + box.width, box.y + box.height
    return Polygon(np.array([[box.x, box.y], [right, box.y], [right, bottom], [box.x, bottom]], dtype=float))


def test_a_box_covers_its_right_and_bottom_edge_too() -> None:
    # 4 x 4 pixels each (columns 0..3 and 2..5), 2 x 4 of them common: 8 / 24.
    assert raster.overlap(Box(0, 0, 3, 3), Box(2, 0, 3, 3)) == np.float32(8 / 24)


def test_a_triangle_is_filled_row_by_row() -> None:
    # Corners (0,0) (4,0) (0,4): the top row meets both slanted edges, 0..4; then 0..3, 0..2, 0..1; the corner row
    # (0,4) has two equal crossings, of which nothing is filled. 5 + 4 + 3 + 2 = 14 of the 5 x 5 box.
    triangle = Polygon(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]))
    assert raster.overlap(triangle, Box(0, 0, 4, 4)) == np.float32(14 / 25)


def test_corners_are_rounded_half_away_from_zero() -> None:
    # The common origin is 0; 1.5 and 2.5 become 2 and 3, so columns 2..3 of 0..3.
    assert raster.overlap(Box(0, 0, 3, 3), Box(1.5, 0, 1, 3)) == np.float32(8 / 16)


def test_pixels_beyond_the_bounds_do_not_count() -> None:
    assert raster.overlap(Box(0, 0, 9, 9), Box(5, 0, 9, 9)) == np.float32(50 / 150)
    # Columns 0..9 and 5..10 of an image whose bound is 10.
    assert raster.overlap(Box(0, 0, 9, 9), Box(5, 0, 9, 9), (10, 20)) == np.float32(50 / 110)


def test_regions_apart_overlap_by_nothing_and_missing_ones_by_nan() -> None:
    assert raster.overlap(Box(0, 0, 3, 3), Box(50, 50, 3, 3)) == 0
    known = raster.corners_of([Box(0, 0, 3, 3), None])
    assert np.array_equal(raster.overlaps(known, known), [1.0, np.nan], equal_nan=True)


def test_a_self_crossing_polygon_counts_a_shared_pixel_once() -> None:
    # An hourglass: in the row where the strands meet both intervals would hold the pixel of the crossing.
    hourglass = Polygon(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]))
    # Rows: 0..4 (5), 1..3 (3), 2 (two equal crossings: none), 1..3 (3), 0..4 (5).
    assert raster.overlap(hourglass, Box(0, 0, 4, 4)) == np.float32(16 / 25)


@pytest.mark.parametrize(
    ("mask", "other", "expected", "empty"),
    [
        # The toolkit crops a mask when it reads it; one whose pixels are all in its first column is gone.
        (Mask(np.ones((4, 1), bool), 5, 5), Box(5, 5, 1, 4), 0, True),
        (Mask(np.eye(3, dtype=bool)[:, :1], 5, 5), None, 1, True),
        (Mask(np.zeros((3, 3), bool), 40, 30), None, 1, True),
        # One row keeps its pixels and yet counts as empty where it is groundtruth.
        (Mask(np.ones((1, 4), bool), 5, 5), Box(5, 5, 4, 2), 1 / 2, True),
        (Mask(np.pad(np.ones((1, 4), bool), 3), 2, 2), Box(5, 5, 4, 2), 1 / 2, True),
        (Mask(np.pad(np.ones((2, 2), bool), 3), 2, 2), Box(5, 5, 2, 2), 1, False),
        # The part outside the image is cut off.
        (Mask(np.ones((4, 4), bool), -2, -2), Box(0, 0, 2, 2), 1, False),
        (Mask(np.ones((4, 4), bool), 62, 46), Box(62, 46, 2, 1), 1 / 2, False),
        (Mask(np.ones((4, 4), bool), 200, 200), Mask(np.ones((4, 4), bool), 200, 200), 0, False),
    ],
)
def test_masks_count_as_the_toolkit_has_read_them(mask: Mask, other: Any, expected: float, empty: bool) -> None:
    assert raster_toolkit.overlaps([mask], [other], (64, 48)).tolist() == pytest.approx([expected])
    assert raster_toolkit.is_empty(mask) == empty


def test_a_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="corners"):
        raster.overlap(Mask(np.ones((2, 2), bool)), Box(0, 0, 2, 2))


def test_polygons_with_more_corners_stand_beside_boxes() -> None:
    hexagon = Polygon(np.array([[2, 0], [4, 0], [6, 3], [4, 6], [2, 6], [0, 3]], dtype=float))
    both = raster.corners_of([hexagon, Box(0, 0, 6, 6)])
    assert both.shape == (2, 6, 2)
    assert raster.overlaps(both, both).tolist() == [1.0, 1.0]


def same(a: float, b: float) -> bool:
    return a == b or (np.isnan(a) and np.isnan(b))


places = st.floats(-50, 150, width=32)
sizes = st.floats(0.5, 80, width=32)
boxes = st.builds(Box, places, places, sizes, sizes)
quadrangles = st.builds(
    lambda values: Polygon(np.array(values, dtype=float).reshape(4, 2)), st.lists(places, min_size=8, max_size=8)
)


@given(boxes | quadrangles, boxes | quadrangles)
def test_overlap_is_symmetric_and_bounded(a: Box | Polygon, b: Box | Polygon) -> None:
    forth, back = raster.overlap(a, b, (100, 100)), raster.overlap(b, a, (100, 100))
    assert same(forth, back)
    assert np.isnan(forth) or 0 <= forth <= 1


@given(boxes, boxes)
def test_a_box_is_the_polygon_of_its_corners(a: Box, b: Box) -> None:
    assert same(raster.overlap(a, b), raster.overlap(as_polygon(a), as_polygon(b)))


@given(quadrangles, quadrangles, st.integers(-40, 40), st.integers(-40, 40))
def test_moving_both_by_whole_pixels_changes_nothing(a: Polygon, b: Polygon, dx: int, dy: int) -> None:
    def whole(polygon: Polygon) -> Polygon:
        return Polygon(np.round(polygon.points))

    def moved(polygon: Polygon) -> Polygon:
        return Polygon(np.round(polygon.points) + np.array([dx, dy]))

    assert same(raster.overlap(whole(a), whole(b)), raster.overlap(moved(a), moved(b)))


def test_a_polygon_of_a_thousand_corners_is_drawn_in_a_moment() -> None:
    corners = np.arange(1000)
    region = Polygon(np.stack([corners % 640, (corners * 7) % 480], axis=1).astype(float))
    begin = time.process_time()
    for bounds in ((640, 480), (641, 479)):
        assert raster_toolkit.overlaps([region], [region], bounds) == pytest.approx([1.0])
        assert 0 < raster_toolkit.overlaps([region], [Box(0, 0, 640, 480)], bounds)[0] < 1
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("size", [1e19, 1e38, 1e300])
@pytest.mark.filterwarnings("error")
def test_coordinates_beyond_all_integers_cover_the_image(size: float) -> None:
    everything = Polygon(np.array([[-size, -size], [size, -size], [size, size], [-size, size]]))
    image = Box(0, 0, 64, 48)
    assert raster_toolkit.overlaps([everything], [image], (64, 48)) == [1.0]
    assert raster_toolkit.overlaps([Box(-size, -size, 2 * size, 2 * size)], [image], (64, 48)) == [1.0]
    assert 0 <= raster.overlap(everything, image, (64, 48)) <= 1
