"""Trained LightTracks, found as for tracking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalkit import checkpoints, registry
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers.lighttrack import model
from evalkit.trackers.siamese import load_network

_RECIPE = "evalkit.trackers._lighttrack.training"


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with trained weights.

    Attributes:
        network: In evaluation mode.
        sha256: Hash of its file.
    """

    network: LightTrack
    sha256: str


def load_variant(variant: str | None, weights: Path | None) -> TrainedNetwork:
    """Load the weights of an architecture.

    Args:
        variant: Path string; None for LightTrack-Mobile.
        weights: Checkpoint; None to search the usual places.

    Raises:
        EvalkitError: There is no checkpoint, or it is not one of this architecture.
    """
    description = model(variant)
    found = checkpoints.find(description.checkpoint, weights)
    network = load_network(description.network, found.path, description.unused, description.convert)
    if not isinstance(network, LightTrack):
        raise TypeError(f"{type(network).__name__} is not LightTrack's network")
    return TrainedNetwork(network, checkpoints.sha256(found.path))


def load_distilled(tracker: str | None, weights: Path | None) -> TrainedNetwork | None:
    """Load the LightTrack that a training is distilled from, if there is one.

    Args:
        tracker: ``lighttrack-m``, or ``lighttrack:`` with a path string.
        weights: As in ``load_variant``.

    Raises:
        UnknownName: There is no such tracker.
        EvalkitError: It is not a LightTrack; there are weights without a tracker; or as ``load_variant``.
    """
    if tracker is None:
        if weights is None:
            return None
        raise EvalkitError(
            "these weights belong to no tracker", where=f"--distill-weights {weights}",
            hint="Name their tracker with --distill",
        )  # fmt: skip
    entry, variant = registry.tracker.find_variant(tracker)
    if entry.training != _RECIPE:
        raise EvalkitError(
            "this tracker is not a LightTrack",
            where=f"--distill {tracker}",
            expected="lighttrack-m or lighttrack:<path>",
        )
    return load_variant(variant, weights)
