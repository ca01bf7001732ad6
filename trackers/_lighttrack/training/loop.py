"""The training loop: seeded and resumable, with the same losses whether it was interrupted or not."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, TextIO

import torch

from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.runtimes.torch_execution import computing_in
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.step import StepMode, StepRecord, fetch_rows

CHECKPOINT = "checkpoint.pt"
"""File with the state of a training, in its output folder."""
CURVE = "curve.jsonl"
"""File with the losses, one JSON object per step, in the output folder."""


class Trainable(Protocol):
    """What ``run_training`` trains: a subnet or a supernet."""

    @property
    def plan(self) -> TrainingPlan:
        """Determines the run."""

    @property
    def step(self) -> int:
        """Number of steps done."""

    @property
    def device(self) -> torch.device:
        """Device of the training."""

    @property
    def mode(self) -> StepMode:
        """How steps are executed."""

    def run_step(self) -> StepRecord:
        """Run one step, without waiting for the device where the mode says so."""

    def save(self, folder: Path) -> None:
        """Write the checkpoint atomically."""


def check_plan(stored: Mapping[str, Any], plan: TrainingPlan, names: Iterable[str], *, where: Path) -> None:
    """Check that some fields of a checkpoint's plan equal those of the plan to continue with.

    Raises:
        EvalkitError: A field differs; one that the checkpoint does not have, as it is older, has its default.
    """
    defaults = {one.name: one.default for one in fields(plan)}
    for name in names:
        found, expected = stored.get(name, defaults[name]), getattr(plan, name)
        if found != expected:
            raise EvalkitError(
                f"this checkpoint was trained with another {name}", where=where, found=_shown(found),
                expected=_shown(expected),
                hint="Repeat its options, or train in a new folder",
            )  # fmt: skip


def _shown(value: object) -> object:
    return "none" if value == "" else value


def run_training(
    training: Trainable, folder: Path, *, every: float = 120.0, report: Callable[[dict[str, float]], None] | None = None
) -> None:
    """Train to the end of the plan, writing one line per step to the curve.

    Lines of the curve after the checkpoint, left by a run that was killed, are deleted first. On CUDA the losses of a
    block of steps are fetched together; they are written and reported then, and before every checkpoint.

    Args:
        training: The run, new or restored.
        folder: Receives the curve and the checkpoint.
        every: Seconds between two checkpoints.
        report: Called with the losses of every step.

    Raises:
        EvalkitError: A loss or a gradient is not finite, or a file cannot be written; the last checkpoint stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _truncate(folder / CURVE, training.step)
    saved = time.monotonic()
    pending: list[StepRecord] = []
    with (folder / CURVE).open("a", encoding="utf-8", buffering=1) as curve, computing_as_planned(training.device):
        while training.step < training.plan.steps:
            pending.append(training.run_step())
            is_due = time.monotonic() - saved > every or training.step == training.plan.steps
            if is_due or len(pending) >= training.mode.block:
                _write_rows(curve, pending, report)
                pending.clear()
            if is_due:
                training.save(folder)
                saved = time.monotonic()


def _write_rows(
    curve: TextIO, records: Sequence[StepRecord], report: Callable[[dict[str, float]], None] | None
) -> None:
    for row in fetch_rows(records):
        if not (math.isfinite(row["loss"]) and math.isfinite(row["norm"])):
            raise EvalkitError(
                f"the loss or its gradient is not finite at step {row['step']:.0f}", where=curve.name, exit_code=1,
                found=f"loss {row['loss']:g}, norm of the gradient {row['norm']:g}",
                hint="Train with a lower --rate",
            )  # fmt: skip
        curve.write(json.dumps({name: float(f"{value:.6g}") for name, value in row.items()}) + "\n")
        if report is not None:
            report(row)


def computing_as_planned(device: torch.device) -> AbstractContextManager[None]:
    """Return a context in which fp32 is not TF32 on CUDA, and a second run gives the same losses."""
    return computing_in("fp32", device) if device.type == "cuda" else nullcontext()


def _truncate(curve: Path, step: int) -> None:
    if curve.exists():
        lines = curve.read_text(encoding="utf-8").splitlines(keepends=True)
        atomic.write_text(curve, "".join(lines[:step]))
