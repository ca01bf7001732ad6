"""Ocean's network, with the official names of tensors. Source: researchmm/TracKit at e351e5b."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from evalkit.trackers.siamese import ResNet50, depthwise_correlation

STRIDE = 8
"""Pixels of the crop from one cell to the next."""
LOGIT_SCALE = 0.1
"""Factor on the classification logits."""
_MARGIN = slice(4, -4)
_DILATIONS = {"matrix11": (1, 1), "matrix12": (2, 1), "matrix21": (1, 2)}


class Features(nn.Module):
    """The backbone: ResNet-50 up to its third stage."""

    def __init__(self) -> None:
        super().__init__()
        self.features = ResNet50(3)

    def forward(self, image: Tensor) -> Tensor:
        """Return the features of the last stage, 1024 channels."""
        last: Tensor = self.features(image)[-1]
        return last


class AdjustLayer(nn.Module):
    """Converts the features to 256 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.downsample = nn.Sequential(nn.Conv2d(1024, 256, 1, bias=False), nn.BatchNorm2d(256))

    def forward(self, x: Tensor) -> Tensor:
        """Return the converted features."""
        adjusted: Tensor = self.downsample(x)
        return adjusted


class Encoder(nn.Module):
    """Three correlations of template (``_k``) and search features (``_s``): plain, and dilated in either direction."""

    def __init__(self) -> None:
        super().__init__()
        for name, dilation in _DILATIONS.items():
            self.add_module(f"{name}_k", _activated(dilation))
            self.add_module(f"{name}_s", _activated(dilation))

    def forward(self, z: Tensor, x: Tensor) -> list[Tensor]:
        """Return the three correlations of template features ``z`` and search features ``x``."""
        return [
            depthwise_correlation(getattr(self, f"{name}_s")(x), getattr(self, f"{name}_k")(z)) for name in _DILATIONS
        ]


class Mixture(nn.Module):
    """Learned weighted mean of the three correlations."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(len(_DILATIONS)))

    def forward(self, correlations: list[Tensor]) -> Tensor:
        """Return the mean of correlations of the same shape."""
        return (torch.stack(correlations) * self.weight.softmax(0).reshape(-1, 1, 1, 1, 1)).sum(0)


class BoxTower(nn.Module):
    """Correlation, classification tower and regression tower."""

    def __init__(self) -> None:
        super().__init__()
        self.adjust = nn.Parameter(torch.full((1,), 0.1))
        self.bias = nn.Parameter(torch.ones(1, 4, 1, 1))
        self.cls_encode = Encoder()
        self.reg_encode = Encoder()
        self.cls_dw = Mixture()
        self.reg_dw = Mixture()
        self.bbox_tower = _tower()
        self.cls_tower = _tower()
        self.bbox_pred = nn.Conv2d(256, 4, 3, padding=1)
        self.cls_pred = nn.Conv2d(256, 1, 3, padding=1)

    def forward(self, z: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``cls``, ``reg`` and the features of the regression tower, for template and search features."""
        reg_features = self.bbox_tower(self.reg_dw(self.reg_encode(z, x)))
        reg = torch.exp(self.adjust * self.bbox_pred(reg_features) + self.bias)
        cls = LOGIT_SCALE * self.cls_pred(self.cls_tower(self.cls_dw(self.cls_encode(z, x))))
        return cls, reg, reg_features


class DeformableConvolution(nn.Module):
    """A 3x3 convolution whose nine taps are sampled bilinearly at given positions; outside of the map they are zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, bias=False)

    def forward(self, features: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return the convolution, shape (B, C, H, W).

        Args:
            features: Shape (B, C, H, W).
            x, y: Shape (B, 9, H, W), columns and rows to sample at, tap by tap.
        """
        batch, channels, height, width = features.shape
        grid = torch.stack((2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1), -1)
        sampled = functional.grid_sample(
            features, grid.reshape(batch, 9 * height, width, 2), mode="bilinear", padding_mode="zeros",
            align_corners=True,
        )  # fmt: skip
        answer = torch.matmul(self.conv.weight.reshape(channels, -1), sampled.reshape(batch, channels * 9, -1))
        return answer.reshape(batch, channels, height, width)


class AlignHead(nn.Module):
    """Second classification, from features that are sampled inside of the predicted box.

    They are the features of the regression tower, as in the official code.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rpn_conv = DeformableConvolution(256)
        self.rpn_cls = nn.Conv2d(256, 1, 1)

    def forward(self, features: Tensor, reg: Tensor, size: int) -> Tensor:
        """Return the logits, shape (B, 1, S, S).

        Args:
            features: Features of the regression tower.
            reg: Distances of the predicted boxes, in pixels of the crop.
            size: Side of the search crop, in pixels.
        """
        x, y = _taps(reg, size)
        logits: Tensor = self.rpn_cls(functional.relu(self.rpn_conv(features, x, y)))
        return logits


class Ocean(nn.Module):
    """Ocean without its online branch.

    Images are float32 (B, 3, H, W), BGR, 0..255. ``cls`` and ``align`` (B, 1, S, S) are logits; ``reg`` (B, 4, S, S)
    are the distances left, top, right, bottom from a cell to the box, in pixels of the crop.

    Args:
        aligned: Build the object-aware branch, whose output is ``align``.
    """

    def __init__(self, *, aligned: bool) -> None:
        super().__init__()
        self.features = Features()
        self.neck = AdjustLayer()
        self.connect_model = BoxTower()
        self.align_head = AlignHead() if aligned else None

    def template(self, image: Tensor) -> Tensor:
        """Return the features of the middle of a template crop, the ``zf`` of ``forward``."""
        features: Tensor = self.neck(self.features(image))
        return features[:, :, _MARGIN, _MARGIN]

    def forward(self, image: Tensor, zf: Tensor) -> tuple[Tensor, ...]:
        """Return ``cls``, ``reg`` and, with the object-aware branch, ``align``, given the features of a template."""
        cls, reg, reg_features = self.connect_model(zf, self.neck(self.features(image)))
        if self.align_head is None:
            return cls, reg
        return cls, reg, self.align_head(reg_features, reg, image.shape[3])


def _taps(reg: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return columns and rows of a 3x3 grid over each box, shape (B, 9, H, W).

    The middle of a crop of odd size is at size / 2 here and at size // 2 for the cells, as in the official code: the
    grid is shifted by a sixteenth of a cell.
    """
    left, top, right, bottom = reg.unbind(1)
    height, width = reg.shape[2:]
    half = (size // 2 - size / 2) / STRIDE
    column = torch.arange(width, dtype=reg.dtype, device=reg.device)[None, None, :]
    row = torch.arange(height, dtype=reg.dtype, device=reg.device)[None, :, None]
    x = column + half + (right - left) / (2 * STRIDE)
    y = row + half + (bottom - top) / (2 * STRIDE)
    across = (left + right + 1) / (2 * STRIDE)
    down = (top + bottom + 1) / (2 * STRIDE)
    xs = [x + tap * across for _ in (-1, 0, 1) for tap in (-1, 0, 1)]
    ys = [y + tap * down for tap in (-1, 0, 1) for _ in (-1, 0, 1)]
    return torch.stack(xs, 1), torch.stack(ys, 1)


def _activated(dilation: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(256, 256, 3, dilation=dilation, bias=False), nn.BatchNorm2d(256), nn.ReLU(inplace=True)
    )


def _tower() -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
