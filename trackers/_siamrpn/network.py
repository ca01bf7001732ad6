"""SiamRPN++'s network, with the official names of tensors. Facts from STVIR/pysot at d04028f."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from evalkit.trackers._siamese.correlation import depthwise
from evalkit.trackers._siamese.resnet import ResNet50
from evalkit.trackers._siamrpn.backbones import AlexNet, MobileNetV2

ANCHORS = 5
LEVELS = (2, 3, 4)
_CROPPED_BELOW, _CENTER = 20, slice(4, 11)
_BACKBONES: dict[str, Callable[[], nn.Module]] = {
    "alexnet": AlexNet,
    "mobilenetv2": MobileNetV2,
    "resnet50": lambda: ResNet50(4),
}


class AdjustLayer(nn.Module):
    """Brings features to the head's width, and a template's to its middle."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x)
        return x[:, :, _CENTER, _CENTER] if x.shape[3] < _CROPPED_BELOW else x


class AdjustAllLayers(nn.Module):
    def __init__(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        super().__init__()
        for level, one, other in zip(LEVELS, inputs, outputs, strict=True):
            self.add_module(f"downsample{level}", AdjustLayer(one, other))

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(
            getattr(self, f"downsample{level}")(feature) for level, feature in zip(LEVELS, features, strict=True)
        )


class DepthwiseCorrelation(nn.Module):
    """One branch of a level: both sides convolved, correlated channel by channel, mixed."""

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
        answer: Tensor = self.head(depthwise(self.conv_search(x), self.conv_kernel(z)))
        return answer


class Level(nn.Module):
    """Classification and location by one level of features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cls = DepthwiseCorrelation(channels, 2 * ANCHORS)
        self.loc = DepthwiseCorrelation(channels, 4 * ANCHORS)

    def forward(self, z: tuple[Tensor, ...], x: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        return self.cls(z[0], x[0]), self.loc(z[0], x[0])


class MultiLevel(nn.Module):
    """The mean over three levels, weighted where the weights were learned."""

    def __init__(self, channels: tuple[int, ...], *, weighted: bool) -> None:
        super().__init__()
        self.cls_weight = nn.Parameter(torch.ones(len(channels))) if weighted else None
        self.loc_weight = nn.Parameter(torch.ones(len(channels))) if weighted else None
        for level, width in zip(LEVELS, channels, strict=True):
            self.add_module(f"rpn{level}", Level(width))

    def forward(self, z: tuple[Tensor, ...], x: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        answers = [getattr(self, f"rpn{level}")((z[i],), (x[i],)) for i, level in enumerate(LEVELS)]
        cls, loc = zip(*answers, strict=True)
        return _mean(cls, self.cls_weight), _mean(loc, self.loc_weight)


class SiamRPN(nn.Module):
    """The network of one configuration.

    Images are float32 (B, 3, H, W), BGR, 0..255. ``cls`` (B, 10, S, S) are logits, five backgrounds before five
    targets; ``loc`` (B, 20, S, S) are shifts and logarithms of scales: five times x, y, width, height.

    Args:
        backbone: ``alexnet``, ``mobilenetv2`` or ``resnet50``.
        inputs: Channels that the backbone gives, by level; empty where there is but one level, taken as it is.
        channels: Channels of the head, by level.
        weighted: Whether the weights of levels were learned.
    """

    def __init__(
        self, backbone: str, *, inputs: tuple[int, ...] = (), channels: tuple[int, ...] = (256,), weighted: bool = False
    ) -> None:
        super().__init__()
        self.backbone = _BACKBONES[backbone]()
        self.neck = AdjustAllLayers(inputs, channels) if inputs else nn.Identity()
        self.rpn_head = MultiLevel(channels, weighted=weighted) if inputs else Level(channels[0])

    def template(self, image: Tensor) -> tuple[Tensor, ...]:
        """Features of a template crop, one for each level, what ``forward`` takes as ``zf``."""
        features: tuple[Tensor, ...] = self.neck(self.backbone(image))
        return features

    def forward(self, image: Tensor, *zf: Tensor) -> tuple[Tensor, Tensor]:
        """``cls`` and ``loc`` of a search crop, given the features of a template."""
        cls, loc = self.rpn_head(zf, self.neck(self.backbone(image)))
        return cls, loc


def _activated(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def _mean(maps: Iterable[Tensor], weight: Tensor | None) -> Tensor:
    stacked = torch.stack(tuple(maps))
    if weight is None:
        return stacked.mean(0)
    return (stacked * weight.softmax(0).reshape(-1, 1, 1, 1, 1)).sum(0)
