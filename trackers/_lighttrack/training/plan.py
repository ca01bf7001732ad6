"""What decides a training run, and which part of it a step belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A stretch of steps with an aim of its own.

    Attributes:
        name: ``imitation``: the backbone learns to answer as the teacher does. ``settling``: the backbone stands still
            and what reads it learns to track. ``tracking``: everything does.
        cooldown: Share of the phase, at its end, over which the rate falls to nothing.
    """

    name: str
    start: int
    steps: int
    cooldown: float


@dataclass(frozen=True)
class Plan:
    """What decides a run; two runs of one plan on one kind of device give the same losses.

    Attributes:
        path: Path string of the architecture.
        seed: Of the first weights and of every pair.
        steps: Number of steps in all.
        imitation, settling: How many of them, at the start, belong to these phases; 0 without a teacher.
        batch: Pairs a step.
        sizes: Search crop sizes, smallest first; each is used for an equal share of the tracking phase up to ``grown``,
            and the last from there on. The earlier phases use the first.
        grown: Share of the tracking phase after which the last size is used.
        rate: Highest learning rate of AdamW.
        gentle: Factor on the backbone's rate while it tracks, if it came from a teacher.
        warmup: Steps during which the rate rises, in each phase.
        cooldown: Share of the settling and of the tracking phase in which the rate falls.
        decay: Weight decay.
        momentum: Of batch norm's running statistics.
        average: Decay of the weights' running mean; each phase begins with the mean of the one before.
        clip: Largest norm of the gradient.
        workers: Threads that share a batch, each with a replica of its own and one core: on a loaded machine two
            threads that meet once a step beat two that meet in every operator.
    """

    path: str
    seed: int = 1
    steps: int = 6000
    imitation: int = 0
    settling: int = 0
    batch: int = 16
    sizes: tuple[int, ...] = (160, 256)
    grown: float = 0.87
    rate: float = 1.5e-3
    gentle: float = 0.3
    warmup: int = 60
    cooldown: float = 0.3
    decay: float = 0.02
    momentum: float = 0.03
    average: float = 0.998
    clip: float = 5.0
    workers: int = 2

    def phase_at(self, step: int) -> Phase:
        if step < self.imitation:
            return Phase("imitation", 0, self.imitation, 1.0)
        before = self.imitation + self.settling
        if step < before:
            return Phase("settling", self.imitation, self.settling, self.cooldown)
        return Phase("tracking", before, self.steps - before, self.cooldown)

    def rate_at(self, step: int) -> float:
        """Up in a line, level, and down along half a cosine: a level stretch can be prolonged by a later run."""
        phase = self.phase_at(step)
        left = (phase.start + phase.steps - step) / max(phase.steps * phase.cooldown, 1)
        down = 0.5 - 0.5 * math.cos(math.pi * min(left, 1.0))
        return self.rate * min((step - phase.start + 1) / self.warmup, 1.0) * down

    def backbone_factor(self, phase: Phase) -> float:
        return self.gentle if phase.name == "tracking" and self.imitation else 1.0

    def size_at(self, step: int) -> int:
        phase = self.phase_at(step)
        if phase.name != "tracking":
            return self.sizes[0]
        share = (step - phase.start) / max(phase.steps * self.grown, 1)
        return self.sizes[min(int(share * (len(self.sizes) - 1)), len(self.sizes) - 1)]
