"""NanoTrack: the smallest of the family (HonglinChu/SiamTrackers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit import registry
from evalkit.trackers._siamese.decode import pair_distances
from evalkit.trackers._siamese.family import Model, factory
from evalkit.trackers._siamese.rules import Hyperparameters, Rules, half_to_even, half_up, once
from evalkit.trackers._siamese.settings import Published

if TYPE_CHECKING:
    from torch import nn

STRIDE = 16
SEARCH_SIZE = 255

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


def published(version: int) -> Published:
    """What its configuration says, the same for every benchmark."""
    window_influence, penalty_k, lr, _ = _TUNED[version]
    values = Hyperparameters(penalty_k, window_influence, lr, small=SEARCH_SIZE, big=SEARCH_SIZE)
    source = f"HonglinChu/SiamTrackers at 248663f, NanoTrack/models/config/configv{version}.yaml"
    return Published("every benchmark", values, source, ("*",))


def rules(version: int) -> Rules:
    """How NanoTrack differs from the others: as SiamRPN++, with points for anchors."""
    cells = _TUNED[version][3]
    return Rules(
        stride=STRIDE,
        # A crop of another size than the published one has a map that is larger or smaller by whole cells.
        cells=lambda size: cells + round((size - SEARCH_SIZE) / STRIDE),
        decode=pair_distances,
        corner=half_up,
        side=half_to_even,
        smoothing=once,
        first_pixel=-0.5,
    )


def model(version: int) -> Model:
    """One of the three, the same on every benchmark."""

    def network() -> nn.Module:
        from evalkit.trackers._nanotrack.network import NanoTrack

        return NanoTrack(version)

    return Model(network, rules(version), [published(version)], f"nanotrack-v{version}", images={"bgr": True})


for _version, _summary in _SUMMARIES.items():
    _model = model(_version)
    registry.tracker(_model.checkpoint, summary=_summary)(
        factory(lambda variant, benchmark, model=_model: model)  # type: ignore[misc]
    )
