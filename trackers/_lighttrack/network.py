"""LightTrack's network for one architecture, with the official names of tensors.

Source of kernels, strides, activations and names: researchmm/LightTrack at 39c426f.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from evalkit.trackers._lighttrack.architecture import STAGE_CHANNELS, Architecture, Tower
from evalkit.trackers.siamese import ChannelAttention, pixelwise_correlation

STEM_CHANNELS = 16
"""Channels of the stem."""
FUSED_CHANNELS = 128
"""Channels that the head takes."""
LOGIT_SCALE = 0.1
"""Factor on the output of the classification branch."""
BOX_SCALE = 16.0
"""Pixels per unit of the regression branch; 16 at every stride, as in the official head."""
TEMPLATE_SIZE = 128
"""Side of the template crop that the official head is built for, in pixels."""

_FIRST_STRIDE = (2, 2, 2, 1, 2)


class SqueezeExcite(nn.Module):
    """Multiplies each channel by a factor computed from the means of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = _multiple_of_8(channels / 4)
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.conv_reduce = nn.Conv2d(channels, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with its channels weighted."""
        weight = self.conv_expand(functional.relu(self.conv_reduce(self.avg_pool(x))))
        return x * functional.hardsigmoid(weight)


class DepthwiseSeparable(nn.Module):
    """The fixed block after the stem; its output has no activation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_dw = _depthwise(channels, 3, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.se = SqueezeExcite(channels)
        self.conv_pw = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, in the shape of ``x``."""
        y: Tensor = self.se(functional.silu(self.bn1(self.conv_dw(x)), inplace=True))
        y = self.bn2(self.conv_pw(y))
        return x + y


class InvertedResidual(nn.Module):
    """A searched block: pointwise, depthwise and pointwise convolution, with a residual where shapes are equal."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, expansion: int, stride: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.conv_pw = nn.Conv2d(inputs, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv_dw = _depthwise(middle, kernel, stride)
        self.bn2 = nn.BatchNorm2d(middle)
        self.se = SqueezeExcite(middle)
        self.conv_pwl = nn.Conv2d(middle, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at the block's stride."""
        y: Tensor = functional.silu(self.bn1(self.conv_pw(x)), inplace=True)
        y = self.se(functional.silu(self.bn2(self.conv_dw(y)), inplace=True))
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.residual else y


class Backbone(nn.Module):
    """Stem, fixed block and the searched stages, up to the block whose output the features are."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, STEM_CHANNELS, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        stages: list[nn.Module] = [nn.Sequential(DepthwiseSeparable(STEM_CHANNELS))]
        inputs = STEM_CHANNELS
        for stage, outputs, first_stride in zip(architecture.stages, STAGE_CHANNELS, _FIRST_STRIDE, strict=False):
            blocks = []
            for index, block in enumerate(stage):
                stride = first_stride if index == 0 else 1
                blocks.append(
                    InvertedResidual(inputs, outputs, kernel=block.kernel, expansion=block.expansion, stride=stride)
                )
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of normalised images (B, 3, H, W)."""
        features: Tensor = self.blocks(functional.silu(self.bn1(self.conv_stem(x)), inplace=True))
        return features


class Neck(nn.Module):
    """Separate normalisation of template features (``BN_z``) and search features (``BN_x``)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.BN_z = nn.BatchNorm2d(channels)
        self.BN_x = nn.BatchNorm2d(channels)


class PixelwiseCorrelation(nn.Module):
    """Pixelwise correlation with channel attention; one channel per template cell."""

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.CA_layer = ChannelAttention(cells)

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the correlation of template features ``z`` and search features ``x``."""
        attended: Tensor = self.CA_layer(pixelwise_correlation(x, z))
        return attended


class Fusor(nn.Module):
    """Correlation of template and search features, and its conversion to the channels of the head."""

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.pw_corr = PixelwiseCorrelation(cells)
        self.adj_layer = nn.Conv2d(cells, FUSED_CHANNELS, 1)

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the fused features, shape (B, ``FUSED_CHANNELS``, S, S)."""
        fused: Tensor = self.adj_layer(self.pw_corr(z, x))
        return fused


class TowerLayer(nn.Module):
    """Depthwise and pointwise convolution without an activation between them."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = _depthwise(inputs, kernel, 1)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.BN = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated features."""
        return functional.relu(self.BN(self.pointwise(self.conv1(x))), inplace=True)


class ClassificationPrediction(nn.Module):
    """Last layer of the classification branch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cls_pred = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (B, 1, S, S)."""
        logits: Tensor = self.cls_pred(x)
        return logits * LOGIT_SCALE


class BoxPrediction(nn.Module):
    """Last layer of the regression branch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bbox_pred = nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the distances in pixels, shape (B, 4, S, S)."""
        return functional.relu(self.bbox_pred(x)) * BOX_SCALE


class Head(nn.Module):
    """Classification and regression branches."""

    def __init__(self, cls: Tower, reg: Tower) -> None:
        super().__init__()
        self.cls_tower = _tower(cls)
        self.reg_tower = _tower(reg)
        self.cls_perd = ClassificationPrediction(cls.channels)  # the official name, misspelt there
        self.reg_pred = BoxPrediction(reg.channels)

    def forward(self, fused: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``reg``; see ``LightTrack``."""
        return self.cls_perd(self.cls_tower(fused)), self.reg_pred(self.reg_tower(fused))


class LightTrack(nn.Module):
    """The subnet of one architecture.

    Images are float32 (B, 3, H, W), RGB, normalised with ImageNet's mean and deviation. ``cls`` (B, 1, S, S) are
    logits; ``reg`` (B, 4, S, S) are the distances left, top, right, bottom from a cell to the box, in pixels of the
    crop.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.features = Backbone(architecture)
        self.neck = Neck(architecture.channels)
        self.feature_fusor = Fusor(architecture.cells(TEMPLATE_SIZE) ** 2)
        self.head = Head(architecture.cls, architecture.reg)

    def template(self, image: Tensor) -> Tensor:
        """Return the features of a template crop of 127 or 128 pixels, the ``zf`` of ``forward``."""
        features: Tensor = self.features(image)
        return features

    def fuse(self, image: Tensor, zf: Tensor) -> Tensor:
        """Return the input of the head for a search crop, shape (B, ``FUSED_CHANNELS``, S, S)."""
        x = self.neck.BN_x(self.features(image))
        fused: Tensor = self.feature_fusor(self.neck.BN_z(zf), x)
        return fused

    def forward(self, image: Tensor, zf: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``cls`` and ``reg`` of a search crop, given the features of a template."""
        cls, reg = self.head(self.fuse(image, zf))
        return cls, reg


def _tower(tower: Tower) -> nn.Sequential:
    inputs = (FUSED_CHANNELS, *[tower.channels] * len(tower.kernels))
    return nn.Sequential(
        *(TowerLayer(inputs[index], tower.channels, kernel) for index, kernel in enumerate(tower.kernels))
    )


def _depthwise(channels: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, stride=stride, padding=kernel // 2, groups=channels, bias=False)


def _multiple_of_8(value: float) -> int:
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * value else rounded + 8
