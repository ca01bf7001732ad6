"""Training of any LightTrack subnet, on rendered things and on photographs that are there already.

Nothing is downloaded: photographs are read, while training, from folders that a person names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from evalkit.checkpoints import sha256
from evalkit.errors import EvalkitError
from evalkit.runtimes._torch import find_device
from evalkit.trackers._lighttrack.architecture import MOBILE
from evalkit.trackers._lighttrack.training import bank as banks
from evalkit.trackers._lighttrack.training import teacher as teachers
from evalkit.trackers._lighttrack.training import validation
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, Training, run
from evalkit.trackers._lighttrack.training.plan import Plan

WEIGHTS = "weights.safetensors"
RECORD = "training.json"
IMITATION, SETTLING = 500, 1000
"""Steps of the phases before tracking, where there is a teacher and nothing else is said."""


def train(
    variant: str | None,
    output: Path,
    *,
    resume: bool = False,
    photographs: tuple[Path, ...] = (),
    teacher: Path | None = None,
    device: str = "cpu",
    validate: int = 8,
    report: Callable[[dict[str, float]], None] | None = None,
    **plan: int | float,
) -> Path:
    """Train a subnet and write its averaged weights as fp16 safetensors.

    Args:
        variant: Path string; LightTrack-Mobile's if None.
        output: Receives checkpoint, curve, weights and a record of what they were made from.
        resume: Go on from the checkpoint in ``output``.
        photographs: Folders of pictures; with none, everything is rendered.
        teacher: Weights of a MobileNetV2 for the backbone to begin from; random ones without.
        device: Where to train, e.g. ``cuda:0``.
        validate: Number of held-out scenes that are tracked at the end; 0 for none.
        report: Told every step's losses.
        **plan: ``seed``, ``steps``, ``batch`` and other fields of ``Plan``.

    Returns:
        The weights file.

    Raises:
        EvalkitError: ``output`` holds a checkpoint and ``resume`` is not asked for, or the other way round, or the
            checkpoint is another run's; the teacher's file is not what it should be, or missing for a phase that asks
            for it.
    """
    there = (output / CHECKPOINT).is_file()
    if there != resume:
        complaint = "there is no checkpoint to resume from" if resume else "this folder holds a training already"
        raise EvalkitError(complaint, where=output, hint="Leave out --resume" if resume else "Add --resume to go on")
    output.mkdir(parents=True, exist_ok=True)
    where = find_device(device)
    wanted = Plan(variant or MOBILE, imitation=IMITATION, settling=SETTLING) if teacher else Plan(variant or MOBILE)
    wanted = replace(wanted, workers=1 if where.type != "cpu" else wanted.workers)
    wanted = replace(wanted, **{name: value for name, value in plan.items() if value is not None})  # type: ignore[arg-type]
    if wanted.imitation and teacher is None:
        raise EvalkitError("there is nobody to imitate", hint="Name a file with --teacher, or leave out --imitation")
    torch.set_num_threads(1)
    bank = banks.cached(output, wanted.seed, list(photographs))
    used, held_out = bank.split()
    training = Training(wanted, used.to(where), teachers.read(teacher) if teacher else None)
    if resume:
        training.restore(output)
    run(training, output, report=report)
    sources: dict[str, object] = {
        "photographs": [str(folder) for folder in photographs],
        "teacher": teacher and sha256(teacher),
    }
    return finish(training, output, held_out, sources, validate)


def finish(training: Training, output: Path, held_out: banks.Bank, sources: dict[str, object], count: int) -> Path:
    """Write the weights and their record, with what validation says of them."""
    network = training.average.to("cpu")
    path = output / WEIGHTS
    write_weights(network.state_dict(), path)
    record = {
        "plan": asdict(training.plan),
        "steps": training.step,
        "pairs": training.step * training.plan.batch,
        **sources,
        "grounds": len(training.bank.grounds),
        "things": len(training.bank.things),
    }
    if count:
        record["located"] = validation.located(network, held_out)
        record["mean_overlap"] = validation.mean_overlap(network, validation.scenes(count))
    (output / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def write_weights(state: dict[str, Tensor], path: Path) -> None:
    """Store tensors in half precision, without the counters that nothing computes with."""
    from safetensors.torch import save_file

    kept = {
        name: tensor.half().contiguous() for name, tensor in state.items() if not name.endswith("num_batches_tracked")
    }
    save_file(kept, path)
