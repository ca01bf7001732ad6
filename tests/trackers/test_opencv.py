from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import factories
from evalkit.errors import EvalkitError
from evalkit.trackers import opencv
from evalkit.types import Box

IMAGE = np.zeros((60, 80, 3), dtype=np.uint8)


class Recorder:
    """Records the arguments that OpenCV's tracker gets."""

    def init(self, image, box):
        self.image, self.box = image, box

    def update(self, image):
        return True, self.box

    def getTrackingScore(self):
        return 0.75


@pytest.mark.parametrize(
    ("region", "rectangle"),
    [
        (Box(10.4, 20.6, 20, 10), (10, 21, 20, 10)),
        (Box(-10, 20, 30, 10), (0, 20, 20, 10)),
        (Box(70, 50, 30, 30), (70, 50, 10, 10)),
        (Box(30, 30, 1, 1), (26, 26, 8, 8)),
        (Box(79, 59, 1, 1), (72, 52, 8, 8)),
        (Box(-50, -50, 10, 10), (0, 0, 8, 8)),
    ],
    ids=["rounded", "sticking out left", "sticking out below", "one pixel", "in the corner", "outside"],
)
def test_a_region_becomes_whole_pixels_inside_the_image(region: Box, rectangle: tuple[int, ...]):
    tracker = opencv.OpenCVTracker(Recorder, seed=0, card={})
    tracker.initialize(IMAGE, region)
    assert tracker._tracker.box == rectangle
    assert all(isinstance(value, int) for value in tracker._tracker.box)


def test_the_library_sees_bgr_and_its_score_is_the_confidence():
    image = IMAGE.copy()
    image[..., 0] = 9
    tracker = opencv.OpenCVTracker(Recorder, seed=0, card={})
    tracker.initialize(image, Box(10, 20, 20, 10))
    assert tracker._tracker.image[0, 0].tolist() == [0, 0, 9]
    assert tracker.update(image).confidence == 0.75


def test_without_its_files_a_tracker_names_them_and_their_source(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("EVALKIT_WEIGHTS", raising=False)
    monkeypatch.setattr(opencv, "cache_directory", lambda: tmp_path)
    with pytest.raises(EvalkitError, match=r"object_tracking_vittrack_2023sep\.onnx.*opencv_zoo"):
        factories.create_tracker("opencv-vit")


def test_files_are_passed_to_the_library_and_recorded(tmp_path: Path):
    for file in opencv.LIBRARY_TRACKERS["opencv-nano"].files.values():
        (tmp_path / file).write_bytes(b"onnx")
    found = opencv._files("opencv-nano", opencv.LIBRARY_TRACKERS["opencv-nano"], tmp_path)
    assert found == {
        "backbone": tmp_path / "nanotrack_backbone_sim.onnx",
        "neckhead": tmp_path / "nanotrack_head_sim.onnx",
    }
    parameters = cv2.TrackerNano_Params()
    assert all(hasattr(parameters, field) for field in found)
    assert opencv._card(found, 1)["files"]["backbone"]["file"] == "nanotrack_backbone_sim.onnx"


def test_a_tracker_missing_from_this_build_names_the_package_that_has_it(monkeypatch):
    monkeypatch.delattr(cv2, "TrackerKCF_create", raising=False)
    with pytest.raises(EvalkitError, match="opencv-contrib-python"):
        factories.create_tracker("opencv-kcf")


def test_an_error_of_the_library_at_the_start_is_reported():
    class Fussy(Recorder):
        def init(self, image, box):
            cv2.resize(image, (0, 0))  # fails as OpenCV's own checks do

    with pytest.raises(EvalkitError, match="cannot start from this region"):
        opencv.OpenCVTracker(Fussy, seed=0, card={}).initialize(IMAGE, Box(10, 20, 20, 10))
