"""What each phase of training asks of the network, as losses of one batch of pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training.bank import Bank
from evalkit.trackers._lighttrack.training.draw import Draw
from evalkit.trackers._lighttrack.training.loss import BOX_WEIGHT, STRANGER_WEIGHT, stranger_loss, tracking_loss
from evalkit.trackers._lighttrack.training.pairs import Pairs, draw_pairs
from evalkit.trackers._lighttrack.training.teacher import Teacher, student_hints

Objective = Callable[[LightTrack, Pairs, int], dict[str, Tensor]]
"""Losses by name, of a network, pairs and the size of their search crops; ``loss`` is what is learned from."""

STRANGERS = 3
"""One in so many templates also meets a search crop without its target."""
_HINT_WEIGHTS = (0.4, 0.6, 0.8, 1.2)


def tracking(network: LightTrack, pairs: Pairs, size: int) -> dict[str, Tensor]:
    """Find the target, and nothing where it is not."""
    network.train()
    return _losses(network, network.template(pairs.template), network.features(pairs.search), pairs, size)


def settling(network: LightTrack, pairs: Pairs, size: int) -> dict[str, Tensor]:
    """The same, with the backbone as it is."""
    network.train()
    network.features.eval()
    with torch.no_grad():
        z, x = network.template(pairs.template), network.features(pairs.search)
    return _losses(network, z, x, pairs, size)


def imitation(teacher: Teacher, bank: Bank, seed: int) -> Objective:
    """See in a search crop what the teacher sees: squared differences in units of the teacher's own variance."""
    teacher = teacher.to(bank.grounds.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    known = draw_pairs(bank, Draw(64, seed, 0, -1), 160).search
    spread = [hint.var((0, 2, 3), keepdim=True) for hint in teacher.hints(known)]

    def objective(network: LightTrack, pairs: Pairs, size: int) -> dict[str, Tensor]:
        network.train()
        wanted, found = teacher.hints(pairs.search), student_hints(network.features, pairs.search)
        each = [
            ((mine[:, : len(unit[0])] - hint) ** 2 / unit).mean()
            for mine, hint, unit in zip(found, wanted, spread, strict=False)
        ]
        total = torch.stack([weight * term for weight, term in zip(_HINT_WEIGHTS, each, strict=False)]).sum()
        return {"loss": total, "unlike": each[-1]}

    return objective


def _losses(network: LightTrack, z: Tensor, x: Tensor, pairs: Pairs, size: int) -> dict[str, Tensor]:
    count = len(z)
    strange = max(count // STRANGERS, 1)
    # Every search crop moves on by one: what a template meets there is another pair's target, and not its own.
    meeting = torch.cat([x, x.roll(1, 0)[:strange]])
    known = torch.cat([z, z[:strange]])
    fused = network.feature_fusor(network.neck.BN_z(known), network.neck.BN_x(meeting))
    logits, distances = network.head(fused)
    hit, overlap = tracking_loss(logits[:count], distances[:count], pairs.boxes, size=size)
    stranger = stranger_loss(logits[count:])
    return {
        "loss": hit + BOX_WEIGHT * overlap + STRANGER_WEIGHT * stranger, "cls": hit, "box": overlap,
        "stranger": stranger,
    }  # fmt: skip
