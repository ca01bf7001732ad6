"""Objective of each training phase: the losses of a network on one batch of pairs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor

from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training.distillation import Distillation, weighted_total
from evalkit.trackers._lighttrack.training.loss import (
    ABSENT_TARGET_WEIGHT,
    BOX_WEIGHT,
    absent_target_loss,
    tracking_loss,
)
from evalkit.trackers._lighttrack.training.network_outputs import NetworkOutputs, compute_outputs
from evalkit.trackers._lighttrack.training.pairs import Pairs, make_pairs
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.teacher import Teacher, student_hints
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

Objective: TypeAlias = Callable[[LightTrack, Pairs, int], dict[str, Tensor]]
"""Function from a network, pairs and the side of their search crops to losses by name; ``loss`` is minimised."""

_HINT_WEIGHTS = (0.4, 0.6, 0.8, 1.2)


def tracking_objective(
    network: LightTrack, pairs: Pairs, size: int, distillation: Distillation | None = None
) -> dict[str, Tensor]:
    """Return the losses of tracking: locate the target, and give low scores where it is not.

    Returns:
        ``loss`` and its terms ``cls``, ``box``, ``stranger`` (search crops without the target) and, with distillation,
        those of ``Distillation.losses``.
    """
    network.train()
    outputs = compute_outputs(network, network.template(pairs.template), network.features(pairs.search))
    return _losses(outputs, pairs, size, distillation)


def settling_objective(
    network: LightTrack, pairs: Pairs, size: int, distillation: Distillation | None = None
) -> dict[str, Tensor]:
    """Return the losses of ``tracking_objective`` with the backbone frozen."""
    network.train()
    network.features.eval()
    with torch.no_grad():
        z, x = network.template(pairs.template), network.features(pairs.search)
    return _losses(compute_outputs(network, z, x), pairs, size, distillation)


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
        tracker: Trained tracker that the other phases are also distilled from.
    """

    def __init__(self, bank: TileBank, seed: int, teacher: Teacher | None, tracker: LightTrack | None = None) -> None:
        self._bank, self._seed, self._teacher = bank, seed, teacher
        self._distillation = None
        if tracker is not None:
            device = bank.backgrounds.device
            self._distillation = Distillation(tracker.to(device, memory_format=torch.channels_last))  # type: ignore[call-overload]
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
        objective = {"settling": settling_objective, "tracking": tracking_objective}[phase]
        return partial(objective, distillation=self._distillation)


def _losses(outputs: NetworkOutputs, pairs: Pairs, size: int, distillation: Distillation | None) -> dict[str, Tensor]:
    count = outputs.pairs
    classification, overlap = tracking_loss(outputs.logits[:count], outputs.distances[:count], pairs.boxes, size=size)
    absent_loss = absent_target_loss(outputs.logits[count:])
    loss = classification + BOX_WEIGHT * overlap + ABSENT_TARGET_WEIGHT * absent_loss
    terms = {} if distillation is None else distillation.losses(outputs, pairs)
    return {
        "loss": loss + weighted_total(terms) if terms else loss,
        "cls": classification, "box": overlap, "stranger": absent_loss, **terms,
    }  # fmt: skip
