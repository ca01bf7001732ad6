"""NanoTrack: the smallest of the Siamese trackers (HonglinChu/SiamTrackers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit import registry
from evalkit.trackers import siamese

if TYPE_CHECKING:
    from torch import nn

STRIDE = 16
"""Pixels of the search crop from one cell of the response to the next."""
SEARCH_SIZE = 255
"""Side of the search crop in pixels."""

# window_influence, penalty_k, lr, cells along a side of the response
_TUNED = {
    1: (0.462, 0.148, 0.390, 16),
    2: (0.490, 0.150, 0.385, 16),
    3: (0.455, 0.138, 0.348, 15),
}
_SUMMARIES = {
    1: "NanoTrack v1: 72 M operations, 0.29 M parameters",
    2: "NanoTrack v2: 81 M operations, 0.34 M parameters",
    3: "NanoTrack v3: 111 M operations, 0.55 M parameters",
}


def published(version: int) -> siamese.PublishedHyperparameters:
    """Return the hyperparameters of a version's configuration file, the same for every benchmark."""
    window_influence, penalty_k, lr, _ = _TUNED[version]
    values = siamese.Hyperparameters(penalty_k, window_influence, lr, small=SEARCH_SIZE, big=SEARCH_SIZE)
    source = f"HonglinChu/SiamTrackers at 248663f, NanoTrack/models/config/configv{version}.yaml"
    return siamese.PublishedHyperparameters("every benchmark", values, source, ("*",))


def rules(version: int) -> siamese.Rules:
    """Return the rules of a version: those of SiamRPN++, without anchors."""
    cells = _TUNED[version][3]
    return siamese.Rules(
        stride=STRIDE,
        # A crop of another size than the published one has a response that is larger or smaller by whole cells.
        cells=lambda size: cells + round((size - SEARCH_SIZE) / STRIDE),
        decode=siamese.decode_two_class_distances,
        round_corner=siamese.round_half_up,
        round_side=siamese.round_half_to_even,
        smoothing=siamese.smooth_once,
        start_offset=-0.5,
    )


def model(version: int) -> siamese.SiameseModel:
    """Describe one of the three versions."""

    def network() -> nn.Module:
        from evalkit.trackers._nanotrack.network import NanoTrack

        return NanoTrack(version)

    return siamese.SiameseModel(
        network, rules(version), [published(version)], f"nanotrack-v{version}", siamese.ImageFormat(bgr=True)
    )


for _version, _summary in _SUMMARIES.items():
    registry.tracker(f"nanotrack-v{_version}", summary=_summary)(siamese.tracker_factory(model(_version)))
