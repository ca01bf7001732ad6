"""What a network computes for pairs and for search crops that do not show the template's target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from evalkit.trackers._lighttrack.network import LightTrack

ABSENT_TARGET_SHARE = 3
"""Every third template is also paired with a search crop that does not show its target."""


@dataclass(frozen=True)
class NetworkOutputs:
    """What a network computes for ``pairs`` pairs and then for A search crops without their target; N is their sum.

    Attributes:
        pairs: Number of pairs.
        template: Shape (N, C, T, T): normalised features of the templates.
        search: Shape (N, C, S, S): normalised features of the search crops.
        logits: Shape (N, 1, S, S), fp32.
        distances: Shape (N, 4, S, S), in pixels, fp32.
    """

    pairs: int
    template: Tensor
    search: Tensor
    logits: Tensor
    distances: Tensor


def compute_outputs(network: LightTrack, z: Tensor, x: Tensor) -> NetworkOutputs:
    """Return the outputs of a network for the backbone's features.

    Args:
        network: The network; its neck and head are computed.
        z: Shape (B, C, T, T): features of the templates.
        x: Shape (B, C, S, S): features of the search crops, in the same order.
    """
    count = len(z)
    absent = max(count // ABSENT_TARGET_SHARE, 1)
    # Search crops are shifted by one: these templates are paired with the search crop of another target.
    search = network.neck.BN_x(torch.cat([x, x.roll(1, 0)[:absent]]))
    template = network.neck.BN_z(torch.cat([z, z[:absent]]))
    logits, distances = network.head(network.feature_fusor(template, search))
    # The losses are in fp32, whatever the network's precision.
    return NetworkOutputs(count, template, search, logits.float(), distances.float())
