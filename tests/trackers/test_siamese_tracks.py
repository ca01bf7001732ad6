"""Whole clips against the official trackers, whatever the family; LightTrack has a file of its own."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit import registry
from evalkit.types import Box

pytestmark = pytest.mark.parity

PIXELS = 0.01
HEAVY = pytest.mark.slow

SIAMRPN = [
    ("siamrpnpp-alexnet", "siamrpn_alex_dwxcorr", "bag"),
    pytest.param("siamrpnpp-alexnet", "siamrpn_alex_dwxcorr", "synth", marks=HEAVY),
    pytest.param("siamrpnpp-mobilenetv2", "siamrpn_mobilev2_l234_dwxcorr", "bag", marks=HEAVY),
    pytest.param("siamrpnpp-mobilenetv2", "siamrpn_mobilev2_l234_dwxcorr", "synth", marks=HEAVY),
    pytest.param("siamrpnpp-r50", "siamrpn_r50_l234_dwxcorr", "bag", marks=HEAVY),
    pytest.param("siamrpnpp-r50", "siamrpn_r50_l234_dwxcorr", "synth", marks=HEAVY),
    pytest.param("siamrpnpp-r50-lt", "siamrpn_r50_l234_dwxcorr_lt", "bag", marks=HEAVY),
    pytest.param("siamrpnpp-r50-lt", "siamrpn_r50_l234_dwxcorr_lt", "synth", marks=HEAVY),
    ("nanotrack-v2", "nanotrack_v2", "bag"),
    ("nanotrack-v3", "nanotrack_v3", "bag"),
]


def rgb(images: list[np.ndarray]) -> list[np.ndarray]:
    """The official trackers were given BGR; ours take RGB and turn it themselves."""
    return [np.ascontiguousarray(image[..., ::-1]) for image in images]


@pytest.mark.parametrize(("name", "model", "case"), SIAMRPN)
def test_pysot_s_boxes_scores_and_states_come_out(golden, clip, name: str, model: str, case: str):
    reference = golden(model)
    tracker = registry.create_tracker(name, weights=reference.checkpoint)
    images = rgb(clip(case))
    tracker.initialize(images[0], Box(*reference.tracks[f"{case}_init"].tolist()))
    for index, expected in enumerate(reference.tracks[f"{case}_bbox"]):
        prediction = tracker.update(images[index + 1])
        assert np.abs(prediction.region.array() - expected).max() <= PIXELS, f"frame {index + 1}"
        assert prediction.confidence == pytest.approx(reference.tracks[f"{case}_score"][index], abs=1e-4)
        if f"{case}_longterm" in reference.tracks:
            assert tracker.state.lost == bool(reference.tracks[f"{case}_longterm"][index])


@pytest.mark.parametrize("case", ["bag_vot2019_align", pytest.param("bag_small_vot2019_align", marks=HEAVY)])
@pytest.mark.slow
def test_ocean_s_states_and_scores_come_out(golden, clip, case: str):
    reference = golden("ocean")
    tracker = registry.create_tracker("ocean", benchmark="vot2019", weights=reference.checkpoint)
    images = rgb(clip("bag"))
    tracker.initialize(images[0], Box(*reference.tracks[f"{case}_init"].tolist()))
    assert tracker.state.search_size == reference.tracks[f"{case}_instance"]
    for index, expected in enumerate(reference.tracks[f"{case}_traj"]):
        prediction = tracker.update(images[index + 1])
        state = np.array([*tracker.state.center, *tracker.state.size])
        assert np.abs(state - expected).max() <= PIXELS, f"frame {index + 1}"
        assert prediction.confidence == pytest.approx(reference.tracks[f"{case}_score"][index], abs=1e-4)
