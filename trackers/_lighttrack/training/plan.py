"""The plan of a training run: its phases, and learning rate and crop size at each step."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A range of steps with one objective.

    Attributes:
        name: ``imitation``: the backbone learns the features of the teacher. ``settling``: the rest of the network
            learns to track with the backbone frozen. ``tracking``: the whole network learns to track.
        start: First step.
        steps: Number of steps.
        cooldown: Fraction of the phase, at its end, in which the learning rate falls to zero.
    """

    name: str
    start: int
    steps: int
    cooldown: float


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that determines a run; two runs of one plan on the same kind of device have the same losses.

    Attributes:
        path: Path string of the architecture.
        seed: Seed of the initial weights and of all pairs.
        steps: Number of steps of all phases together.
        imitation: Number of steps of the imitation phase, at the start; 0 without a teacher.
        settling: Number of steps of the settling phase, after imitation; 0 if the backbone starts untrained.
        batch: Pairs per step.
        sizes: Sides of the search crop in pixels, smallest first. The tracking phase uses each but the last for an
            equal number of steps, and the last one from ``grown`` on; earlier phases use the first.
        grown: Fraction of the tracking phase after which the last size is used.
        rate: Highest learning rate of AdamW.
        gentle: Factor on the backbone's learning rate in the tracking phase, if it was trained before.
        warmup: Number of steps at the start of each phase in which the learning rate rises.
        cooldown: Fraction of the settling and of the tracking phase in which the learning rate falls.
        decay: Weight decay.
        momentum: Momentum of batch normalisation's running statistics.
        average: Decay of the running mean of the weights; each phase starts from the mean of the previous one.
        clip: Largest norm of the gradient.
        workers: Threads that share a batch, each with a replica of the network and one core. On a busy machine, two
            threads that synchronise once per step are faster than two that synchronise in every operator.
        precision: ``fp32``, or ``bf16``: convolutions and matrix products of the network in bfloat16. Weights, their
            running mean, the optimizer and the losses are in fp32 in both.
        start: Hash of the trained weights to start from; empty for initial ones.
        distilled: Hash of the weights of the tracker that settling and tracking are also distilled from; empty for
            none.
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
    precision: str = "fp32"
    start: str = ""
    distilled: str = ""

    def phase_at(self, step: int) -> Phase:
        """Return the phase of a step."""
        if step < self.imitation:
            return Phase("imitation", 0, self.imitation, 1.0)
        before = self.imitation + self.settling
        if step < before:
            return Phase("settling", self.imitation, self.settling, self.cooldown)
        return Phase("tracking", before, self.steps - before, self.cooldown)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step: a linear rise, a constant, and half a cosine down to zero.

        Because of the constant part, a finished run can be extended by a later one with more steps.
        """
        phase = self.phase_at(step)
        left = (phase.start + phase.steps - step) / max(phase.steps * phase.cooldown, 1)
        down = 0.5 - 0.5 * math.cos(math.pi * min(left, 1.0))
        return self.rate * min((step - phase.start + 1) / self.warmup, 1.0) * down

    def backbone_factor(self, phase: Phase) -> float:
        """Return the factor on the learning rate of the backbone in a phase."""
        is_trained = self.imitation > 0 or self.settling > 0 or bool(self.start)
        return self.gentle if phase.name == "tracking" and is_trained else 1.0

    def size_at(self, step: int) -> int:
        """Return the side of the search crop at a step, in pixels."""
        phase = self.phase_at(step)
        if phase.name != "tracking":
            return self.sizes[0]
        share = (step - phase.start) / max(phase.steps * self.grown, 1)
        return self.sizes[min(int(share * (len(self.sizes) - 1)), len(self.sizes) - 1)]
