"""The exact overlap, by areas that can be told at a glance."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.metrics import exact

IMAGE = (64, 48)
TOUCHING = [[-4, 0], [2, 0], [2, 1], [-2, 1], [0, 3], [-4, 3]]
"""2 by 1 pixels of it are in the image, and one corner is on the image's edge."""


def corners(*points: list[float]) -> np.ndarray:
    return np.array([points], dtype=float)


def box(x: float, y: float, width: float, height: float) -> np.ndarray:
    return corners([x, y], [x + width, y], [x + width, y + height], [x, y + height])


@pytest.mark.parametrize(
    ("answer", "truth", "expected"),
    [
        (box(0, 0, 2, 2), box(1, 0, 2, 2), 1 / 3),
        (corners([0, 0], [10, 10], [10, 0], [0, 10]), box(0, 0, 10, 10), 1 / 2),  # crosses itself: two triangles
        (corners(*TOUCHING), box(0, 0, 2, 2), 1 / 2),
        (corners(*TOUCHING), box(-30, 0, 5, 5), 0),
        (corners(*TOUCHING), corners(*TOUCHING), 1),
        (box(60, 0, 8, 4), box(60, 0, 4, 4), 1),  # what is beyond the edge does not count
        (box(5, 5, 0, 4), box(5, 5, 4, 4), 0),
        (box(5, 5, 0, 0), box(5, 5, 0, 0), 0),
        (box(np.nan, 5, 2, 2), box(5, 5, 2, 2), np.nan),
    ],
)
def test_an_overlap_is_the_ratio_of_the_areas_in_the_image(
    answer: np.ndarray, truth: np.ndarray, expected: float
) -> None:
    assert exact.overlaps(answer, truth, IMAGE).tolist() == pytest.approx([expected], nan_ok=True)
    assert exact.overlaps(truth, answer, IMAGE).tolist() == pytest.approx([expected], nan_ok=True)
