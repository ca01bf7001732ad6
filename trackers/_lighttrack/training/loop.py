"""The training loop: seeded, resumable, the same curve whether it was interrupted or not."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.network import BOX_SCALE, TEMPLATE_SIZE, LightTrack
from evalkit.trackers._lighttrack.path import parse
from evalkit.trackers._lighttrack.training.bank import Bank
from evalkit.trackers._lighttrack.training.loss import BOX_WEIGHT, tracking_loss
from evalkit.trackers._lighttrack.training.pairs import Draw, draw_pairs

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"


@dataclass(frozen=True)
class Plan:
    """What decides a run; two runs of one plan on one kind of device give the same losses.

    Attributes:
        path: Path string of the architecture.
        seed: Of the first weights and of every pair.
        steps: Number of steps in all; the last ``cooldown`` share of them lowers the rate to nothing.
        batch: Pairs a step.
        sizes: Search crop sizes, smallest first; each is used for an equal share of the steps up to ``grown``, and the
            last from there on.
        grown: Share of the steps after which the last size is used.
        rate: Highest learning rate of AdamW.
        warmup: Steps during which the rate rises.
        cooldown: Share of the steps.
        decay: Weight decay.
        momentum: Of batch norm's running statistics.
        average: Decay of the weights' running mean.
        clip: Largest norm of the gradient.
        workers: Threads that share a batch, each with a replica of its own and one core: on a loaded machine two
            threads that meet once a step beat two that meet in every operator.
    """

    path: str
    seed: int = 1
    steps: int = 6000
    batch: int = 16
    sizes: tuple[int, ...] = (160, 256)
    grown: float = 0.87
    rate: float = 1.5e-3
    warmup: int = 60
    cooldown: float = 0.3
    decay: float = 0.02
    momentum: float = 0.03
    average: float = 0.998
    clip: float = 5.0
    workers: int = 2

    def rate_at(self, step: int) -> float:
        """Up in a line, level, and down along half a cosine: a level stretch can be prolonged by a later run."""
        left = (self.steps - step) / max(self.steps * self.cooldown, 1)
        down = 0.5 - 0.5 * math.cos(math.pi * min(left, 1.0))
        return self.rate * min((step + 1) / self.warmup, 1.0) * down

    def size_at(self, step: int) -> int:
        share = step / max(self.steps * self.grown, 1)
        return self.sizes[min(int(share * (len(self.sizes) - 1)), len(self.sizes) - 1)]


class Training:
    """A network on its way.

    Args:
        plan: What decides the run.
        bank: What pairs are made of, on the device to train on.
    """

    def __init__(self, plan: Plan, bank: Bank) -> None:
        self.plan, self.bank = plan, bank
        self.device = bank.grounds.device
        self.step = 0
        torch.manual_seed(plan.seed)
        self.network = fresh_network(plan.path, momentum=plan.momentum)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self._replicas = [self.network, *(copy.deepcopy(self.network) for _ in range(plan.workers - 1))]
        self._optimizer = torch.optim.AdamW(_groups(self.network, plan.decay), lr=plan.rate, betas=(0.9, 0.98))
        self._pool = ThreadPoolExecutor(plan.workers, initializer=torch.set_num_threads, initargs=(1,))

    def advance(self) -> dict[str, float]:
        """One step; its losses and how long the pairs and the network took, in CPU seconds of one worker."""
        rate, size = self.plan.rate_at(self.step), self.plan.size_at(self.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        parts = list(self._pool.map(self._work, range(self.plan.workers), [size] * self.plan.workers))
        _gather(self._replicas)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip)
        self._optimizer.step()
        _spread(self._replicas)
        self._follow()
        self.step += 1
        mean = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
        return {"step": self.step, **mean, "norm": float(norm), "rate": rate, "size": size}

    def _work(self, worker: int, size: int) -> dict[str, float]:
        start = time.thread_time()
        share = self.plan.batch // self.plan.workers
        pairs = draw_pairs(self.bank, Draw(share, self.plan.seed, self.step, worker), size)
        drawn = time.thread_time()
        network = self._replicas[worker]
        network.train()
        network.zero_grad(set_to_none=True)
        logits, distances = network(pairs.search, network.template(pairs.template))
        hit, overlap = tracking_loss(logits, distances, pairs.boxes, size=size)
        loss: Tensor = hit + BOX_WEIGHT * overlap
        loss.backward()  # type: ignore[no-untyped-call]
        done = time.thread_time()
        return {
            "loss": float(loss.detach()), "cls": float(hit.detach()), "box": float(overlap.detach()),
            "pairs_seconds": drawn - start, "network_seconds": done - drawn,
        }  # fmt: skip

    @torch.no_grad()
    def _follow(self) -> None:
        weight = 1 - min(self.plan.average, (1 + self.step) / (10 + self.step))
        for mean, new in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, weight)
            else:
                mean.copy_(new)

    def save(self, folder: Path) -> None:
        """Write the checkpoint whole or not at all."""
        state = {
            "plan": asdict(self.plan),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        partial = folder / (CHECKPOINT + ".partial")
        torch.save(state, partial)
        partial.replace(folder / CHECKPOINT)

    def restore(self, folder: Path) -> None:
        """Go on from the checkpoint.

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
        _spread(self._replicas)


def run(
    training: Training, folder: Path, *, every: float = 120.0, report: Callable[[dict[str, float]], None] | None = None
) -> None:
    """Train to the plan's end, with a line of the curve per step and a checkpoint every ``every`` seconds.

    Lines of the curve beyond the checkpoint, left by a run that was killed, are dropped first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _trim(folder / CURVE, training.step)
    saved = time.monotonic()
    with (folder / CURVE).open("a", encoding="utf-8", buffering=1) as curve:
        while training.step < training.plan.steps:
            row = training.advance()
            curve.write(json.dumps({name: float(f"{value:.6g}") for name, value in row.items()}) + "\n")
            if report is not None:
                report(row)
            if time.monotonic() - saved > every or training.step == training.plan.steps:
                training.save(folder)
                saved = time.monotonic()


def fresh_network(path: str, *, momentum: float) -> LightTrack:
    """A network at its first weights: boxes of about the right size, no cell preferred."""
    network = LightTrack(parse(path))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum
        elif isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1] // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    # A template's target is half of the crop across; a relu that starts below 0 would never learn.
    boxes = network.head.reg_pred.bbox_pred
    nn.init.normal_(boxes.weight, std=0.01)
    if boxes.bias is not None:
        nn.init.constant_(boxes.bias, TEMPLATE_SIZE / 4 / BOX_SCALE)
    # Products of 96 features would swamp what follows; the second normalisation starts small instead.
    nn.init.constant_(network.neck.BN_z.weight, network.architecture.channels**-0.5)
    return network


def _groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def _gather(replicas: list[LightTrack]) -> None:
    # Gradients and running statistics become the replicas' means.
    if len(replicas) == 1:
        return
    for parameters in zip(*(replica.parameters() for replica in replicas), strict=True):
        parameters[0].grad = torch.stack([one.grad for one in parameters if one.grad is not None]).mean(0)
    for buffers in zip(*(replica.buffers() for replica in replicas), strict=True):
        if buffers[0].is_floating_point():
            buffers[0].copy_(torch.stack(buffers).mean(0))


@torch.no_grad()
def _spread(replicas: list[LightTrack]) -> None:
    state = replicas[0].state_dict()
    for replica in replicas[1:]:
        for name, tensor in replica.state_dict().items():
            tensor.copy_(state[name])


def _trim(curve: Path, step: int) -> None:
    if curve.exists():
        lines = curve.read_text(encoding="utf-8").splitlines(keepends=True)
        curve.write_text("".join(lines[:step]), encoding="utf-8")
