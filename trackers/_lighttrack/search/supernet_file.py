"""Training of the supernet that a search uses, into the search's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch

from evalkit.errors import EvalkitError
from evalkit.runtimes.torch_execution import find_device
from evalkit.trackers._lighttrack.search.shared_weights import SharedWeights, write_shared_weights
from evalkit.trackers._lighttrack.trained import load_distilled
from evalkit.trackers._lighttrack.training import bank_file
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, check_plan, run_training
from evalkit.trackers._lighttrack.training.path_sampling import SAMPLINGS
from evalkit.trackers._lighttrack.training.step import check_precision
from evalkit.trackers._lighttrack.training.supernet_training import LAYOUTS, SupernetPlan, SupernetTraining
from evalkit.trackers._lighttrack.training.teacher import load_teacher

SUPERNET = "supernet.safetensors"
"""File with a trained supernet, in the folder of a search."""
IMITATION, SETTLING = 300, 300
"""Default numbers of steps of the first two phases, if there is a teacher."""


def train_supernet(
    folder: Path,
    options: Mapping[str, Any],
    *,
    outputs: tuple[tuple[int, int], ...],
    seed: int,
    device: str,
    start: SharedWeights | None = None,
    start_hash: str = "",
    report: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """Train a supernet, or continue the training in the folder, and return its file.

    Args:
        folder: Folder of the search; receives checkpoint, curve, tiles and the supernet in half precision.
        options: ``photographs``, ``tiles``, ``teacher``, ``distill``, ``distill_weights`` and fields of
            ``SupernetPlan`` by name.
        outputs: Outputs to train.
        seed: Seed of weights, paths and pairs.
        device: Device to train on.
        start: Shared weights to start from; random ones or the teacher's if None.
        start_hash: Hash of the file that they come from.
        report: Called with the losses of every step.

    Raises:
        EvalkitError: An option is unknown or a file invalid, or the checkpoint in the folder belongs to another plan or
            bank.
    """
    file = folder / SUPERNET
    values = dict(options)
    photographs = [Path(one) for one in values.pop("photographs", ())]
    tiles, teacher = values.pop("tiles", None), values.pop("teacher", None)
    tracker = load_distilled(values.pop("distill", None), values.pop("distill_weights", None))
    plan = _plan(values, outputs=outputs, seed=seed, has_teacher=teacher is not None)
    plan = replace(plan, start=start_hash, distilled="" if tracker is None else tracker.sha256)
    if file.exists():
        _check_trained(folder, plan, tiles)
        return file
    torch.set_num_threads(1)
    bank = bank_file.load_or_build(folder, plan.seed, photographs, None if tiles is None else Path(tiles))
    used, _ = bank.split()
    training = SupernetTraining(
        plan, used.to(find_device(device)), None if teacher is None else load_teacher(Path(teacher)), start,
        tracker=None if tracker is None else tracker.network,
    )  # fmt: skip
    if (folder / CHECKPOINT).exists():
        training.restore(folder)
    run_training(training, folder, report=report)
    write_shared_weights(training.average, file, half=True)
    return file


def _check_trained(folder: Path, plan: SupernetPlan, tiles: Path | None) -> None:
    """Check that the supernet in a folder was trained by a plan, on the bank of tiles that is given if one is.

    Raises:
        EvalkitError: It was not.
    """
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True, map_location="cpu")["plan"]
        check_plan(stored, plan, asdict(plan), where=checkpoint)
    if tiles is not None:
        bank_file.check_bank(folder, Path(tiles))


def _plan(
    values: Mapping[str, Any], *, outputs: tuple[tuple[int, int], ...], seed: int, has_teacher: bool
) -> SupernetPlan:
    known = {one.name for one in fields(SupernetPlan)} - {"start", "distilled"}  # hashes, which files give
    unknown = sorted(values.keys() - known)
    if unknown:
        raise EvalkitError(
            "this option of the supernet's training does not exist", where=unknown[0], expected=", ".join(sorted(known))
        )
    plan = SupernetPlan(seed=seed, outputs=outputs)
    if has_teacher:
        plan = replace(plan, imitation=IMITATION, settling=SETTLING)
    plan = replace(plan, **values)
    for name, choices in (("sampling", SAMPLINGS), ("layout", LAYOUTS)):
        if getattr(plan, name) not in choices:
            raise EvalkitError(
                f"there is no such {name}", where=f"--{name}", found=getattr(plan, name), expected=", ".join(choices)
            )
    check_precision(plan.precision)
    if plan.imitation and not has_teacher:
        raise EvalkitError(
            "there is no teacher to imitate", where="--imitation", hint="Pass a file with --teacher, or leave it out"
        )
    if plan.imitation + plan.settling >= plan.steps:
        raise EvalkitError(
            "no step is left for tracking after imitation and settling", where="--steps", found=plan.steps,
            expected=f"more than {plan.imitation + plan.settling}",
        )  # fmt: skip
    return plan
