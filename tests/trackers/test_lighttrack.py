from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from evalkit import factories
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.architecture import MOBILE
from evalkit.types import Box, Polygon, SplitTracker

pytestmark = pytest.mark.parity

CLIPS = {"bag": "bag", "bag_small": "bag", "synth": "synth", "synth_even1": "synth"}


def tracker(checkpoint: Path, **settings: str) -> SplitTracker:
    built = factories.create_tracker("lighttrack-m", benchmark="vot2019", weights=checkpoint, settings=settings)
    assert isinstance(built, SplitTracker)
    return built


def frames(clip, name: str) -> list[np.ndarray]:
    images = clip(CLIPS[name])
    return images if CLIPS[name] == "synth" else [np.ascontiguousarray(image[..., ::-1]) for image in images]


@pytest.mark.parametrize("name", CLIPS)
def test_the_trajectory_is_the_official_tracker_s(golden, clip, name: str):
    reference = golden("lighttrack_m")
    even = {"template": "128"} if name == "synth_even1" else {}
    own = tracker(reference.checkpoint, **even)
    images = frames(clip, name)
    own.initialize(images[0], Box(*reference.tracks[f"{name}_init"].tolist()))
    assert own.state.search_size == reference.tracks[f"{name}_instance"]
    for index, image in enumerate(images[1:]):
        prediction = own.update(image)
        state = np.array([*own.state.center, *own.state.size])
        expected = reference.tracks[f"{name}_traj"][index]
        assert np.abs(state - expected).max() <= 0.01, f"frame {index + 1}"
        assert prediction.confidence == pytest.approx(reference.tracks[f"{name}_score"][index], abs=1e-4)
        corner = np.maximum(expected[:2] - expected[2:] / 2, 0)
        assert np.abs(prediction.region.array() - [*corner, *expected[2:]]).max() <= 0.01


@pytest.mark.parametrize("name", CLIPS)
def test_the_first_crops_are_the_official_ones_byte_for_byte(golden, clip, name: str):
    reference = golden("lighttrack_m")
    even = {"template": "128"} if name == "synth_even1" else {}
    own = tracker(reference.checkpoint, **even)
    images = frames(clip, name)
    own.initialize(images[0], Box(*reference.tracks[f"{name}_init"].tolist()))
    for index in range(3):
        *_, crop = inputs = own.crop(images[index + 1])
        assert np.array_equal(crop[0].transpose(2, 0, 1), reference.tracks[f"{name}_crops3"][index])
        own.locate(own.network(*inputs))


@pytest.mark.parametrize("layout", ["flat", "module", "wrapped"])
def test_every_official_checkpoint_layout_gives_the_same_first_answer(golden, clip, tmp_path: Path, layout: str):
    reference = golden("lighttrack_m")
    tensors = torch.load(reference.checkpoint, weights_only=True)["state_dict"]
    if layout == "flat":
        tensors = {key.removeprefix("module."): value for key, value in tensors.items()}
    torch.save({"state_dict": tensors, "epoch": 1} if layout == "wrapped" else tensors, tmp_path / "c.pth")
    own = tracker(tmp_path / "c.pth")
    images = frames(clip, "synth")
    own.initialize(images[0], Box(*reference.tracks["synth_init"].tolist()))
    own.update(images[1])
    assert np.abs(np.array(own.state.center) - reference.tracks["synth_traj"][0][:2]).max() <= 0.01


def test_the_checkpoint_of_another_architecture_is_rejected_with_its_first_tensors(golden):
    path = MOBILE.replace("back_04", "back_00")
    with pytest.raises(
        EvalkitError, match=r"features\.blocks\.1\.0\.conv_dw\.weight is 64x1x7x7 and should be 64x1x3x3"
    ):
        factories.create_tracker(f"lighttrack:{path}", weights=golden("lighttrack_m").checkpoint)


def test_the_card_records_architecture_hyperparameters_weights_and_execution(golden):
    reference = golden("lighttrack_m")
    card = factories.create_tracker("lighttrack-m", benchmark="otb100", weights=reference.checkpoint).card
    assert card["architecture"] == MOBILE
    assert card["hyperparameters"]["penalty_k"] == 0.007
    assert "none are published for otb100" in card["hyperparameters_source"]
    assert len(card["weights"]["sha256"]) == 64
    assert (card["runtime"], card["precision"], card["device"], card["threads"]) == ("torch", "fp32", "cpu", 1)


def test_a_polygon_starts_the_tracker_at_the_mean_of_its_corners(golden, clip):
    own = tracker(golden("lighttrack_m").checkpoint)
    own.initialize(frames(clip, "synth")[0], Polygon(np.array([[60.0, 90], [100, 90], [100, 122], [60, 122]])))
    assert own.state.center == (80, 106)
    assert own.state.size == (41, 33)
