"""Lanes on the device with the real networks of all four families: boxes equal those of a serial run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from moving_square import tiny_dataset

from evalkit import factories
from evalkit.engine import resident, serial
from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.types import Annotation, Image, Sequence

pytestmark = [pytest.mark.regression]

TOLERANCE = 0.01
"""Pixels, as long as no other candidate wins: a batch changes only the last bits of a response."""
CASES = [
    pytest.param("lighttrack-m", None, {}, 9, id="lighttrack-m"),
    pytest.param("nanotrack-v2", "nanotrack_v2", {}, 9, id="nanotrack-v2"),
    pytest.param("siamrpnpp-alexnet", "siamrpn_alex_dwxcorr", {}, 5, id="siamrpnpp-alexnet", marks=pytest.mark.slow),
    pytest.param(
        "siamrpnpp-mobilenetv2", "siamrpn_mobilev2_l234_dwxcorr", {}, 4, id="siamrpnpp-mobilenetv2",
        marks=pytest.mark.slow,
    ),
    pytest.param("siamrpnpp-r50", "siamrpn_r50_l234_dwxcorr", {}, 3, id="siamrpnpp-r50", marks=pytest.mark.slow),
    pytest.param("ocean", "ocean", {}, 4, id="ocean", marks=pytest.mark.slow),
    pytest.param("ocean", "ocean", {"benchmark": "vot2019"}, 4, id="ocean aligned", marks=pytest.mark.slow),
]  # fmt: skip


class Turned:
    """Frames of a clip, mirrored or turned upside down, so that lanes differ."""

    def __init__(self, images: list[Image], kind: int) -> None:
        self.images, self.kind = images, kind

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int, /) -> Image:
        image = self.images[index]
        return np.ascontiguousarray([image, image[:, ::-1], image[::-1]][self.kind])


def sequences(images: list[Image], box: np.ndarray) -> list[Sequence]:
    height, width = images[0].shape[:2]
    mirrored = [width - box[0] - box[2], box[1], box[2], box[3]]
    upside_down = [box[0], height - box[1] - box[3], box[2], box[3]]
    found = []
    for kind, first in enumerate((box, mirrored, upside_down)):
        rows = np.tile(np.asarray(first, float), (len(images) - kind, 1))
        frames = Turned(images[: len(images) - kind], kind)
        found.append(Sequence(f"s{kind}", lambda rows=rows: Annotation(rows), frames))  # type: ignore[misc]
    return found


@pytest.mark.parametrize(("name", "model", "options", "length"), CASES)
def test_lanes_give_the_boxes_of_a_serial_run(
    golden: Callable[[str], Any],
    clip: Callable[[str], list[Image]],
    tmp_path: Path,
    name: str,
    model: str | None,
    options: dict[str, str],
    length: int,
) -> None:
    checkpoint = golden(model).checkpoint if model else None
    images = [cv2.cvtColor(image, cv2.COLOR_BGR2RGB) for image in clip("bag")[:length]]
    job = Job(tracker=name, label="x", dataset="tiny", results=tmp_path, protocol="one_pass", timed=False)
    dataset = replace(tiny_dataset(*sequences(images, golden("nanotrack_v2").tracks["bag_init"])), origin=0)
    worker = Worker(job, dataset=dataset)
    tracker: Any = factories.create_tracker(name, weights=checkpoint, **options)
    worker.__dict__["tracker"] = tracker
    units = [Unit(job, sequence.name) for sequence in dataset.sequences]
    # More sequences than lanes: a lane is used again, and one step has fewer lanes than the others.
    together = resident.execute(worker, units, tracker.device_lanes(2), count=2)
    assert_close(by_name(list(together)), by_name(list(serial.execute(worker, units))))


def by_name(answers: list[Answer]) -> dict[str, Answer]:
    return {answer.unit.sequence: answer for answer in answers}


def assert_close(together: dict[str, Answer], alone: dict[str, Answer]) -> None:
    assert together.keys() == alone.keys()
    for name, answer in together.items():
        assert answer.error is None, answer.traceback
        (expected,), (found,) = alone[name].trajectories, answer.trajectories
        np.testing.assert_allclose(found.boxes, expected.boxes, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(found.confidence, expected.confidence, rtol=0, atol=1e-4)
