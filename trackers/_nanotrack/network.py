"""NanoTrack's three networks, with the official names of tensors.

Source of kernels, activations and names: HonglinChu/SiamTrackers at 248663f, NanoTrack/nanotrack/models.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from evalkit.trackers.siamese import ChannelAttention, depthwise_correlation, pixelwise_correlation

TEMPLATE_CELLS = 64
"""Cells of the template features, 8 by 8."""

# kernel, inputs, expanded channels, outputs, squeeze-and-excitation, hard swish, stride
_BLOCKS = (
    (3, 16, 16, 16, True, False, 2),
    (3, 16, 72, 24, False, False, 2),
    (3, 24, 88, 24, False, False, 1),
    (5, 24, 96, 40, True, True, 2),
    (5, 40, 240, 40, True, True, 1),
    (5, 40, 240, 40, True, True, 1),
    (5, 40, 120, 48, True, True, 1),
    (5, 48, 144, 48, True, True, 1),
    (5, 48, 288, 96, True, True, 1),
)
_BLOCKS_OF_VERSION = {1: 8, 2: 8, 3: 9}


class SqueezeExcite(nn.Module):
    """Multiplies each channel by a factor computed from the means of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = max(8, (channels // 4 + 4) // 8 * 8)
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(nn.Linear(channels, reduced), nn.ReLU(), nn.Linear(reduced, channels), nn.Hardsigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with its channels weighted."""
        weight: Tensor = self.fc(self.avg_pool(x).flatten(1))
        return x * weight[:, :, None, None]


class InvertedResidual(nn.Module):
    """A block of MobileNetV3; without expansion it has no first convolution."""

    def __init__(
        self, kernel: int, inputs: int, middle: int, outputs: int, excite: bool, swish: bool, stride: int
    ) -> None:
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        activation = nn.Hardswish if swish else nn.ReLU
        weigh = SqueezeExcite(middle) if excite else nn.Identity()
        filtered = (_depthwise(middle, kernel, stride), nn.BatchNorm2d(middle))
        squeezed = (nn.Conv2d(middle, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        if inputs == middle:
            self.conv = nn.Sequential(*filtered, activation(inplace=True), weigh, *squeezed)
        else:
            expanded = (nn.Conv2d(inputs, middle, 1, bias=False), nn.BatchNorm2d(middle), activation(inplace=True))
            self.conv = nn.Sequential(*expanded, *filtered, weigh, activation(inplace=True), *squeezed)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at the block's stride."""
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class Backbone(nn.Module):
    """The first blocks of MobileNetV3-Small, up to stride 16."""

    def __init__(self, version: int) -> None:
        super().__init__()
        stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.Hardswish(inplace=True)
        )
        blocks = (InvertedResidual(*row) for row in _BLOCKS[: _BLOCKS_OF_VERSION[version]])
        self.features = nn.Sequential(stem, *blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of images (B, 3, H, W)."""
        features: Tensor = self.features(x)
        return features


class UnusedNeck(nn.Module):
    """Tensors that the checkpoints contain and no computation uses; the authors do not count them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.downsample = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))


class PixelwiseCorrelation(nn.Module):
    """Pixelwise correlation with channel attention.

    Version 2 has 1x1 convolutions before it, version 3 also a 2x2 convolution after it.
    """

    def __init__(self, channels: int, version: int) -> None:
        super().__init__()
        self.CA_layer = ChannelAttention(TEMPLATE_CELLS)
        plain = version == 1
        self.conv_kernel: nn.Module = nn.Identity() if plain else _mixed(channels)
        self.conv_search: nn.Module = nn.Identity() if plain else _mixed(channels)
        self.conv: nn.Module = _shrunk(TEMPLATE_CELLS) if version == 3 else nn.Identity()

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the correlation of template features ``z`` and search features ``x``."""
        cells = pixelwise_correlation(self.conv_search(x), self.conv_kernel(z))
        correlated: Tensor = self.conv(self.CA_layer(cells))
        return correlated


class DepthwiseCorrelation(nn.Module):
    """Depthwise correlation after 1x1 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_kernel = _mixed(channels)
        self.conv_search = _mixed(channels)

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the correlation of template features ``z`` and search features ``x``."""
        return depthwise_correlation(self.conv_search(x), self.conv_kernel(z), padding=1)


class Head1(nn.Module):
    """Head of version 1: one correlation for two towers of different shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.corr_pw = PixelwiseCorrelation(48, 1)
        self.cls_tower = _tower((64, 128, 128, 128), (5, 5, 3))
        self.bbox_tower = _tower((64, 96, 96, 96, 96), (3, 3, 5, 5))
        self.cls_logits = nn.Sequential(nn.Conv2d(128, 2, 1))
        self.bbox_pred = nn.Sequential(nn.Conv2d(96, 4, 1))

    def forward(self, z: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``reg``; see ``NanoTrack``."""
        fused = self.corr_pw(z, x)
        return self.cls_logits(self.cls_tower(fused)), self.bbox_pred(self.bbox_tower(fused)).exp()


class Head2(nn.Module):
    """Head of version 2: one correlation for each of two equal towers."""

    def __init__(self) -> None:
        super().__init__()
        self.corr_pw_reg = PixelwiseCorrelation(48, 2)
        self.corr_pw_cls = PixelwiseCorrelation(48, 2)
        self.cls_pw_tower = _tower((64, *[96] * 6), (3,) * 6)
        self.bbox_pw_tower = _tower((64, *[96] * 6), (3,) * 6)
        self.cls_pred = nn.Sequential(nn.Conv2d(96, 2, 1))
        self.bbox_pred = nn.Sequential(nn.Conv2d(96, 4, 1))

    def forward(self, z: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``reg``; see ``NanoTrack``."""
        cls = self.cls_pred(self.cls_pw_tower(self.corr_pw_cls(z, x)))
        return cls, self.bbox_pred(self.bbox_pw_tower(self.corr_pw_reg(z, x))).exp()


class Head3(nn.Module):
    """Head of version 3: pixelwise and depthwise correlation for each tower; the response is one cell smaller."""

    def __init__(self) -> None:
        super().__init__()
        self.corr_dw_reg = DepthwiseCorrelation(96)
        self.corr_pw_reg = PixelwiseCorrelation(96, 3)
        self.corr_dw_cls = DepthwiseCorrelation(96)
        self.corr_pw_cls = PixelwiseCorrelation(96, 3)
        self.cls_tower = _linear_tower(96, 6)
        self.bbox_tower = _linear_tower(96, 6)
        self.cls_logits = nn.Sequential(nn.Conv2d(96, 2, 1))
        self.bbox_pred = nn.Sequential(nn.Conv2d(96, 4, 1))
        self.down_reg = nn.Sequential(nn.Conv2d(96 + TEMPLATE_CELLS, 96, 1))
        self.down_cls = nn.Sequential(nn.Conv2d(96 + TEMPLATE_CELLS, 96, 1))

    def forward(self, z: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``reg``; see ``NanoTrack``."""
        center = z[:, :, 2:6, 2:6]
        reg = self.down_reg(torch.cat((self.corr_pw_reg(z, x), self.corr_dw_reg(center, x)), 1))
        cls = self.down_cls(torch.cat((self.corr_pw_cls(z, x), self.corr_dw_cls(center, x)), 1))
        return self.cls_logits(self.cls_tower(cls)), self.bbox_pred(self.bbox_tower(reg)).exp()


_HEADS = {1: Head1, 2: Head2, 3: Head3}


class NanoTrack(nn.Module):
    """The network of one version.

    Images are float32 (B, 3, H, W), BGR, 0..255. ``cls`` (B, 2, S, S) are logits of background and target; ``reg``
    (B, 4, S, S) are the distances left, top, right, bottom from a cell to the box, in pixels of the crop.
    """

    def __init__(self, version: int) -> None:
        super().__init__()
        self.backbone = Backbone(version)
        # The official neck has 64 channels in versions 1 and 2, although the backbone has 48.
        self.neck = UnusedNeck(96 if version == 3 else 64)
        self.ban_head = _HEADS[version]()

    def template(self, image: Tensor) -> Tensor:
        """Return the features of a template crop, the ``zf`` of ``forward``."""
        features: Tensor = self.backbone(image)
        return features

    def forward(self, image: Tensor, zf: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``reg`` of a search crop, given the features of a template."""
        cls, reg = self.ban_head(zf, self.backbone(image))
        return cls, reg


def _depthwise(channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, stride=stride, padding=kernel // 2, groups=channels, bias=False)


def _mixed(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels))


def _shrunk(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 2, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
        nn.Conv2d(channels, channels, 1),
        nn.BatchNorm2d(channels),
    )


def _tower(channels: tuple[int, ...], kernels: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs, kernel in zip(channels[:-1], channels[1:], kernels, strict=True):
        pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        layers += [_depthwise(inputs, kernel), pointwise, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]
    return nn.Sequential(*layers)


def _linear_tower(channels: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(count):
        pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        layers += [
            *(_depthwise(channels, 3), nn.BatchNorm2d(channels), nn.ReLU6(inplace=True)),
            *(pointwise, nn.BatchNorm2d(channels)),
        ]
    return nn.Sequential(*layers)
