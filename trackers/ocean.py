"""Ocean: object-aware anchor-free tracking (Zhang et al., ECCV 2020), without its online branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit import registry
from evalkit.trackers._siamese.decode import aligned_distances, distances
from evalkit.trackers._siamese.family import Model, factory
from evalkit.trackers._siamese.rules import Hyperparameters, Rules, half_away, half_to_even, twice
from evalkit.trackers._siamese.settings import Published

if TYPE_CHECKING:
    from torch import nn

STRIDE = 8


def _published(
    name: str, pattern: str, penalty_k: float, lr: float, influence: float, small: int, big: int, ratio: float = 1.0
) -> Published:
    values = Hyperparameters(penalty_k, influence, lr, small, big, ratio=ratio)
    return Published(name, values, f"researchmm/TracKit at e351e5b, experiments/test/{name}/Ocean.yaml", (pattern,))


PUBLISHED = (
    _published("VOT2019", "vot2019", 0.062, 0.765, 0.380, 255, 271, ratio=0.94),
    _published("VOT2018", "vot2018", 0.021, 0.730, 0.321, 255, 271, ratio=0.93),
    _published("OTB2015", "otb*", 0.087, 0.408, 0.366, 271, 271),
    _published("GOT10K", "got10k-*", 0.022, 0.799, 0.118, 255, 255),
    _published("LASOT", "lasot", 0.11, 0.7, 0.20, 255, 255),
)


def _cells(size: int) -> int:
    return (size - 127) // STRIDE + 1 + 8


PLAIN, ALIGNED = (
    Rules(stride=STRIDE, cells=_cells, decode=decode, corner=half_to_even, side=half_away, smoothing=twice, inside=True)
    for decode in (distances, aligned_distances)
)
"""How Ocean differs from the others, without and with its object-aware branch; source: its lib/tracker/ocean.py."""


def model(variant: str | None, benchmark: str | None) -> Model:
    """Ocean as its authors test it: the object-aware branch is used on VOT alone."""
    aligned = (benchmark or "").casefold().startswith("vot")

    def network() -> nn.Module:
        from evalkit.trackers._ocean.network import Ocean

        return Ocean(aligned=aligned)

    return Model(
        network,
        ALIGNED if aligned else PLAIN,
        PUBLISHED,
        checkpoint="ocean",
        images={"bgr": True},
        outputs=("cls", "reg", "align") if aligned else ("cls", "reg"),
        unused=() if aligned else ("align_head.",),
        facts={"aligned": aligned},
    )


registry.tracker(
    "ocean",
    summary="Ocean, offline: 20.3 G operations, 25.9 M parameters; with its object-aware branch on VOT",
)(factory(model))
