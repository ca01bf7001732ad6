"""Description of one Siamese tracker: its network, rules, hyperparameters and checkpoint. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from evalkit.trackers._siamese.hyperparameters import PublishedHyperparameters
from evalkit.trackers._siamese.rules import ImageFormat, Rules

if TYPE_CHECKING:
    from torch import Tensor, nn

ConvertState: TypeAlias = "Callable[[dict[str, Tensor], list[str], Path], dict[str, Tensor]]"
"""Function that gets the tensors of a checkpoint, the names of the network's tensors and the file's path, and returns
the tensors under the network's names."""


@dataclass(frozen=True)
class SiameseModel:
    """Everything that makes one Siamese tracker: network, rules, hyperparameters, checkpoint.

    Attributes:
        network: Creates the network with any values: a module with ``template(image)`` and
            ``forward(image, *features)`` over float32 images (B, 3, H, W). It imports torch when it is called.
        rules: Differences from the other families.
        hyperparameters: The published sets; the one for the benchmark is used, else the first.
        checkpoint: Name of the checkpoint in ``trackers/weights.json``; a name that is not in there needs
            ``--weights``.
        image_format: Input format of the network.
        outputs: Names of the response's arrays.
        unused: Prefixes of tensor names that the checkpoint may contain and the network does not have.
        convert: Renames the tensors of another kind of checkpoint; None if the names are the network's.
        extra_card: Further entries of the tracker's card, for ``run.json``.
    """

    network: Callable[[], nn.Module]
    rules: Rules
    hyperparameters: Sequence[PublishedHyperparameters]
    checkpoint: str
    image_format: ImageFormat
    outputs: tuple[str, ...] = ("cls", "reg")
    unused: tuple[str, ...] = ()
    convert: ConvertState | None = None
    extra_card: Mapping[str, Any] = field(default_factory=dict)
