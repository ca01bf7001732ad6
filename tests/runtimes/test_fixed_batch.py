"""A runtime with a fixed batch starts a network once for every batch size."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evalkit.registry import RuntimeEntry
from evalkit.runtimes import LoadedNetwork
from evalkit.types import Execution, NetworkPart


class Double(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values * 2


class FixedShape:
    """Doubles arrays of exactly the shape it was started at."""

    started: list[tuple[int, ...]] = []  # noqa: RUF012

    def start(self, part: NetworkPart, execution: Execution) -> Any:
        shape = part.example[0].shape
        self.started.append(shape)

        def replay(values: NDArray[np.float32]) -> tuple[NDArray[np.float32]]:
            assert values.shape == shape
            return (values * 2,)

        return replay


def test_a_network_is_started_once_for_every_batch_size() -> None:
    FixedShape.started.clear()
    runtime = RuntimeEntry("fixed", FixedShape, "", fixed_batch=True)
    part = NetworkPart("search", Double(), (np.zeros((1, 3), np.float32),), ("values",), ("doubled",))
    network = LoadedNetwork(runtime, part, Execution("fixed"))
    for count in (1, 4, 4, 1):
        (doubled,) = network(np.ones((count, 3), np.float32))
        assert doubled.tolist() == [[2.0] * 3] * count
    assert FixedShape.started == [(1, 3), (4, 3)]
