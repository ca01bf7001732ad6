"""ResNet-50 as SiamRPN++ and Ocean change it: it stops at stride 8, and later stages dilate instead.

Facts from STVIR/pysot at d04028f and researchmm/TracKit at e351e5b; names of tensors are theirs.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

BLOCKS = (3, 4, 6, 3)
STRIDES = (1, 2, 1, 1)
DILATIONS = (1, 1, 2, 4)
EXPANSION = 4


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1; the first of a stage widens, and dilates by half of what its stage does."""

    def __init__(
        self, inputs: int, middle: int, *, stride: int = 1, dilation: int = 1, shortcut: nn.Module | None = None
    ) -> None:
        super().__init__()
        # Strided convolutions are not padded, so that a cell's place does not depend on the border.
        padding = dilation if dilation > 1 else 2 - stride
        self.conv1 = nn.Conv2d(inputs, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride=stride, padding=padding, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, middle * EXPANSION, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(middle * EXPANSION)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        y = functional.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet50(nn.Module):
    """Features of stages 2 and up, all at stride 8.

    Args:
        stages: How many of the four stages there are.
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
