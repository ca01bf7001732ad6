"""The training loop: seeded and resumable, with the same losses whether it was interrupted or not."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.trackers._lighttrack.architecture import parse_path_string
from evalkit.trackers._lighttrack.network import BOX_SCALE, TEMPLATE_SIZE, LightTrack
from evalkit.trackers._lighttrack.training.depthwise import use_fast_weight_gradient
from evalkit.trackers._lighttrack.training.objectives import Objective, create_objectives
from evalkit.trackers._lighttrack.training.pairs import make_pairs
from evalkit.trackers._lighttrack.training.plan import Phase, TrainingPlan
from evalkit.trackers._lighttrack.training.pointwise import use_fast_pointwise
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.teacher_initialization import initialize_from_teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

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

    def run_step(self) -> dict[str, float]:
        """Run one step and return its losses by name."""

    def save(self, folder: Path) -> None:
        """Write the checkpoint atomically."""


class Training:
    """The state of a training run: network, running mean of its weights, optimizer, step.

    Args:
        plan: Determines the run.
        bank: Tiles that pairs are composed of, on the device to train on.
        teacher: Initialises the backbone, and is imitated in the imitation phase if the plan has one.
    """

    def __init__(self, plan: TrainingPlan, bank: TileBank, teacher: Teacher | None = None) -> None:
        self.plan, self.bank = plan, bank
        self.device = bank.backgrounds.device
        self.step = 0
        torch.manual_seed(plan.seed)
        self.network = initial_network(plan.path, momentum=plan.momentum)
        if teacher is not None:
            initialize_from_teacher(self.network.features, teacher)
        self._objectives = create_objectives(bank, plan.seed, teacher)
        use_fast_weight_gradient(self.network)
        use_fast_pointwise(self.network)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self._replicas = [self.network, *(copy.deepcopy(self.network) for _ in range(plan.workers - 1))]
        self._optimizer = torch.optim.AdamW(
            parameter_groups(dict(self.network.named_parameters()), plan.decay), lr=plan.rate, betas=(0.9, 0.98)
        )
        self._pool = ThreadPoolExecutor(plan.workers, initializer=torch.set_num_threads, initargs=(1,))

    def run_step(self) -> dict[str, float]:
        """Run one step.

        Returns:
            Its losses, ``norm`` of the gradient, ``rate``, ``size``, and ``pairs_seconds`` and ``network_seconds``: CPU
            seconds of one worker for making the pairs and for the network.
        """
        phase, rate, size = self.plan.phase_at(self.step), self.plan.rate_at(self.step), self.plan.size_at(self.step)
        if self.step == phase.start > 0:
            self.network.load_state_dict(self.average.state_dict())
            _copy_to_replicas(self._replicas)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * (self.plan.backbone_factor(phase) if group["backbone"] else 1.0)
        objective = self._objectives[phase.name]
        parts = list(self._pool.map(lambda worker: self._accumulate(worker, objective, size), range(self.plan.workers)))
        _average_replicas(self._replicas)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip)
        self._optimizer.step()
        _copy_to_replicas(self._replicas)
        self._update_average(phase)
        self.step += 1
        mean = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
        return {"step": self.step, **mean, "norm": float(norm), "rate": rate, "size": size}

    def _accumulate(self, worker: int, objective: Objective, size: int) -> dict[str, float]:
        """Compute the gradients of one worker's share of the batch in its replica, and return the losses."""
        start = time.thread_time()
        share = self.plan.batch // self.plan.workers
        pairs = make_pairs(self.bank, SeededRandom(share, self.plan.seed, self.step, worker), size)
        made = time.thread_time()
        network = self._replicas[worker]
        network.zero_grad(set_to_none=True)
        losses = objective(network, pairs, size)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        seconds = {"pairs_seconds": made - start, "network_seconds": time.thread_time() - made}
        return {**{name: float(loss.detach()) for name, loss in losses.items()}, **seconds}

    @torch.no_grad()
    def _update_average(self, phase: Phase) -> None:
        done = self.step - phase.start
        weight = 1 - min(self.plan.average, (1 + done) / (10 + done))
        for mean, new in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, weight)
            else:
                mean.copy_(new)

    def save(self, folder: Path) -> None:
        """Write the checkpoint atomically.

        Raises:
            EvalkitError: The file cannot be written.
        """
        state = {
            "plan": asdict(self.plan),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        with atomic.replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def restore(self, folder: Path) -> None:
        """Continue from the checkpoint in a folder.

        Raises:
            EvalkitError: It belongs to another architecture or seed.
        """
        state: dict[str, Any] = torch.load(folder / CHECKPOINT, weights_only=True, map_location=self.device)
        for field in ("path", "seed"):
            if state["plan"][field] != getattr(self.plan, field):
                raise EvalkitError(
                    f"this checkpoint was trained with another {field}", where=folder / CHECKPOINT,
                    found=state["plan"][field], expected=getattr(self.plan, field),
                )  # fmt: skip
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        _copy_to_replicas(self._replicas)


def run_training(
    training: Trainable, folder: Path, *, every: float = 120.0, report: Callable[[dict[str, float]], None] | None = None
) -> None:
    """Train to the end of the plan, writing one line per step to the curve.

    Lines of the curve after the checkpoint, left by a run that was killed, are deleted first.

    Args:
        training: The run, new or restored.
        folder: Receives the curve and the checkpoint.
        every: Seconds between two checkpoints.
        report: Called with the losses of every step.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _truncate(folder / CURVE, training.step)
    saved = time.monotonic()
    with (folder / CURVE).open("a", encoding="utf-8", buffering=1) as curve:
        while training.step < training.plan.steps:
            row = training.run_step()
            curve.write(json.dumps({name: float(f"{value:.6g}") for name, value in row.items()}) + "\n")
            if report is not None:
                report(row)
            if time.monotonic() - saved > every or training.step == training.plan.steps:
                training.save(folder)
                saved = time.monotonic()


def initial_network(path: str, *, momentum: float) -> LightTrack:
    """Return a network with random initial weights that predicts boxes of about the right size.

    Args:
        path: Path string of the architecture.
        momentum: Momentum of batch normalisation's running statistics.
    """
    network = LightTrack(parse_path_string(path))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum
        elif isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1] // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    # The target is half as wide as the template crop; a ReLU that starts below 0 would never learn.
    boxes = network.head.reg_pred.bbox_pred
    nn.init.normal_(boxes.weight, std=0.01)
    if boxes.bias is not None:
        nn.init.constant_(boxes.bias, TEMPLATE_SIZE / 4 / BOX_SCALE)
    # Products of 96 features would be too large for the next layers, so the template's normalisation starts small.
    nn.init.constant_(network.neck.BN_z.weight, network.architecture.channels**-0.5)
    return network


def parameter_groups(parameters: Mapping[str, nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Return groups for the optimizer: backbone or not, as ``backbone`` says, and with or without weight decay.

    Args:
        parameters: By name; those of the backbone begin with ``features.``.
        decay: Weight decay of tensors with more than one dimension; others have none.
    """
    return [
        {
            "params": [
                parameter
                for name, parameter in parameters.items()
                if (parameter.ndim > 1) == wide and name.startswith("features.") == part
            ],
            "weight_decay": decay if wide else 0.0,
            "backbone": part,
        }
        for part in (True, False)
        for wide in (True, False)
    ]


@torch.no_grad()
def _average_replicas(replicas: list[LightTrack]) -> None:
    """Set gradients and running statistics of the first replica to the means over all replicas."""
    if len(replicas) == 1:
        return
    for parameters in zip(*(replica.parameters() for replica in replicas), strict=True):
        gradients = [one.grad for one in parameters if one.grad is not None]
        parameters[0].grad = torch.stack(gradients).mean(0) if gradients else None
    for buffers in zip(*(replica.buffers() for replica in replicas), strict=True):
        if buffers[0].is_floating_point():
            buffers[0].copy_(torch.stack(buffers).mean(0))


@torch.no_grad()
def _copy_to_replicas(replicas: list[LightTrack]) -> None:
    state = replicas[0].state_dict()
    for replica in replicas[1:]:
        for name, tensor in replica.state_dict().items():
            tensor.copy_(state[name])


def _truncate(curve: Path, step: int) -> None:
    if curve.exists():
        lines = curve.read_text(encoding="utf-8").splitlines(keepends=True)
        atomic.write_text(curve, "".join(lines[:step]))
