"""Everything a Siamese tracker of your own needs: describe its model, and get a tracker that evalkit can run.

A Siamese tracker crops around the last position, runs a network on the crop, and reads the target's box from the
response. Only the differences between such trackers have to be written:

1. the network, a ``torch.nn.Module`` with ``template(image)`` and ``forward(image, *features)``;
2. its ``Rules``: stride, cells of the response, rounding, smoothing, and the decoder of the response;
3. its ``Hyperparameters`` with their source, in ``PublishedHyperparameters``;
4. a function that returns all of this as a ``SiameseModel``, passed to ``tracker_factory``.

The tracker then loads checkpoints, runs in every runtime, precision and engine, and its operations can be counted.
``docs/add-a-tracker.md`` shows a complete one. Importing this module does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.trackers._siamese.anchors import Anchors, place_anchors
from evalkit.trackers._siamese.crop import crop_square, mean_colour
from evalkit.trackers._siamese.decoding import (
    decode_aligned_distances,
    decode_anchor_offsets,
    decode_distances,
    decode_two_class_distances,
    sigmoid,
)
from evalkit.trackers._siamese.family import tracker_factory
from evalkit.trackers._siamese.hyperparameters import (
    Hyperparameters,
    PublishedHyperparameters,
    resolve_hyperparameters,
)
from evalkit.trackers._siamese.model import SiameseModel
from evalkit.trackers._siamese.rules import (
    ImageFormat,
    Response,
    Rules,
    round_half_away_from_zero,
    round_half_to_even,
    round_half_up,
    smooth_once,
    smooth_twice,
)
from evalkit.trackers._siamese.selection import select_candidate, size_change_penalty
from evalkit.trackers._siamese.target_state import TargetState
from evalkit.trackers._siamese.tracker import SiameseTracker

if TYPE_CHECKING:
    from evalkit.trackers._siamese.build import build_tracker, load_network
    from evalkit.trackers._siamese.correlation import (
        ChannelAttention,
        depthwise_correlation,
        pixelwise_correlation,
    )
    from evalkit.trackers._siamese.networks import IMAGENET_MEAN, IMAGENET_STD, Preprocessing, SiameseNetworks
    from evalkit.trackers._siamese.resnet import ResNet50

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Anchors",
    "ChannelAttention",
    "Hyperparameters",
    "ImageFormat",
    "Preprocessing",
    "PublishedHyperparameters",
    "ResNet50",
    "Response",
    "Rules",
    "SiameseModel",
    "SiameseNetworks",
    "SiameseTracker",
    "TargetState",
    "build_tracker",
    "crop_square",
    "decode_aligned_distances",
    "decode_anchor_offsets",
    "decode_distances",
    "decode_two_class_distances",
    "depthwise_correlation",
    "load_network",
    "mean_colour",
    "pixelwise_correlation",
    "place_anchors",
    "resolve_hyperparameters",
    "round_half_away_from_zero",
    "round_half_to_even",
    "round_half_up",
    "select_candidate",
    "sigmoid",
    "size_change_penalty",
    "smooth_once",
    "smooth_twice",
    "tracker_factory",
]

_NEED_TORCH = {
    "build_tracker": "build",
    "load_network": "build",
    "ChannelAttention": "correlation",
    "depthwise_correlation": "correlation",
    "pixelwise_correlation": "correlation",
    "IMAGENET_MEAN": "networks",
    "IMAGENET_STD": "networks",
    "Preprocessing": "networks",
    "SiameseNetworks": "networks",
    "ResNet50": "resnet",
}
"""Names whose module imports torch; they are imported when first used."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"evalkit.trackers._siamese.{_NEED_TORCH[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
