"""Tracker factories: from the description of a Siamese tracker to a registered tracker.

Nothing here imports torch, because trackers are registered long before one is created.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.trackers._siamese.hyperparameters import resolve_hyperparameters
from evalkit.trackers._siamese.model import SiameseModel
from evalkit.types import Execution

if TYPE_CHECKING:
    from evalkit.trackers._siamese.tracker import SiameseTracker


def tracker_factory(model: SiameseModel | Callable[..., SiameseModel]) -> Callable[..., SiameseTracker]:
    """Return a factory that creates the tracker of a model, for ``registry.tracker(...)`` or ``path/to/file.py:name``.

    The factory takes ``variant``, ``benchmark``, ``weights``, ``runtime``, ``precision``, ``device``, ``threads``,
    ``settings`` and ``calibration`` (``DATASET:SEQUENCE,SEQUENCE``, to calibrate int8 on), all optional.

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
        calibration: str | None = None,
    ) -> SiameseTracker:
        from evalkit.runtimes.calibration_sequences import find_calibration_sequences
        from evalkit.trackers._siamese.build import build_tracker

        offered = {"variant": variant, "benchmark": benchmark}
        chosen = describe(**{name: value for name, value in offered.items() if name in wanted})
        hyperparameters, source = resolve_hyperparameters(chosen.hyperparameters, benchmark, settings)
        return build_tracker(
            chosen, hyperparameters, source=source, weights=weights,
            execution=Execution(runtime, precision, device, threads),
            calibration=find_calibration_sequences(calibration, precision),
        )  # fmt: skip

    # The registry takes the module of a factory for the file that defines the tracker.
    origin = model.network if isinstance(model, SiameseModel) else model
    create.__module__, create.__doc__ = origin.__module__, inspect.getdoc(origin)
    return create


def _constant(model: SiameseModel) -> Callable[[], SiameseModel]:
    return lambda: model
