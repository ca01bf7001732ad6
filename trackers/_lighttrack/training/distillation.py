"""Distillation: a network also learns what a trained tracker computes for the same pairs.

Labels say where the target is. A trained tracker also says how similar everything else is, and gives a target for every
cell and every feature, so a network learns more from a pair (Hinton et al., 2015).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training.loss import BOX_WEIGHT, overlap_loss
from evalkit.trackers._lighttrack.training.network_outputs import NetworkOutputs, compute_outputs
from evalkit.trackers._lighttrack.training.pairs import Pairs
from evalkit.trackers._lighttrack.training.pointwise import use_fast_pointwise


class Distillation:
    """The loss of networks against a trained tracker.

    Args:
        tracker: The trained tracker, on the device of the training.
    """

    def __init__(self, tracker: LightTrack) -> None:
        self._tracker = tracker.eval().requires_grad_(False)
        use_fast_pointwise(self._tracker)

    def losses(self, outputs: NetworkOutputs, pairs: Pairs) -> dict[str, Tensor]:
        """Return the terms for the outputs of a network.

        Cells of different strides have their centres in common in search crops whose side is a multiple of 32, so the
        finer grid is read at the coarser one's cells.

        Returns:
            ``like_scores``: divergence of the scores, positive and negative cells balanced; 0 if they are equal.
            ``like_boxes``: negative logarithm of the boxes' overlap, weighted by the tracker's scores.
            ``like_features``: squared difference of the normalised features in units of their variance; 0 where the
            tracker's features have another shape.
        """
        with torch.no_grad():
            found = self._tracker.template(pairs.template), self._tracker.features(pairs.search)
            target = compute_outputs(self._tracker, *found)
        logits, expected_logits = _at_common_cells(outputs.logits, target.logits)
        distances, expected_distances = _at_common_cells(outputs.distances, target.distances)
        scores, count = expected_logits.sigmoid(), outputs.pairs
        template = _difference(outputs.template, target.template)
        return {
            "like_scores": _divergence(logits, expected_logits),
            "like_boxes": overlap_loss(distances[:count], expected_distances[:count], scores[:count, 0]),
            "like_features": template + _difference(outputs.search, target.search),
        }


def weighted_total(terms: dict[str, Tensor]) -> Tensor:
    """Return the weighted sum of the terms of ``Distillation.losses``."""
    return terms["like_scores"] + BOX_WEIGHT * terms["like_boxes"] + terms["like_features"]


def _at_common_cells(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    cells = min(one.shape[-1], other.shape[-1])
    steps = one.shape[-1] // cells, other.shape[-1] // cells
    return one[:, :, :: steps[0], :: steps[0]], other[:, :, :: steps[1], :: steps[1]]


def _divergence(logits: Tensor, expected: Tensor) -> Tensor:
    score = expected.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(expected, score, reduction="none")
    divergence = functional.binary_cross_entropy_with_logits(logits, score, reduction="none") - entropy
    positive = (divergence * score).sum() / score.sum().clamp(min=1)
    negative = (divergence * (1 - score)).sum() / (1 - score).sum().clamp(min=1)
    return (positive + negative) / 2


def _difference(found: Tensor, expected: Tensor) -> Tensor:
    if found.shape != expected.shape:
        return found.new_zeros((), dtype=torch.float32)
    expected = expected.float()
    variance = expected.var((0, 2, 3), keepdim=True)
    return ((found.float() - expected) ** 2 / (variance + 1e-6)).mean()
