"""One factory for the whole family, from what sets a model apart.

Nothing here imports torch: trackers are registered long before one is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.trackers._siamese.rules import Rules
from evalkit.trackers._siamese.settings import Published, choose

if TYPE_CHECKING:
    from torch import nn

    from evalkit.trackers._siamese.build import Convert
    from evalkit.trackers._siamese.tracker import SiameseTracker


@dataclass(frozen=True)
class Model:
    """One tracker of the family.

    Attributes:
        network: Builds it, with whatever values; imports torch when it is called.
        rules: How it differs from the others.
        published: Its sets of hyperparameters; a benchmark's is chosen from them.
        checkpoint: Name in the catalogue.
        images: What the network was trained on: ``bgr`` and ``normalized`` of ``Preparation``.
        outputs: Names of the response's arrays.
        unused: Beginnings of names that the checkpoint may hold in excess.
        convert: Brings another kind of checkpoint into the network's names.
        facts: What else a run should record.
    """

    network: Callable[[], nn.Module]
    rules: Rules
    published: Sequence[Published]
    checkpoint: str
    images: Mapping[str, bool]
    outputs: tuple[str, ...] = ("cls", "reg")
    unused: tuple[str, ...] = ()
    convert: Convert | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def factory(model: Callable[[str | None, str | None], Model]) -> Callable[..., SiameseTracker]:
    """What the registry calls to create a tracker.

    Args:
        model: Given the variant behind a family's colon and the benchmark, either of them None.
    """

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
        from evalkit.trackers._siamese.build import build
        from evalkit.trackers._siamese.networks import Execution, Preparation

        chosen = model(variant, benchmark)
        return build(
            chosen.network,
            chosen.rules,
            choose(chosen.published, benchmark, settings),
            checkpoint=chosen.checkpoint,
            weights=weights,
            preparation=Preparation(**chosen.images),
            outputs=chosen.outputs,
            unused=chosen.unused,
            convert=chosen.convert,
            facts=chosen.facts,
            execution=Execution(runtime, precision, device, threads),
        )

    create.__doc__, create.__module__ = model.__doc__, model.__module__
    return create
