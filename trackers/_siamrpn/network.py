"""SiamRPN++'s network, with the official names of tensors. Source: STVIR/pysot at d04028f."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from evalkit.trackers._siamrpn.backbones import AlexNet, MobileNetV2
from evalkit.trackers.siamese import ResNet50, depthwise_correlation

ANCHORS = 5
"""Anchors per cell."""
LEVELS = (2, 3, 4)
"""Stages of the backbone whose features are used, in the names of tensors."""
_CROPPED_BELOW, _CENTER = 20, slice(4, 11)
_BACKBONES: dict[str, Callable[[], nn.Module]] = {
    "alexnet": AlexNet,
    "mobilenetv2": MobileNetV2,
    "resnet50": lambda: ResNet50(4),
}


class AdjustLayer(nn.Module):
    """Converts features to the channels of the head, and crops those of a template to their middle."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the converted features."""
        x = self.downsample(x)
        return x[:, :, _CENTER, _CENTER] if x.shape[3] < _CROPPED_BELOW else x


class AdjustAllLayers(nn.Module):
    """One ``AdjustLayer`` per level."""

    def __init__(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        super().__init__()
        for level, one, other in zip(LEVELS, inputs, outputs, strict=True):
            self.add_module(f"downsample{level}", AdjustLayer(one, other))

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the converted features of every level."""
        return tuple(
            getattr(self, f"downsample{level}")(feature) for level, feature in zip(LEVELS, features, strict=True)
        )


class DepthwiseCorrelation(nn.Module):
    """One branch of a level: convolution of both features, depthwise correlation, pointwise convolutions."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.conv_kernel = _activated(channels)
        self.conv_search = _activated(channels)
        self.head = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, outputs, 1),
        )

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the branch's output for template features ``z`` and search features ``x``."""
        output: Tensor = self.head(depthwise_correlation(self.conv_search(x), self.conv_kernel(z)))
        return output


class Level(nn.Module):
    """Classification and localisation from one level of features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cls = DepthwiseCorrelation(channels, 2 * ANCHORS)
        self.loc = DepthwiseCorrelation(channels, 4 * ANCHORS)

    def forward(self, z: tuple[Tensor, ...], x: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``loc`` for template features ``z`` and search features ``x`` of one level."""
        return self.cls(z[0], x[0]), self.loc(z[0], x[0])


class MultiLevel(nn.Module):
    """Mean of the outputs of three levels, by learned weights if ``weighted``."""

    def __init__(self, channels: tuple[int, ...], *, weighted: bool) -> None:
        super().__init__()
        self.cls_weight = nn.Parameter(torch.ones(len(channels))) if weighted else None
        self.loc_weight = nn.Parameter(torch.ones(len(channels))) if weighted else None
        for level, width in zip(LEVELS, channels, strict=True):
            self.add_module(f"rpn{level}", Level(width))

    def forward(self, z: tuple[Tensor, ...], x: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return the mean ``cls`` and ``loc`` for template features ``z`` and search features ``x`` by level."""
        outputs = [getattr(self, f"rpn{level}")((z[i],), (x[i],)) for i, level in enumerate(LEVELS)]
        cls, loc = zip(*outputs, strict=True)
        return _mean(cls, self.cls_weight), _mean(loc, self.loc_weight)


class SiamRPN(nn.Module):
    """The network of one configuration.

    Images are float32 (B, 3, H, W), BGR, 0..255. ``cls`` (B, 10, S, S) are logits, five backgrounds before five
    targets; ``loc`` (B, 20, S, S) are shifts and logarithms of scales: five times x, y, width, height.

    Args:
        backbone: ``alexnet``, ``mobilenetv2`` or ``resnet50``.
        inputs: Channels of the backbone's features by level; empty for a single level without conversion.
        channels: Channels of the head by level.
        weighted: The levels have learned weights.
    """

    def __init__(
        self, backbone: str, *, inputs: tuple[int, ...] = (), channels: tuple[int, ...] = (256,), weighted: bool = False
    ) -> None:
        super().__init__()
        self.backbone = _BACKBONES[backbone]()
        self.neck = AdjustAllLayers(inputs, channels) if inputs else nn.Identity()
        self.rpn_head = MultiLevel(channels, weighted=weighted) if inputs else Level(channels[0])

    def template(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the features of a template crop, one tensor per level, the ``zf`` of ``forward``."""
        features: tuple[Tensor, ...] = self.neck(self.backbone(image))
        return features

    def forward(self, image: Tensor, *zf: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``loc`` of a search crop, given the features of a template."""
        cls, loc = self.rpn_head(zf, self.neck(self.backbone(image)))
        return cls, loc


def _activated(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def _mean(maps: Iterable[Tensor], weight: Tensor | None) -> Tensor:
    stacked = torch.stack(tuple(maps))
    if weight is None:
        return stacked.mean(0)
    return (stacked * weight.softmax(0).reshape(-1, 1, 1, 1, 1)).sum(0)
