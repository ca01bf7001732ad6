"""Ocean: object-aware anchor-free tracking (Zhang et al., ECCV 2020), without its online branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit import registry
from evalkit.trackers import siamese

if TYPE_CHECKING:
    from torch import nn

STRIDE = 8
"""Pixels of the search crop from one cell of the response to the next."""


def _published(
    name: str, pattern: str, penalty_k: float, lr: float, influence: float, small: int, big: int, ratio: float = 1.0
) -> siamese.PublishedHyperparameters:
    values = siamese.Hyperparameters(penalty_k, influence, lr, small, big, ratio=ratio)
    source = f"researchmm/TracKit at e351e5b, experiments/test/{name}/Ocean.yaml"
    return siamese.PublishedHyperparameters(name, values, source, (pattern,))


PUBLISHED = (
    _published("VOT2019", "vot2019", 0.062, 0.765, 0.380, 255, 271, ratio=0.94),
    _published("VOT2018", "vot2018", 0.021, 0.730, 0.321, 255, 271, ratio=0.93),
    _published("OTB2015", "otb*", 0.087, 0.408, 0.366, 271, 271),
    _published("GOT10K", "got10k-*", 0.022, 0.799, 0.118, 255, 255),
    _published("LASOT", "lasot", 0.11, 0.7, 0.20, 255, 255),
)
"""The published hyperparameters by benchmark."""


def _cells(size: int) -> int:
    return (size - 127) // STRIDE + 1 + 8


PLAIN, ALIGNED = (
    siamese.Rules(
        stride=STRIDE,
        cells=_cells,
        decode=decode,
        round_corner=siamese.round_half_to_even,
        round_side=siamese.round_half_away_from_zero,
        smoothing=siamese.smooth_twice,
        clip_corner=True,
    )
    for decode in (siamese.decode_distances, siamese.decode_aligned_distances)
)
"""Ocean's rules without and with its object-aware branch. Source: lib/tracker/ocean.py of the official repository."""


def model(benchmark: str | None) -> siamese.SiameseModel:
    """Describe Ocean as its authors test it: the object-aware branch is only used on VOT benchmarks."""
    aligned = (benchmark or "").casefold().startswith("vot")

    def network() -> nn.Module:
        from evalkit.trackers._ocean.network import Ocean

        return Ocean(aligned=aligned)

    return siamese.SiameseModel(
        network,
        ALIGNED if aligned else PLAIN,
        PUBLISHED,
        checkpoint="ocean",
        image_format=siamese.ImageFormat(bgr=True),
        outputs=("cls", "reg", "align") if aligned else ("cls", "reg"),
        unused=() if aligned else ("align_head.",),
        extra_card={"aligned": aligned},
    )


registry.tracker(
    "ocean",
    summary="Ocean, offline: 20.3 G operations, 25.9 M parameters; with its object-aware branch on VOT",
)(siamese.tracker_factory(model))
