"""How template and search features meet."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def depthwise(search: Tensor, kernel: Tensor, *, padding: int = 0) -> Tensor:
    """Each channel of the search features correlated with the same channel of the template's.

    Args:
        search: Shape (B, C, H, W).
        kernel: Shape (B, C, h, w), one for each image.
        padding: Rows and columns of zeros around the search features.

    Returns:
        Shape (B, C, H + 2 padding - h + 1, W + 2 padding - w + 1).
    """
    batch, channels = kernel.shape[:2]
    answer = functional.conv2d(
        search.reshape(1, batch * channels, *search.shape[2:]),
        kernel.reshape(batch * channels, 1, *kernel.shape[2:]),
        padding=padding,
        groups=batch * channels,
    )
    return answer.reshape(batch, channels, *answer.shape[2:])


def pixelwise(search: Tensor, template: Tensor) -> Tensor:
    """One channel per template cell, row by row: its features times those of every search cell; not scaled."""
    rows, columns = search.shape[2:]
    products = torch.matmul(template.flatten(2).transpose(1, 2), search.flatten(2))
    return products.reshape(search.shape[0], -1, rows, columns)


class ChannelAttention(nn.Module):
    """Weighs channels by what their means say; LightTrack's and NanoTrack's, with their names."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, channels, 1)
        self.fc2 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.fc2(functional.relu(self.fc1(self.avg_pool(x))))
        return x * torch.sigmoid(weight)
