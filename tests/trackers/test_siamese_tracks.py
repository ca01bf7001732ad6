"""Parity with the official trackers on whole clips; LightTrack's is in ``test_lighttrack.py``."""

from __future__ import annotations

import os

import numpy as np
import pytest

from evalkit import factories
from evalkit.types import Box

pytestmark = pytest.mark.parity

PIXELS = 0.01
HEAVY = pytest.mark.slow
FRAMES = {
    "siamrpnpp-alexnet": 20,
    "siamrpnpp-mobilenetv2": 20,
    "siamrpnpp-r50": 8,
    "siamrpnpp-r50-lt": 2,
    "ocean": 12,
}
"""Number of frames on which large networks are tested unless EVALKIT_WHOLE_CLIPS is set; others use whole clips."""

CASES = [
    ("nanotrack-v2", "nanotrack_v2", "bag"),
    ("nanotrack-v3", "nanotrack_v3", "bag"),
    ("siamrpnpp-alexnet", "siamrpn_alex_dwxcorr", "bag"),
    pytest.param("siamrpnpp-alexnet", "siamrpn_alex_dwxcorr", "synth", marks=HEAVY),
    ("siamrpnpp-mobilenetv2", "siamrpn_mobilev2_l234_dwxcorr", "bag"),
    pytest.param("siamrpnpp-mobilenetv2", "siamrpn_mobilev2_l234_dwxcorr", "synth", marks=HEAVY),
    pytest.param("siamrpnpp-r50", "siamrpn_r50_l234_dwxcorr", "bag", marks=HEAVY),
    pytest.param("siamrpnpp-r50", "siamrpn_r50_l234_dwxcorr", "synth", marks=HEAVY),
    pytest.param("siamrpnpp-r50-lt", "siamrpn_r50_l234_dwxcorr_lt", "bag", marks=HEAVY),
    pytest.param("siamrpnpp-r50-lt", "siamrpn_r50_l234_dwxcorr_lt", "synth", marks=HEAVY),
]


def rgb(images: list[np.ndarray]) -> list[np.ndarray]:
    """Return RGB frames; the official trackers were given BGR."""
    return [np.ascontiguousarray(image[..., ::-1]) for image in images]


def followed(name: str, rows: np.ndarray) -> np.ndarray:
    return rows if os.environ.get("EVALKIT_WHOLE_CLIPS") else rows[: FRAMES.get(name)]


@pytest.mark.parametrize(("name", "model", "case"), CASES)
def test_boxes_scores_and_states_equal_pysot_s(golden, clip, name: str, model: str, case: str):
    reference = golden(model)
    tracker = factories.create_tracker(name, weights=reference.checkpoint)
    images = rgb(clip(case))
    tracker.initialize(images[0], Box(*reference.tracks[f"{case}_init"].tolist()))
    for index, expected in enumerate(followed(name, reference.tracks[f"{case}_bbox"])):
        prediction = tracker.update(images[index + 1])
        assert np.abs(prediction.region.array() - expected).max() <= PIXELS, f"frame {index + 1}"
        assert prediction.confidence == pytest.approx(reference.tracks[f"{case}_score"][index], abs=1e-4)
        if f"{case}_longterm" in reference.tracks:
            assert tracker.state.lost == bool(reference.tracks[f"{case}_longterm"][index])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["bag_vot2019_align", "bag_small_vot2019_align"])
def test_states_and_scores_equal_ocean_s(golden, clip, case: str):
    reference = golden("ocean")
    tracker = factories.create_tracker("ocean", benchmark="vot2019", weights=reference.checkpoint)
    images = rgb(clip("bag"))
    tracker.initialize(images[0], Box(*reference.tracks[f"{case}_init"].tolist()))
    assert tracker.state.search_size == reference.tracks[f"{case}_instance"]
    for index, expected in enumerate(followed("ocean", reference.tracks[f"{case}_traj"])):
        prediction = tracker.update(images[index + 1])
        state = np.array([*tracker.state.center, *tracker.state.size])
        assert np.abs(state - expected).max() <= PIXELS, f"frame {index + 1}"
        assert prediction.confidence == pytest.approx(reference.tracks[f"{case}_score"][index], abs=1e-4)


def lost_and_found(score: float) -> tuple[bool, tuple[float, float]]:
    """Return whether the target is lost, and its centre, after a constructed response with the given score."""
    from evalkit.trackers import siamrpn
    from evalkit.trackers.siamese import SiameseTracker, TargetState

    configuration = siamrpn.CONFIGURATIONS["siamrpnpp-r50-lt"]
    tracker = SiameseTracker(
        siamrpn.rules(configuration), configuration.hyperparameters, networks=NoNetworks(), card={}
    )
    tracker._state = TargetState((2.0, 50.0), (20.0, 20.0), (100, 100), (0, 0, 0), (), 255, lost=True, scale=1.0)
    cells = 97
    cls = np.zeros((1, 10, cells, cells), dtype=np.float32)
    loc = np.zeros((1, 20, cells, cells), dtype=np.float32)
    # The middle anchor of the cell 80 pixels to the left of the middle.
    cls[0, 7, 48, 38] = np.log(score / (1 - score))
    tracker.locate((cls, loc))
    return tracker.state.lost, tracker.state.center


class NoNetworks:
    template = search = staticmethod(lambda *_: ())
    parts = ()


def test_below_the_low_threshold_a_long_term_tracker_stays_where_it_was():
    assert lost_and_found(0.7) == (True, (2.0, 50.0))


def test_between_the_thresholds_it_moves_and_stays_lost_even_outside_the_image():
    lost, center = lost_and_found(0.9)
    assert (lost, center) == (True, (-78.0, 50.0))


def test_above_the_high_threshold_it_is_found():
    assert lost_and_found(0.999)[0] is False
