"""Tracker factories: from the description of a Siamese model to a registered tracker.

Nothing here imports torch, because trackers are registered long before one is created.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from evalkit.trackers._siamese.hyperparameters import PublishedHyperparameters, resolve_hyperparameters
from evalkit.trackers._siamese.rules import ImageFormat, Rules
from evalkit.types import Execution

if TYPE_CHECKING:
    from torch import Tensor, nn

    from evalkit.trackers._siamese.tracker import SiameseTracker

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


def tracker_factory(model: SiameseModel | Callable[..., SiameseModel]) -> Callable[..., SiameseTracker]:
    """Return a factory that creates the tracker of a model, for ``registry.tracker(...)`` or ``path/to/file.py:name``.

    The factory takes ``variant``, ``benchmark``, ``weights``, ``runtime``, ``precision``, ``device``, ``threads`` and
    ``settings``, all optional.

    Args:
        model: The model, or a function that returns it. The function may have the parameters ``variant`` (the text
            after the colon of a family's name) and ``benchmark`` (the benchmark's name); both can be None.
    """
    describe = _constant(model) if isinstance(model, SiameseModel) else model
    wanted = inspect.signature(describe).parameters

    def create(
        *,
        variant: str | None = None,
        benchmark: str | None = None,
        weights: Path | None = None,
        runtime: str = "torch",
        precision: str = "fp32",
        device: str = "cpu",
        threads: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> SiameseTracker:
        from evalkit.trackers._siamese.build import build_tracker

        offered = {"variant": variant, "benchmark": benchmark}
        chosen = describe(**{name: value for name, value in offered.items() if name in wanted})
        hyperparameters, source = resolve_hyperparameters(chosen.hyperparameters, benchmark, settings)
        return build_tracker(
            chosen, hyperparameters, source=source, weights=weights,
            execution=Execution(runtime, precision, device, threads),
        )  # fmt: skip

    # The registry takes the module of a factory for the file that defines the tracker.
    origin = model.network if isinstance(model, SiameseModel) else model
    create.__module__, create.__doc__ = origin.__module__, inspect.getdoc(origin)
    return create


def _constant(model: SiameseModel) -> Callable[[], SiameseModel]:
    return lambda: model
