"""Random tensors that depend on a seed alone."""

from __future__ import annotations

import torch
from torch import Tensor


class SeededRandom:
    """Source of random numbers for a batch.

    The numbers are drawn on the CPU, on whatever device a batch is composed.

    Args:
        batch: Number of items in the batch.
        *seed: Integers; different ones give unrelated numbers.
    """

    def __init__(self, batch: int, *seed: int) -> None:
        self.batch = batch
        self._seed = seed
        self.generator = torch.Generator().manual_seed(_combined(seed))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return shape (batch, *shape), uniform in [low, high)."""
        return low + (high - low) * torch.rand(self.batch, *shape, generator=self.generator)

    def chance(self, probability: float) -> Tensor:
        """Return shape (batch,), boolean, each True with the given probability."""
        return self.uniform(0, 1) < probability

    def index(self, count: int) -> Tensor:
        """Return shape (batch,), whole numbers in [0, count)."""
        return torch.randint(count, (self.batch,), generator=self.generator)

    def derived_seed(self, number: int) -> int:
        """Return the seed of another generator, e.g. on a device; no number is drawn here."""
        return _combined((*self._seed, number))


def _combined(seed: tuple[int, ...]) -> int:
    # The hash of a tuple of integers is the same in every process, unlike that of text.
    return hash(seed) & (1 << 62) - 1
