"""LightTrack: trackers found by architecture search under a budget of operations (Yan et al., CVPR 2021)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.path import MOBILE, parse
from evalkit.trackers._siamese.decode import distances
from evalkit.trackers._siamese.family import Model, factory
from evalkit.trackers._siamese.rules import Hyperparameters, Rules, half_away, half_to_even, twice
from evalkit.trackers._siamese.settings import Published

if TYPE_CHECKING:
    from torch import Tensor, nn

PUBLISHED = (
    Published(
        "VOT2019",
        Hyperparameters(penalty_k=0.007, window_influence=0.225, lr=0.616, small=256, big=288, template=127),
        "researchmm/LightTrack at 39c426f, experiments/test/VOT/LightTrack.yaml, run with --even 0",
        ("vot2019",),
    ),
)
"""The only published set; asked for others, the authors did not answer (their issue 32)."""


def _cells(stride: int, size: int) -> int:
    return round(size / stride)


RULES = {
    stride: Rules(
        stride=stride,
        cells=partial(_cells, stride),
        decode=distances,
        corner=half_to_even,
        side=half_away,
        smoothing=twice,
        inside=True,
    )
    for stride in (8, 16)
}
"""How LightTrack differs from the others, by the stride of the features; source: its lib/tracker/lighttrack.py."""


def model(variant: str | None, benchmark: str | None) -> Model:
    """An architecture, LightTrack-Mobile unless ``variant`` is another path string.

    The weights may be a supernet's checkpoint; the architecture is then cut out of it.
    """
    if variant == "":
        raise EvalkitError("no architecture is named", where="lighttrack:", hint=f"Write lighttrack:{MOBILE}")
    architecture = parse(MOBILE if variant is None else variant)

    def network() -> nn.Module:
        from evalkit.trackers._lighttrack.network import LightTrack

        return LightTrack(architecture)

    def convert(state: dict[str, Tensor], keys: list[str], path: Path) -> dict[str, Tensor]:
        from evalkit.trackers._lighttrack import supernet

        return supernet.cut(state, architecture, keys, where=path) if supernet.is_supernet(state) else state

    return Model(
        network,
        RULES[architecture.stride],
        PUBLISHED,
        checkpoint="lighttrack-m" if architecture.path == MOBILE else f"lighttrack:{architecture.path}",
        images={"normalized": True},
        convert=convert,
        facts={"architecture": architecture.path},
    )


registry.tracker(
    "lighttrack-m",
    summary="LightTrack-Mobile, found by architecture search: 529 M operations, 1.97 M parameters",
    training="evalkit.trackers._lighttrack.training",
)(factory(model))
registry.tracker(
    "lighttrack:",
    summary="any architecture of LightTrack's search space: lighttrack:<path string> with --weights FILE",
    training="evalkit.trackers._lighttrack.training",
)(factory(model))
