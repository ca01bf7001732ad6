"""Straightforward implementation of LightTrack's network in eager PyTorch, one operation after the other.

It uses the layers and tensors of evalkit's module, but calls them as the authors' code does (researchmm/LightTrack at
39c426f): swish is a product with a sigmoid instead of one fused operation, the hard sigmoid is a clipped sum, and the
ReLUs of the head write new tensors. No operation is slower than in the authors' code.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from evalkit.trackers._lighttrack.network import (
    BOX_SCALE,
    LOGIT_SCALE,
    Backbone,
    DepthwiseSeparable,
    InvertedResidual,
    LightTrack,
    SqueezeExcite,
    TowerLayer,
)


class PlainNetwork:
    """Network with LightTrack's interface: ``template(image)`` and ``(image, features)``, without gradients."""

    def __init__(self, network: LightTrack) -> None:
        self.network = network

    def template(self, image: Tensor) -> Tensor:
        return backbone(self.network.features, image)

    def __call__(self, image: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        x = network.neck.BN_x(backbone(network.features, image))
        z = network.neck.BN_z(features)
        fused = network.feature_fusor(z, x)
        head = network.head
        logits = LOGIT_SCALE * head.cls_perd.cls_pred(tower(head.cls_tower, fused))
        distances = functional.relu(head.reg_pred.bbox_pred(tower(head.reg_tower, fused))) * BOX_SCALE
        return logits, distances


def backbone(layers: Backbone, image: Tensor) -> Tensor:
    x = swish(layers.bn1(layers.conv_stem(image)))
    for stage in layers.blocks:
        for block in stage:  # type: ignore[attr-defined]
            x = separable(block, x) if isinstance(block, DepthwiseSeparable) else inverted(block, x)
    return x


def separable(block: DepthwiseSeparable, x: Tensor) -> Tensor:
    y = excite(block.se, swish(block.bn1(block.conv_dw(x))))
    y = block.bn2(block.conv_pw(y))
    y += x
    return y


def inverted(block: InvertedResidual, x: Tensor) -> Tensor:
    y = swish(block.bn1(block.conv_pw(x)))
    y = excite(block.se, swish(block.bn2(block.conv_dw(y))))
    y = block.bn3(block.conv_pwl(y))
    if block.residual:
        y += x
    return y


def excite(block: SqueezeExcite, x: Tensor) -> Tensor:
    weight = block.conv_expand(functional.relu(block.conv_reduce(block.avg_pool(x)), inplace=True))
    return x * (functional.relu6(weight + 3.0) / 6.0)


def swish(x: Tensor) -> Tensor:
    return x.mul_(x.sigmoid())


def tower(layers: nn.Sequential, x: Tensor) -> Tensor:
    for layer in layers:
        assert isinstance(layer, TowerLayer)
        x = functional.relu(layer.BN(layer.pointwise(layer.conv1(x))))
    return x
