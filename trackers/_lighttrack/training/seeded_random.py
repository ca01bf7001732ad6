"""Random tensors that depend on a seed alone."""

from __future__ import annotations

import torch
from torch import Tensor


class SeededRandom:
    """Source of random numbers for a batch.

    The numbers are drawn on the CPU, so that a batch contains the same pairs on every device.

    Args:
        batch: Number of items in the batch.
        *seed: Integers; different ones give unrelated numbers.
    """

    def __init__(self, batch: int, *seed: int) -> None:
        self.batch = batch
        # The hash of a tuple of integers is the same in every process, unlike that of text.
        self.generator = torch.Generator().manual_seed(hash(seed) & (1 << 62) - 1)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return shape (batch, *shape), uniform in [low, high)."""
        return low + (high - low) * torch.rand(self.batch, *shape, generator=self.generator)

    def chance(self, probability: float) -> Tensor:
        """Return shape (batch,), boolean, each True with the given probability."""
        return self.uniform(0, 1) < probability

    def index(self, count: int) -> Tensor:
        """Return shape (batch,), whole numbers in [0, count)."""
        return torch.randint(count, (self.batch,), generator=self.generator)
