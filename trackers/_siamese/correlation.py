"""Layers that combine template and search features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def depthwise_correlation(search: Tensor, kernel: Tensor, *, padding: int = 0) -> Tensor:
    """Correlate each channel of the search features with the same channel of the template features.

    Args:
        search: Shape (B, C, H, W).
        kernel: Template features, shape (B, C, h, w).
        padding: Rows and columns of zeros around the search features.

    Returns:
        Shape (B, C, H + 2 padding - h + 1, W + 2 padding - w + 1).
    """
    batch, channels = kernel.shape[:2]
    correlated = functional.conv2d(
        search.reshape(1, batch * channels, *search.shape[2:]),
        kernel.reshape(batch * channels, 1, *kernel.shape[2:]),
        padding=padding,
        groups=batch * channels,
    )
    return correlated.reshape(batch, channels, *correlated.shape[2:])


def pixelwise_correlation(search: Tensor, template: Tensor) -> Tensor:
    """Multiply the features of every template cell with those of every search cell, without scaling.

    Args:
        search: Shape (B, C, H, W).
        template: Shape (B, C, h, w).

    Returns:
        Shape (B, h w, H, W): one channel per template cell, row by row.
    """
    rows, columns = search.shape[2:]
    products = torch.matmul(template.flatten(2).transpose(1, 2), search.flatten(2))
    return products.reshape(search.shape[0], -1, rows, columns)


class ChannelAttention(nn.Module):
    """Multiplies each channel by a factor computed from the means of all channels.

    The names of its tensors are those of LightTrack and NanoTrack.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, channels, 1)
        self.fc2 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``, shape (B, C, H, W), with its channels weighted."""
        weight = self.fc2(functional.relu(self.fc1(self.avg_pool(x))))
        return x * torch.sigmoid(weight)
