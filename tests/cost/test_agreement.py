"""Agreement of tracking, for trackers with known boxes."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.cost import agreement
from evalkit.geometry import bounding_box
from evalkit.runtimes import calibration
from evalkit.types import Box, Image, Prediction, Region


class Staying:
    """Returns the first box, displaced by a constant."""

    def __init__(self, way: float = 0.0) -> None:
        self.way = way

    def initialize(self, image: Image, region: Region) -> None:
        self.box = bounding_box(region)

    def update(self, image: Image) -> Prediction:
        return Prediction(Box(self.box.x + self.way, self.box.y, self.box.width, self.box.height))


class Silent(Staying):
    def update(self, image: Image) -> Prediction:
        return Prediction(None)


def compare(tracker: Staying, *, sequences: int, frames: int) -> agreement.Agreement:
    (found,) = agreement.compare_tracking([tracker], Staying(), sequences=sequences, frames=frames)
    return found


def test_the_same_boxes_agree_and_lose_nothing() -> None:
    found = compare(Staying(), sequences=1, frames=4)
    assert found.overlap == 1.0
    assert found.loss == 0.0
    assert (found.sequences, found.frames) == (1, 3)


def test_displaced_boxes_reduce_overlap_and_auc() -> None:
    found = compare(Staying(1e6), sequences=1, frames=3)
    assert found.overlap == 0.0
    assert found.auc == 0.0
    assert found.loss == found.auc_torch > 0.0


def test_no_answer_is_a_miss() -> None:
    assert compare(Silent(), sequences=1, frames=3).auc == 0.0


def test_frames_without_groundtruth_are_left_out_of_success() -> None:
    groundtruth = np.array([[0.0, 0.0, 2.0, 2.0], [np.nan] * 4])
    boxes = np.array([[0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 1.0, 1.0]])
    assert agreement.success(groundtruth, boxes) == pytest.approx(20 / 21)


def test_tracking_is_compared_on_other_scenes_than_int8_is_calibrated_on() -> None:
    _, calibrated = calibration.images_and_box(0, 1)
    _, judged = calibration.images_and_box(agreement.FIRST_SCENE, 1)
    assert calibrated != judged
