"""Training of any LightTrack subnet, on rendered tiles and on photographs in the user's folders.

Nothing is downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from evalkit.checkpoints import sha256
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.runtimes.torch_execution import find_device
from evalkit.trackers._lighttrack.architecture import MOBILE
from evalkit.trackers._lighttrack.trained import TrainedNetwork, load_distilled, load_variant
from evalkit.trackers._lighttrack.training import bank_file, validation
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, run_training
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.step import check_precision
from evalkit.trackers._lighttrack.training.subnet_training import Training
from evalkit.trackers._lighttrack.training.teacher import load_teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

WEIGHTS = "weights.safetensors"
"""File with the trained weights, in the output folder."""
RECORD = "training.json"
"""File that records how the weights were trained, in the output folder."""
IMITATION, SETTLING = 500, 1000
"""Default numbers of steps of the first two phases, if there is a teacher."""


def train(
    variant: str | None,
    output: Path,
    *,
    resume: bool = False,
    photographs: tuple[Path, ...] = (),
    tiles: Path | None = None,
    only_tiles: bool = False,
    teacher: Path | None = None,
    weights: Path | None = None,
    distill: str | None = None,
    distill_weights: Path | None = None,
    device: str = "cpu",
    validate: int = 8,
    report: Callable[[dict[str, float]], None] | None = None,
    **plan: int | float | str,
) -> Path:
    """Train a subnet and write the running mean of its weights as fp16 safetensors.

    Args:
        variant: Path string of the architecture; LightTrack-Mobile's if None.
        output: Folder that receives checkpoint, curve, weights and a record of the training.
        resume: Continue from the checkpoint in ``output``.
        photographs: Folders of pictures and videos; if there are none, all tiles are rendered.
        tiles: Bank of tiles to use, from an earlier training; built from ``photographs`` and the seed if None.
        only_tiles: Write the bank of tiles to ``output`` and do not train.
        teacher: Checkpoint of a MobileNetV2 that initialises the backbone; the initial weights are random without.
        weights: Checkpoint of this architecture to start from, with its statistics of batch normalisation.
        distill: Name of a trained LightTrack of any architecture that the network is also distilled from.
        distill_weights: Checkpoint of that tracker; the usual places are searched if None.
        device: Device to train on, e.g. ``cuda:0``.
        validate: Number of held-out scenes that are tracked at the end; 0 for no validation.
        report: Called with the losses of every step.
        **plan: ``seed``, ``steps``, ``batch`` and other fields of ``TrainingPlan``.

    Returns:
        The weights file; with ``only_tiles`` the bank of tiles.

    Raises:
        EvalkitError: ``output`` contains a checkpoint and ``resume`` is False, or the other way round; the checkpoint
            belongs to another run; the teacher's file is invalid, or missing although the plan has an imitation phase;
            the bank is damaged, or given with photographs; the precision does not exist; there are no weights to start
            or to distil from, or they are given together with what they exclude.
    """
    if only_tiles and tiles is not None:
        raise EvalkitError(
            "this bank of tiles is built already", where=f"--tiles {tiles}", hint="Leave out --tiles or --only-tiles"
        )
    if not only_tiles:
        _check_output(output, resume=resume)
    where = find_device(device)
    networks = _load_networks(variant, teacher, weights, distill, distill_weights)
    chosen = _make_plan(
        variant, {**plan, **networks.hashes()}, has_teacher=teacher is not None, on_cpu=where.type == "cpu"
    )
    output.mkdir(parents=True, exist_ok=True)
    if only_tiles:
        return bank_file.build(output, chosen.seed, list(photographs))
    torch.set_num_threads(1)
    used, held_out = bank_file.load_or_build(output, chosen.seed, list(photographs), tiles).split()
    training = networks.create_training(chosen, used.to(where))
    if resume:
        training.restore(output)
    run_training(training, output, report=report)
    sources = {
        "photographs": [str(folder) for folder in photographs],
        **({} if tiles is None else {"tiles": sha256(tiles)}),
        "teacher": None if teacher is None else sha256(teacher),
    }
    return write_results(training, output, held_out, sources=sources, scenes=validate)


@dataclass(frozen=True)
class _Networks:
    """What a training starts and learns from besides pairs."""

    teacher: Path | None
    start: TrainedNetwork | None
    tracker: TrainedNetwork | None

    def hashes(self) -> dict[str, str]:
        """Return the fields of the plan that identify the trained networks."""
        return {
            "start": "" if self.start is None else self.start.sha256,
            "distilled": "" if self.tracker is None else self.tracker.sha256,
        }

    def create_training(self, plan: TrainingPlan, bank: TileBank) -> Training:
        """Return a new training of a plan."""
        return Training(
            plan, bank, None if self.teacher is None else load_teacher(self.teacher),
            start=None if self.start is None else self.start.network,
            tracker=None if self.tracker is None else self.tracker.network,
        )  # fmt: skip


def _load_networks(
    variant: str | None, teacher: Path | None, weights: Path | None, distill: str | None, distill_weights: Path | None
) -> _Networks:
    if teacher is not None and weights is not None:
        raise EvalkitError(
            "a teacher initialises the backbone, which these weights have already", where="--teacher and --weights",
            hint="Leave out one of the two",
        )  # fmt: skip
    start = None if weights is None else load_variant(variant, weights)
    return _Networks(teacher, start, load_distilled(distill, distill_weights))


def _check_output(output: Path, *, resume: bool) -> None:
    exists = (output / CHECKPOINT).is_file()
    if resume and not exists:
        raise EvalkitError("there is no checkpoint to resume from", where=output, hint="Leave out --resume")
    if exists and not resume:
        raise EvalkitError("this folder contains a training already", where=output, hint="Add --resume to continue it")


def _make_plan(
    variant: str | None, values: Mapping[str, int | float | str], *, has_teacher: bool, on_cpu: bool
) -> TrainingPlan:
    plan = TrainingPlan(variant or MOBILE)
    if has_teacher:
        plan = replace(plan, imitation=IMITATION, settling=SETTLING)
    if not on_cpu:
        plan = replace(plan, workers=1)
    plan = replace(plan, **{name: value for name, value in values.items() if value is not None})  # type: ignore[arg-type]
    check_precision(plan.precision)
    if plan.imitation and not has_teacher:
        raise EvalkitError(
            "there is no teacher to imitate", where="--imitation", hint="Pass a file with --teacher, or leave it out"
        )
    return plan


def write_results(
    training: Training, output: Path, held_out: TileBank, *, sources: Mapping[str, object], scenes: int
) -> Path:
    """Write the weights and the record of a finished training.

    Args:
        training: The finished training.
        output: Folder for the two files.
        held_out: Held-out tiles.
        sources: Further entries of the record.
        scenes: Number of held-out scenes to track; 0 for no validation.

    Returns:
        The weights file.
    """
    network = training.average.to("cpu")
    path = output / WEIGHTS
    write_weights(network.state_dict(), path)
    record = {
        "plan": asdict(training.plan),
        "steps": training.step,
        "pairs": training.step * training.plan.batch,
        **sources,
        "grounds": len(training.bank.backgrounds),
        "things": len(training.bank.objects),
    }
    if scenes:
        record["located"] = validation.localization_rate(network, held_out)
        record["mean_overlap"] = validation.mean_overlap(network, validation.held_out_scenes(scenes))
    atomic.write_text(output / RECORD, json.dumps(record, indent=2) + "\n")
    return path


def write_weights(state: dict[str, Tensor], path: Path) -> None:
    """Write tensors in half precision, without batch normalisation's counters, which inference does not use."""
    from safetensors.torch import save_file

    kept = {
        name: tensor.half().contiguous() for name, tensor in state.items() if not name.endswith("num_batches_tracked")
    }
    with atomic.replacing(path) as temporary:
        save_file(kept, temporary)
