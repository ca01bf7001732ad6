"""Parity with the official tracker on real sequences with real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit import factories, geometry
from evalkit.io.frames import read_image
from evalkit.types import Box

pytestmark = [pytest.mark.regression, pytest.mark.slow]

LEAST_OVERLAP = 0.99
"""Measured: 0.99999 on all six. On other processors, rounding may change the order of two nearly equal cells."""


@pytest.mark.parametrize("name", ["Bird2", "Crossing"])
def test_lighttrack_m_follows_the_official_tracker_on_a_whole_sequence(data: Path, name: str):
    boxes = np.load(data / "golden" / "models" / "lighttrack_m_official_otb.npz")[f"{name}_boxes"]
    weights = data / "weights" / "lighttrack_m_fp16.pth"
    tracker = factories.create_tracker("lighttrack-m", benchmark="otb100", weights=weights)
    frames = sorted((data / "datasets" / "OTB" / name / "img").iterdir())
    tracker.initialize(read_image(frames[0]), Box(*boxes[0].tolist()))
    answers = [boxes[0], *(tracker.update(read_image(frame)).region.array() for frame in frames[1:])]
    overlap = geometry.overlap(np.array(answers), boxes)
    assert overlap.mean() >= LEAST_OVERLAP
    # Over the first frames rounding cannot have grown yet.
    assert np.abs(np.array(answers[:30]) - boxes[:30]).max() <= 0.01
