from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit import registry
from evalkit.types import Box, SplitTracker

pytestmark = pytest.mark.parity

CLIPS = {"bag": "bag", "bag_small": "bag", "synth": "synth", "synth_even1": "synth"}


def tracker(checkpoint: Path, **settings: str) -> SplitTracker:
    built = registry.create_tracker("lighttrack-m", benchmark="vot2019", weights=checkpoint, settings=settings)
    assert isinstance(built, SplitTracker)
    return built


def frames(clip, name: str) -> list[np.ndarray]:
    images = clip(CLIPS[name])
    return images if CLIPS[name] == "synth" else [np.ascontiguousarray(image[..., ::-1]) for image in images]


@pytest.mark.parametrize("name", CLIPS)
def test_the_trajectory_is_the_official_tracker_s(golden, clip, name: str):
    reference = golden("lighttrack_m")
    even = {"template": "128"} if name == "synth_even1" else {}
    ours = tracker(reference.checkpoint, **even)
    images = frames(clip, name)
    ours.initialize(images[0], Box(*reference.tracks[f"{name}_init"].tolist()))
    assert ours.state.search_size == reference.tracks[f"{name}_instance"]
    for index, image in enumerate(images[1:]):
        prediction = ours.update(image)
        state = np.array([*ours.state.center, *ours.state.size])
        expected = reference.tracks[f"{name}_traj"][index]
        assert np.abs(state - expected).max() <= 0.01, f"frame {index + 1}"
        assert prediction.confidence == pytest.approx(reference.tracks[f"{name}_score"][index], abs=1e-4)
        corner = np.maximum(expected[:2] - expected[2:] / 2, 0)
        assert np.abs(prediction.region.array() - [*corner, *expected[2:]]).max() <= 0.01


@pytest.mark.parametrize("name", CLIPS)
def test_the_first_crops_are_the_official_ones_byte_for_byte(golden, clip, name: str):
    reference = golden("lighttrack_m")
    even = {"template": "128"} if name == "synth_even1" else {}
    ours = tracker(reference.checkpoint, **even)
    images = frames(clip, name)
    ours.initialize(images[0], Box(*reference.tracks[f"{name}_init"].tolist()))
    for index in range(3):
        *_, crop = inputs = ours.crop(images[index + 1])
        assert np.array_equal(crop[0].transpose(2, 0, 1), reference.tracks[f"{name}_crops3"][index])
        ours.locate(ours.network(*inputs))
