"""ResNet-50 with the changes of SiamRPN++ and Ocean: stages after stride 8 dilate instead of striding.

Sources: STVIR/pysot at d04028f and researchmm/TracKit at e351e5b; the names of the tensors are theirs.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

BLOCKS = (3, 4, 6, 3)
"""Number of blocks per stage."""
STRIDES = (1, 2, 1, 1)
"""Stride of each stage's first block."""
DILATIONS = (1, 1, 2, 4)
"""Dilation of each stage."""
EXPANSION = 4
"""Output channels of a block as a multiple of its middle channels."""


class Bottleneck(nn.Module):
    """Residual block of 1x1, 3x3 and 1x1 convolutions.

    Args:
        inputs: Channels of the input.
        middle: Channels of the 3x3 convolution.
        stride: Stride of the 3x3 convolution.
        dilation: Dilation of the 3x3 convolution.
        shortcut: Network on the residual branch; None for the input itself.
    """

    def __init__(
        self, inputs: int, middle: int, *, stride: int = 1, dilation: int = 1, shortcut: nn.Module | None = None
    ) -> None:
        super().__init__()
        # Strided convolutions are not padded, so that the position of a cell does not depend on the border.
        padding = dilation if dilation > 1 else 2 - stride
        self.conv1 = nn.Conv2d(inputs, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride=stride, padding=padding, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, middle * EXPANSION, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(middle * EXPANSION)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, shape (B, 4 middle, H, W) at its stride."""
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        y = functional.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet50(nn.Module):
    """ResNet-50 whose stages 2 and up all have stride 8.

    Args:
        stages: Number of stages to build, at most 4.
    """

    def __init__(self, stages: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.stages = stages
        inputs = 64
        for number in range(1, stages + 1):
            middle = 32 * 2**number
            self.add_module(f"layer{number}", _stage(number, inputs, middle))
            inputs = middle * EXPANSION

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the features of every stage from the second on."""
        x = functional.relu(self.bn1(self.conv1(image)), inplace=True)
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        outputs = []
        for number in range(1, self.stages + 1):
            x = getattr(self, f"layer{number}")(x)
            outputs.append(x)
        return tuple(outputs[1:])


def _stage(number: int, inputs: int, middle: int) -> nn.Sequential:
    stride, dilation = STRIDES[number - 1], DILATIONS[number - 1]
    shortcut = _shortcut(inputs, middle * EXPANSION, stride, dilation)
    # The first block of a stage has half of the stage's dilation.
    first = Bottleneck(inputs, middle, stride=stride, dilation=max(1, dilation // 2), shortcut=shortcut)
    others = (Bottleneck(middle * EXPANSION, middle, dilation=dilation) for _ in range(BLOCKS[number - 1] - 1))
    return nn.Sequential(first, *others)


def _shortcut(inputs: int, outputs: int, stride: int, dilation: int) -> nn.Sequential:
    if stride == 1 and dilation == 1:
        convolution = nn.Conv2d(inputs, outputs, 1, bias=False)
    else:
        half, padding = max(1, dilation // 2), dilation // 2
        convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=padding, dilation=half, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
