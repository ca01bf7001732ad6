"""How good the network on its way is: on pairs that were held out, and as a tracker on scenes that were."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from evalkit.geometry import overlap
from evalkit.protocols import one_pass
from evalkit.rendering.catalogue import sample
from evalkit.rendering.scene import Scene, SceneFrames
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training.bank import Bank
from evalkit.trackers._lighttrack.training.draw import Draw
from evalkit.trackers._lighttrack.training.loss import cell_centers
from evalkit.trackers._lighttrack.training.pairs import draw_pairs
from evalkit.trackers._siamese.networks import SiameseNetworks
from evalkit.trackers.lighttrack import PUBLISHED, RULES
from evalkit.trackers.siamese import ImageFormat, SiameseTracker
from evalkit.types import Execution, Sequence

HELD_OUT = 1_000_003
"""Seed of the scenes that validation tracks: neither training nor the benchmark draws from it."""
NEAR = 1.5
"""Cells from the target's centre within which a search crop counts as located."""


def as_tracker(network: LightTrack) -> SiameseTracker:
    """The network in LightTrack's tracker, on the CPU and one thread."""
    published = PUBLISHED[0].values
    networks = SiameseNetworks(
        network.eval(), ImageFormat(normalized=True), outputs=("cls", "reg"),
        sizes=(published.template, published.small), execution=Execution(), samples=None,
    )  # fmt: skip
    return SiameseTracker(RULES[network.architecture.stride], published, networks=networks, card={})


def scenes(count: int, *, length: int = 60) -> list[Scene]:
    """Scenes that are neither trained on nor part of the benchmark."""
    return [sample(HELD_OUT, index, length=length) for index in range(count)]


def mean_overlap(network: LightTrack, held_out: Iterable[Scene]) -> float:
    """Mean overlap of one-pass evaluation over scenes; frames without the target are left out."""
    tracker = as_tracker(network)
    means = []
    for scene in held_out:
        sequence = Sequence(scene.name, scene.annotation, SceneFrames(lambda scene=scene: scene, scene.length))  # type: ignore[misc]
        (trajectory,) = one_pass.run(tracker, sequence, origin=0, name="training")
        means.append(float(np.nanmean(overlap(trajectory.boxes, sequence.groundtruth))))
    return float(np.mean(means))


@torch.no_grad()
def located(network: LightTrack, bank: Bank, *, pairs: int = 128, size: int = 256, batch: int = 16) -> float:
    """Share of held-out search crops whose best cell lies within ``NEAR`` cells of the target's centre."""
    network.eval()
    hits = 0
    for index in range(pairs // batch):
        drawn = draw_pairs(bank, Draw(batch, HELD_OUT, index), size)
        logits, _ = network(drawn.search, network.template(drawn.template))
        hits += int(_hits(logits, drawn.boxes, size).sum())
    return hits / (pairs // batch * batch)


def _hits(logits: Tensor, boxes: Tensor, size: int) -> Tensor:
    count = logits.shape[-1]
    best = logits.flatten(1).argmax(1)
    at = cell_centers(size, size // count, logits.device)
    found = torch.stack([at[best % count], at[best // count]], 1)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    near: Tensor = torch.linalg.vector_norm(found - center, dim=1) <= NEAR * size / count
    return near
