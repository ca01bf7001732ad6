"""Validation of a network in training: on held-out pairs, and as a tracker on held-out scenes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from evalkit.geometry import overlap
from evalkit.protocols.one_pass import run_one_pass
from evalkit.rendering.recipes import random_scene
from evalkit.rendering.scene import Scene, SceneFrames
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training.loss import cell_centers
from evalkit.trackers._lighttrack.training.pairs import make_pairs
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.tile_bank import TileBank
from evalkit.trackers.lighttrack import PUBLISHED, RULES
from evalkit.trackers.siamese import ImageFormat, SiameseNetworks, SiameseTracker
from evalkit.types import Execution, Sequence

HELD_OUT_SEED = 1_000_003
"""Seed of the scenes and pairs of validation; training and the synthetic benchmark do not use it."""
MAX_CELL_ERROR = 1.5
"""Distance from the target's centre, in cells, up to which the best cell counts as correct."""


def as_tracker(network: LightTrack) -> SiameseTracker:
    """Return LightTrack's tracker with a network, on the CPU with one thread."""
    published = PUBLISHED[0].values
    networks = SiameseNetworks(
        network.eval(), ImageFormat(normalized=True), outputs=("cls", "reg"),
        sizes=(published.template, published.small), execution=Execution(), samples=None,
    )  # fmt: skip
    return SiameseTracker(RULES[network.architecture.stride], published, networks=networks, card={})


def held_out_scenes(count: int, *, length: int = 60) -> list[Scene]:
    """Return scenes of ``length`` frames that are neither in the training nor in the synthetic benchmark."""
    return [random_scene(HELD_OUT_SEED, index, length=length) for index in range(count)]


def mean_overlap(network: LightTrack, scenes: Iterable[Scene]) -> float:
    """Return the mean overlap of one-pass evaluation over scenes, in [0, 1]; frames without the target are left out."""
    tracker = as_tracker(network)
    means = []
    for scene in scenes:
        sequence = Sequence(scene.name, scene.annotation, SceneFrames(lambda scene=scene: scene, scene.length))  # type: ignore[misc]
        (trajectory,) = run_one_pass(tracker, sequence, origin=0, name="training")
        means.append(float(np.nanmean(overlap(trajectory.boxes, sequence.groundtruth))))
    return float(np.mean(means))


@torch.no_grad()
def localization_rate(
    network: LightTrack, bank: TileBank, *, pairs: int = 128, size: int = 256, batch: int = 16
) -> float:
    """Return the fraction of search crops whose best cell is within ``MAX_CELL_ERROR`` of the target's centre.

    Args:
        network: The network.
        bank: Held-out tiles.
        pairs: Number of pairs.
        size: Side of the search crop, in pixels.
        batch: Pairs per batch.
    """
    network.eval()
    hits = 0
    for index in range(pairs // batch):
        made = make_pairs(bank, SeededRandom(batch, HELD_OUT_SEED, index), size)
        logits, _ = network(made.search, network.template(made.template))
        hits += int(_is_localized(logits, made.boxes, size).sum())
    return hits / (pairs // batch * batch)


def _is_localized(logits: Tensor, boxes: Tensor, size: int) -> Tensor:
    count = logits.shape[-1]
    best = logits.flatten(1).argmax(1)
    at = cell_centers(size, size // count, logits.device)
    found = torch.stack([at[best % count], at[best // count]], 1)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    near: Tensor = torch.linalg.vector_norm(found - center, dim=1) <= MAX_CELL_ERROR * size / count
    return near
