"""A runtime that records an execution once and replays it has one recording for every size of batch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evalkit.runtimes.catalogue import RUNTIMES, Runtime
from evalkit.runtimes.loaded_network import Program
from evalkit.types import NetworkPart


class Double(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values * 2


def test_a_captured_graph_is_captured_once_for_every_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = []

    def start(part: NetworkPart, folder: None, **circumstances: Any) -> Any:
        shape = part.example[0].shape
        captured.append(shape)

        def replay(values: NDArray[np.float32]) -> tuple[NDArray[np.float32]]:
            assert values.shape == shape
            return (values * 2,)

        return replay

    monkeypatch.setattr(Runtime, "adapter", lambda self: SimpleNamespace(start=start))
    part = NetworkPart("search", Double(), (np.zeros((1, 3), np.float32),), ("values",), ("doubled",))
    program = Program(RUNTIMES["torch-cuda-graph"], part, precision="fp32", device="cuda", threads=1)
    for count in (1, 4, 4, 1):
        (answer,) = program(np.ones((count, 3), np.float32))
        assert answer.tolist() == [[2.0] * 3] * count
    assert captured == [(1, 3), (4, 3)]
