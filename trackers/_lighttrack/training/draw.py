"""Random tensors that a seed decides."""

from __future__ import annotations

import torch
from torch import Tensor


class Draw:
    """Tensors with a number, or a shape, for each item of a batch.

    They are drawn on the CPU, so that a batch holds the same pairs on every device.

    Args:
        batch: Number of items.
        *seed: Integers; different ones give unrelated numbers.
    """

    def __init__(self, batch: int, *seed: int) -> None:
        self.batch = batch
        # Of a tuple of integers the hash is the same in every process, unlike that of text.
        self.generator = torch.Generator().manual_seed(hash(seed) & (1 << 62) - 1)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Shape (batch, *shape), in [low, high)."""
        return low + (high - low) * torch.rand(self.batch, *shape, generator=self.generator)

    def chance(self, share: float) -> Tensor:
        """Shape (batch,): true for that share of the items."""
        return self.uniform(0, 1) < share

    def index(self, count: int) -> Tensor:
        """Shape (batch,): whole numbers in [0, count)."""
        return torch.randint(count, (self.batch,), generator=self.generator)
