"""LightTrack: trackers found by architecture search under a budget of operations (Yan et al., CVPR 2021)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.trackers import siamese
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string

if TYPE_CHECKING:
    from torch import Tensor, nn

PUBLISHED = (
    siamese.PublishedHyperparameters(
        "VOT2019",
        siamese.Hyperparameters(
            penalty_k=0.007, window_influence=0.225, lr=0.616, small=256, big=288, template=127
        ),
        "researchmm/LightTrack at 39c426f, experiments/test/VOT/LightTrack.yaml, run with --even 0",
        ("vot2019",),
    ),
)  # fmt: skip
"""The only published set; a request for others was not answered (issue 32 of the authors' repository)."""


def _cells(stride: int, size: int) -> int:
    return round(size / stride)


RULES = {
    stride: siamese.Rules(
        stride=stride,
        cells=partial(_cells, stride),
        decode=siamese.decode_distances,
        round_corner=siamese.round_half_to_even,
        round_side=siamese.round_half_away_from_zero,
        smoothing=siamese.smooth_twice,
        clip_corner=True,
    )
    for stride in (8, 16)
}
"""LightTrack's rules by the stride of its features. Source: lib/tracker/lighttrack.py of the official repository."""


def model(variant: str | None) -> siamese.SiameseModel:
    """Describe a subnet of LightTrack's search space; a supernet's checkpoint can be used as well.

    Args:
        variant: Path string of the architecture; None for LightTrack-Mobile.

    Raises:
        EvalkitError: The path string is invalid.
    """
    if variant == "":
        raise EvalkitError("no architecture is named", where="lighttrack:", hint=f"Write lighttrack:{MOBILE}")
    architecture = parse_path_string(MOBILE if variant is None else variant)

    def network() -> nn.Module:
        from evalkit.trackers._lighttrack.network import LightTrack

        return LightTrack(architecture)

    def convert(state: dict[str, Tensor], keys: list[str], path: Path) -> dict[str, Tensor]:
        from evalkit.trackers._lighttrack import supernet

        has_statistics = any(key.endswith("running_mean") for key in state)
        if supernet.is_entangled(state) or (supernet.is_supernet(state) and not has_statistics):
            raise EvalkitError(
                "this supernet has no statistics of batch normalisation, so its subnets cannot track yet", where=path,
                hint="Cut one out: evalkit search --output DIR --radius 0 "
                f"--within lighttrack:{architecture.path} --supernet {path}",
            )  # fmt: skip
        if not supernet.is_supernet(state):
            return state
        return supernet.extract_subnet(state, architecture, keys, where=path)

    return siamese.SiameseModel(
        network,
        RULES[architecture.stride],
        PUBLISHED,
        checkpoint="lighttrack-m" if architecture.path == MOBILE else f"lighttrack:{architecture.path}",
        image_format=siamese.ImageFormat(normalized=True),
        convert=convert,
        extra_card={"architecture": architecture.path},
    )


registry.tracker(
    "lighttrack-m",
    summary="LightTrack-Mobile, found by architecture search: 529 M operations, 1.97 M parameters",
    training="evalkit.trackers._lighttrack.training",
    search="evalkit.trackers._lighttrack.search.prepare",
)(siamese.tracker_factory(model))
registry.tracker(
    "lighttrack:",
    summary="any architecture of LightTrack's search space: lighttrack:<path string> with --weights FILE",
    training="evalkit.trackers._lighttrack.training",
    search="evalkit.trackers._lighttrack.search.prepare",
)(siamese.tracker_factory(model))
