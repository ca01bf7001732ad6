from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import evalkit
from evalkit import adapters, factories
from evalkit.errors import EvalkitError
from evalkit.types import Box, Polygon, Prediction

IMAGE = np.zeros((20, 30, 3), dtype=np.uint8)
IMAGE[..., 0] = 200

GOT10K = """
import numpy as np
from got10k.trackers import Tracker

class Still(Tracker):
    def __init__(self):
        super().__init__("still", is_deterministic=True)

    def init(self, image, box):
        assert image.mode == "RGB" and image.size == (30, 20) and image.getpixel((0, 0)) == (200, 0, 0)
        self.box = np.array(box)

    def update(self, image):
        return self.box + [1, 0, 0, 0]
"""

PYTRACKING = """
class Still:
    def initialize(self, image, info):
        assert image[0, 0].tolist() == [200, 0, 0]
        self.box = info["init_bbox"]
        return {"time": 0.1}

    def track(self, image, info=None):
        count = info["previous_output"].get("count", 0) + 1
        x, y, w, h = self.box
        return {"target_bbox": [x + count, y, w, h], "object_presence_score": 0.25, "count": count}
"""

PYSOT = """
class Still:
    card = {"hyperparameters_source": "a yaml"}

    def init(self, img, bbox):
        assert img[0, 0].tolist() == [0, 0, 200] and img.flags["C_CONTIGUOUS"]
        self.box = bbox

    def track(self, img):
        x, y, w, h = self.box
        return {"bbox": [x + 1, y, w, h], "best_score": 0.75}
"""


def written(folder: Path, text: str) -> str:
    (folder / "mine.py").write_text(text)
    return f"{folder / 'mine.py'}:Still"


def test_a_got10k_class_can_be_used_unmodified(tmp_path: Path):
    tracker = factories.create_tracker(written(tmp_path, GOT10K))
    tracker.initialize(IMAGE, Box(3, 4, 5, 6))
    assert tracker.tracker.box.tolist() == [4, 5, 5, 6]
    assert tracker.update(IMAGE).region == Box(4, 4, 5, 6)


def test_a_pysot_class_can_be_used_unmodified(tmp_path: Path):
    tracker = factories.create_tracker(written(tmp_path, PYSOT))
    tracker.initialize(IMAGE, Box(3, 4, 5, 6))
    assert tracker.update(IMAGE) == Prediction(Box(4, 4, 5, 6), 0.75)
    assert tracker.card == {"hyperparameters_source": "a yaml"}


def test_a_pysot_tracker_with_masks_gives_its_box():
    class Mask:
        def init(self, img, bbox):
            pass

        def track(self, img):
            return {"bbox": np.array([1, 2, 3, 4]), "polygon": np.zeros((4, 2)), "mask": np.zeros((20, 30))}

    tracker = adapters.adapt(Mask())
    tracker.initialize(IMAGE, Box(3, 4, 5, 6))
    prediction = tracker.update(IMAGE)
    assert prediction.region == Box(1, 2, 3, 4)
    assert math.isnan(prediction.confidence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOT10K.replace('assert image.mode == "RGB" and image.size == (30, 20) and', "assert"),
         "taken for a got10k tracker (images as PIL, boxes whose first pixel is 1)"),
        (PYSOT, "taken for a PySOT tracker (images as BGR arrays, boxes whose first pixel is 0)"),
        (PYTRACKING, "taken for a pytracking tracker (images as RGB arrays, boxes whose first pixel is 0)"),
    ],
)  # fmt: skip
def test_a_run_says_which_interface_a_tracker_was_taken_for(tmp_path: Path, text: str, sentence: str):
    pixels = ("assert image.getpixel((0, 0)) == (200, 0, 0)", "assert image[0, 0].tolist() == [200, 0, 0]",
              'assert img[0, 0].tolist() == [0, 0, 200] and img.flags["C_CONTIGUOUS"]')  # fmt: skip
    for line in pixels:
        text = text.replace(line, "pass")
    report = evalkit.run(written(tmp_path, text), sequences=["scale"], results=tmp_path / "results")
    assert f"Still: {sentence}" in report.notices


def test_a_run_of_evalkit_s_own_interface_needs_no_such_sentence(tmp_path: Path):
    report = evalkit.run("identity", sequences=["scale"], results=tmp_path / "results")
    assert not any("taken for" in notice for notice in report.notices)


def test_a_pytracking_class_can_be_used_unmodified(tmp_path: Path):
    tracker = factories.create_tracker(written(tmp_path, PYTRACKING))
    tracker.initialize(IMAGE, Polygon(np.array([[3.0, 4], [8, 4], [8, 10], [3, 10]])))
    assert tracker.update(IMAGE) == Prediction(Box(4, 4, 5, 6), 0.25)
    assert tracker.update(IMAGE).region == Box(5, 4, 5, 6)


@pytest.mark.parametrize(
    ("answer", "row"), [(None, None), ([math.nan] * 4, [math.nan] * 4), ([6, 7, 8, 9], [5, 6, 8, 9])]
)
def test_none_stays_none_and_numbers_are_only_shifted(answer, row):
    class Answering:
        def init(self, image, box):
            pass

        def update(self, image):
            return answer

    tracker = adapters.adapt(Answering())
    tracker.initialize(IMAGE, Box(3, 4, 5, 6))
    region = tracker.update(IMAGE).region
    assert region is None if row is None else region.array() == pytest.approx(row, nan_ok=True)


def test_an_object_without_a_known_interface_is_rejected(tmp_path: Path):
    with pytest.raises(EvalkitError, match="this is not a tracker"):
        factories.create_tracker(written(tmp_path, "class Still:\n    pass\n"))


def test_an_evalkit_tracker_runs_in_the_got10k_toolkit():
    from PIL.Image import fromarray

    adapted = adapters.as_got10k(factories.create_tracker("identity"), "still")
    adapted.init(fromarray(IMAGE), np.array([4.0, 5, 5, 6]))
    assert adapted.update(fromarray(IMAGE)).tolist() == [4, 5, 5, 6]
    assert (adapted.name, adapted.is_deterministic) == ("still", True)
