"""Lockstep with a real network: boxes equal those of a serial run within a stated tolerance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moving_square import tiny_dataset

from evalkit.engine import lockstep, serial
from evalkit.engine.work import Job, Unit, Worker
from evalkit.rendering.recipes import random_scene
from evalkit.rendering.scene import SceneFrames
from evalkit.types import Annotation, Sequence

TOLERANCE = 0.01
"""Pixels, as long as no other candidate wins: a batch changes only the last bits of a response."""


def rendered(index: int, length: int) -> Sequence:
    scene = random_scene(0, index, length=length)
    boxes = scene.annotation().boxes
    return Sequence(f"r{index}", lambda: Annotation(boxes), SceneFrames(lambda: scene, length))


@pytest.mark.slow
@pytest.mark.regression
def test_lighttrack_gives_the_same_boxes_in_lockstep(data: Path, tmp_path: Path) -> None:
    job = Job(
        tracker="lighttrack-m", label="x", dataset="tiny", results=tmp_path, protocol="one_pass", timed=False,
        weights=data / "weights" / "lighttrack_m_fp16.pth",
    )  # fmt: skip
    # Unequal lengths, so that full and padded batches occur.
    dataset = tiny_dataset(*(rendered(index, 4 + 2 * index) for index in range(3)))
    worker = Worker(job, dataset=dataset)
    units = [Unit(job, sequence.name) for sequence in worker.dataset.sequences]
    alone = {answer.unit.sequence: answer for answer in serial.execute(worker, units)}
    together = {answer.unit.sequence: answer for answer in lockstep.execute(worker, units, lanes=3)}
    assert together.keys() == alone.keys()
    for name, answer in together.items():
        assert answer.error is None
        (expected,), (found,) = alone[name].trajectories, answer.trajectories
        np.testing.assert_allclose(found.boxes, expected.boxes, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(found.confidence, expected.confidence, rtol=0, atol=1e-4)
