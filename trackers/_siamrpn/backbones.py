"""SiamRPN++'s smaller backbones, with the official names of tensors. Source: STVIR/pysot at d04028f."""

from __future__ import annotations

from torch import Tensor, nn

# expansion, channels, blocks, stride, dilation
_STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 1, 2),
    (6, 96, 3, 1, 2),
    (6, 160, 3, 1, 4),
    (6, 320, 1, 1, 4),
)
_WIDTH = 1.4
_USED_STAGES = (3, 5, 7)


class AlexNet(nn.Module):
    """pysot's legacy AlexNet: pooling before activation, convolutions with bias and without padding."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 96, 11, stride=2), nn.BatchNorm2d(96), nn.MaxPool2d(3, stride=2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(96, 256, 5), nn.BatchNorm2d(256), nn.MaxPool2d(3, stride=2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(256, 384, 3), nn.BatchNorm2d(384), nn.ReLU(inplace=True)),
            *(nn.Conv2d(384, 384, 3), nn.BatchNorm2d(384), nn.ReLU(inplace=True)),
            *(nn.Conv2d(384, 256, 3), nn.BatchNorm2d(256)),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the features, one level."""
        return (self.features(image),)


class InvertedResidual(nn.Module):
    """A block of MobileNetV2; it has the first convolution even if the expansion is 1."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        middle = inputs * expansion
        padding = dilation if dilation > 1 else 2 - stride
        self.residual = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, middle, 1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU6(inplace=True),
            nn.Conv2d(middle, middle, 3, stride, padding, dilation, groups=middle, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU6(inplace=True),
            nn.Conv2d(middle, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at the block's stride."""
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """MobileNetV2 with 1.4 times the channels; stages after stride 8 dilate instead of striding."""

    def __init__(self) -> None:
        super().__init__()
        inputs = int(32 * _WIDTH)
        self.layer0 = nn.Sequential(
            nn.Conv2d(3, inputs, 3, stride=2, bias=False), nn.BatchNorm2d(inputs), nn.ReLU6(inplace=True)
        )
        before = 1
        for number, (expansion, width, blocks, stride, dilation) in enumerate(_STAGES, start=1):
            outputs = int(width * _WIDTH)
            # Where the dilation grows, the first block has half of the new dilation.
            first = dilation if dilation == before else max(1, dilation // 2)
            stage = [InvertedResidual(inputs, outputs, expansion=expansion, stride=stride, dilation=first)]
            stage += [
                InvertedResidual(outputs, outputs, expansion=expansion, stride=1, dilation=dilation)
                for _ in range(blocks - 1)
            ]
            self.add_module(f"layer{number}", nn.Sequential(*stage))
            inputs, before = outputs, dilation

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the features of the third, fifth and seventh stage."""
        x = self.layer0(image)
        outputs = {}
        for number in range(1, len(_STAGES) + 1):
            x = outputs[number] = getattr(self, f"layer{number}")(x)
        return tuple(outputs[number] for number in _USED_STAGES)
