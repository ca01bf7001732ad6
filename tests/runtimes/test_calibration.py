"""Calibration inputs from rendered scenes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.runtimes import calibration
from evalkit.types import Box, Image, Prediction, Region


class Corner:
    """A split tracker that crops the corner of the frame and counts its calls."""

    def __init__(self) -> None:
        self.started: list[Region] = []
        self.located = 0

    def initialize(self, image: Image, region: Region) -> None:
        self.started.append(region)

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        return (image[None, :8, :8].copy(),)

    def network(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return inputs

    def locate(self, response: tuple[NDArray[Any], ...]) -> Prediction:
        self.located += 1
        return Prediction(Box(0, 0, 1, 1))

    def sibling(self) -> Corner:
        return self


def test_the_inputs_on_each_frame_of_each_scene_are_returned() -> None:
    tracker = Corner()
    rows = calibration.inputs(tracker, scenes=3, frames=2)  # type: ignore[arg-type]
    assert len(rows) == 6
    assert tracker.located == 6
    assert len(tracker.started) == 3


def test_the_inputs_are_the_same_every_time() -> None:
    first, second = (calibration.inputs(Corner(), scenes=2, frames=1) for _ in range(2))  # type: ignore[arg-type]
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0][0], first[1][0])


def test_targets_have_small_and_large_sizes() -> None:
    shares = []
    for index in range(4):
        _, box = calibration.images_and_box(index, 1)
        shares.append(box.width * box.height / (640 * 480))
    assert min(shares) < 0.004 < max(shares)
