"""A network small enough to be exported in a second, and a cache for its exports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evalkit.types import NetworkPart


class Siamese(nn.Module):
    """Backbone, point-wise correlation and two heads: every kind of operation that a tracker's network has."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.excite = nn.Conv2d(8, 8, 1)
        self.cls = nn.Conv2d(16, 1, 3, padding=1)
        self.reg = nn.Conv2d(16, 4, 3, padding=1)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        zf, crop = inputs
        image = crop.permute(0, 3, 1, 2).flip(1).float() / 64.0 - 2.0
        x = nn.functional.silu(self.bn(self.conv(image)))
        x = x * nn.functional.hardsigmoid(self.excite(self.pool(x)))
        rows, columns = x.shape[2:]
        fused = torch.matmul(zf.flatten(2).transpose(1, 2), x.flatten(2)).reshape(x.shape[0], -1, rows, columns)
        return self.cls(fused), nn.functional.relu(self.reg(fused))


@pytest.fixture(scope="session")
def part() -> NetworkPart:
    torch.manual_seed(0)
    example = (np.zeros((1, 8, 4, 4), np.float32), np.zeros((1, 32, 32, 3), np.uint8))
    return NetworkPart("search", Siamese().eval(), example, ("zf", "crop"), ("cls", "reg"))


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, shared by all tests of a session instead of the user's."""
    monkeypatch.setenv("EVALKIT_CACHE", str(shared_cache))
    return shared_cache
