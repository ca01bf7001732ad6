"""Objective of each training phase: the losses of a network on one batch of pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training.loss import (
    ABSENT_TARGET_WEIGHT,
    BOX_WEIGHT,
    absent_target_loss,
    tracking_loss,
)
from evalkit.trackers._lighttrack.training.pairs import Pairs, make_pairs
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.teacher import Teacher, student_hints
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

Objective: TypeAlias = Callable[[LightTrack, Pairs, int], dict[str, Tensor]]
"""Function from a network, pairs and the side of their search crops to losses by name; ``loss`` is minimised."""

ABSENT_TARGET_SHARE = 3
"""Every third template is also paired with a search crop that does not show its target."""
_HINT_WEIGHTS = (0.4, 0.6, 0.8, 1.2)


def tracking_objective(network: LightTrack, pairs: Pairs, size: int) -> dict[str, Tensor]:
    """Return the losses of tracking: locate the target, and give low scores where it is not.

    Returns:
        ``loss`` and its terms ``cls``, ``box`` and ``stranger`` (search crops without the target).
    """
    network.train()
    return _losses(network, network.template(pairs.template), network.features(pairs.search), pairs, size)


def settling_objective(network: LightTrack, pairs: Pairs, size: int) -> dict[str, Tensor]:
    """Return the losses of ``tracking_objective`` with the backbone frozen."""
    network.train()
    network.features.eval()
    with torch.no_grad():
        z, x = network.template(pairs.template), network.features(pairs.search)
    return _losses(network, z, x, pairs, size)


def imitation_objective(teacher: Teacher, bank: TileBank, seed: int) -> Objective:
    """Return the objective that makes the backbone's features equal to the teacher's.

    Its losses are ``loss`` and ``unlike``: squared differences in units of the variance of the teacher's features,
    weighted over the depths and at the last depth.
    """
    teacher = teacher.to(bank.backgrounds.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    sample = make_pairs(bank, SeededRandom(64, seed, 0, -1), 160).search
    variances = [hint.var((0, 2, 3), keepdim=True) for hint in teacher.hints(sample)]

    def objective(network: LightTrack, pairs: Pairs, size: int) -> dict[str, Tensor]:
        network.train()
        expected, found = teacher.hints(pairs.search), student_hints(network.features, pairs.search)
        terms = [
            ((student[:, : len(variance[0])].float() - hint.float()) ** 2 / variance).mean()
            for student, hint, variance in zip(found, expected, variances, strict=False)
        ]
        total = torch.stack([weight * term for weight, term in zip(_HINT_WEIGHTS, terms, strict=False)]).sum()
        return {"loss": total, "unlike": terms[-1]}

    return objective


class Objectives:
    """Creates the objective of each phase when it begins, and keeps only the last one.

    Args:
        bank: Tiles that pairs are composed of.
        seed: Seed of the training.
        teacher: Network that the imitation phase imitates.
    """

    def __init__(self, bank: TileBank, seed: int, teacher: Teacher | None) -> None:
        self._bank, self._seed, self._teacher = bank, seed, teacher
        self._last: tuple[str, Objective] | None = None

    def of_phase(self, phase: str) -> Objective:
        """Return the objective of a phase by its name.

        Raises:
            ValueError: The phase is imitation, and there is no teacher.
        """
        if self._last is None or self._last[0] != phase:
            self._last = None
            self._last = phase, self._create(phase)
        return self._last[1]

    def _create(self, phase: str) -> Objective:
        if phase == "imitation":
            if self._teacher is None:
                raise ValueError("there is no teacher to imitate")
            return imitation_objective(self._teacher, self._bank, self._seed)
        return {"settling": settling_objective, "tracking": tracking_objective}[phase]


def _losses(network: LightTrack, z: Tensor, x: Tensor, pairs: Pairs, size: int) -> dict[str, Tensor]:
    count = len(z)
    absent = max(count // ABSENT_TARGET_SHARE, 1)
    # Search crops are shifted by one: these templates are paired with the search crop of another target.
    search = torch.cat([x, x.roll(1, 0)[:absent]])
    template = torch.cat([z, z[:absent]])
    fused = network.feature_fusor(network.neck.BN_z(template), network.neck.BN_x(search))
    logits, distances = network.head(fused)
    logits, distances = logits.float(), distances.float()  # the losses are in fp32, whatever the network's precision
    classification, overlap = tracking_loss(logits[:count], distances[:count], pairs.boxes, size=size)
    absent_loss = absent_target_loss(logits[count:])
    return {
        "loss": classification + BOX_WEIGHT * overlap + ABSENT_TARGET_WEIGHT * absent_loss,
        "cls": classification, "box": overlap, "stranger": absent_loss,
    }  # fmt: skip
