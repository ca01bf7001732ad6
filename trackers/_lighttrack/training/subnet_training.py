"""Training of a subnet: a network, its replicas for the threads of a CPU, and the running mean of its weights."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from evalkit.io import atomic
from evalkit.trackers._lighttrack.architecture import parse_path_string
from evalkit.trackers._lighttrack.network import BOX_SCALE, TEMPLATE_SIZE, LightTrack
from evalkit.trackers._lighttrack.training.depthwise import use_fast_weight_gradient
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, check_plan
from evalkit.trackers._lighttrack.training.objectives import Objective, Objectives
from evalkit.trackers._lighttrack.training.pair_supply import PairRequest, PairsAhead, supply_pairs
from evalkit.trackers._lighttrack.training.pairs import Pairs
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.pointwise import use_fast_pointwise
from evalkit.trackers._lighttrack.training.step import StepLosses, StepMode, StepRecord, autocast
from evalkit.trackers._lighttrack.training.step_graphs import StepGraphs
from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.teacher_initialization import initialize_from_teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank
from evalkit.trackers._lighttrack.training.weight_update import WeightUpdate

Seconds: TypeAlias = Sequence[tuple[float, float]]
"""CPU seconds of each part of a batch, for making its pairs and for the network."""
CONTINUED = ("path", "seed", "precision", "start", "distilled")
"""Fields of the plan that a continued training must not change."""


class Training:
    """The state of a training run: network, running mean of its weights, optimizer, step.

    Args:
        plan: Determines the run.
        bank: Tiles that pairs are composed of, on the device to train on.
        teacher: Initialises the backbone, and is imitated in the imitation phase if the plan has one.
        start: Trained network of the same architecture whose weights and statistics to start from.
        tracker: Trained tracker that the network is also distilled from.
        mode: How steps are executed; the fastest way on the device if None.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        bank: TileBank,
        teacher: Teacher | None = None,
        *,
        start: LightTrack | None = None,
        tracker: LightTrack | None = None,
        mode: StepMode | None = None,
    ) -> None:
        self.plan, self.bank = plan, bank
        self.device = bank.backgrounds.device
        self.mode = mode or StepMode.of(self.device)
        self.step = 0
        torch.manual_seed(plan.seed)
        self.network = initial_network(plan.path, momentum=plan.momentum)
        if teacher is not None:
            initialize_from_teacher(self.network.features, teacher)
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        self._objectives = Objectives(bank, plan.seed, teacher, tracker)
        use_fast_weight_gradient(self.network)
        use_fast_pointwise(self.network)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self._replicas = [self.network, *(copy.deepcopy(self.network) for _ in range(plan.workers - 1))]
        self._update = WeightUpdate(
            dict(self.network.named_parameters()), self.network.state_dict().values(),
            self.average.state_dict().values(), plan, on_device=self.mode.on_device,
        )  # fmt: skip
        self._pool = ThreadPoolExecutor(plan.workers, initializer=torch.set_num_threads, initargs=(1,))
        self._pairs = PairsAhead(bank, partial(_requests, plan), steps=plan.steps, depth=self.mode.ahead)
        self._graphs = None if self.mode.capture is None else StepGraphs(self.device, self.mode.capture)

    def run_step(self) -> StepRecord:
        """Run one step.

        On a CPU the parts of the batch are computed by one thread each. In a mode that makes pairs ahead, one thread
        queues the work of all parts and returns before the device has done it.
        """
        phase, rate, size = self.plan.phase_at(self.step), self.plan.rate_at(self.step), self.plan.size_at(self.step)
        if self.step == phase.start > 0:
            self._update.start_from_average()
            _copy_to_replicas(self._replicas)
        self._update.set_step(self.step)
        compute = self._compute_ahead if self.mode.ahead else self._compute_here
        losses, seconds = compute(self._objectives.of_phase(phase.name), size, key=(phase.name, size))
        self.step += 1
        return StepRecord(self.step, rate, size, losses, *zip(*seconds, strict=True))

    def _compute_here(self, objective: Objective, size: int, key: object) -> tuple[StepLosses, Seconds]:
        """Make the pairs of each part of the batch and compute its gradients in a thread of its own."""
        requests = _requests(self.plan, self.step)

        def compute_part(worker: int) -> tuple[dict[str, Tensor], tuple[float, float]]:
            made = supply_pairs(self.bank, requests[worker])
            start = time.thread_time()
            losses = self._accumulate(worker, objective, made.pairs, size)
            return losses, (made.seconds, time.thread_time() - start)

        parts, seconds = zip(*self._pool.map(compute_part, range(self.plan.workers)), strict=True)
        return self._apply(parts), seconds

    def _compute_ahead(self, objective: Objective, size: int, key: object) -> tuple[StepLosses, Seconds]:
        """Queue the step for the device, as a graph if the mode says so, on pairs that were made ahead."""
        made = self._pairs.take(self.step)
        start = time.thread_time()

        def compute(*tensors: Tensor) -> StepLosses:
            pairs = [Pairs(*tensors[index : index + 3]) for index in range(0, len(tensors), 3)]
            return self._apply([self._accumulate(worker, objective, one, size) for worker, one in enumerate(pairs)])

        inputs = [tensor for one in made for tensor in one.pairs.tensors()]
        losses = compute(*inputs) if self._graphs is None else self._graphs.execute(key, compute, inputs)
        seconds = (time.thread_time() - start) / len(made)
        return losses, [(one.seconds, seconds) for one in made]

    def _accumulate(self, worker: int, objective: Objective, pairs: Pairs, size: int) -> dict[str, Tensor]:
        """Compute the gradients of one worker's share of the batch in its replica, and return the losses."""
        network = self._replicas[worker]
        network.zero_grad(set_to_none=True)
        with autocast(self.plan.precision, self.device):
            losses = objective(network, pairs, size)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        return losses

    def _apply(self, parts: Sequence[dict[str, Tensor]]) -> StepLosses:
        """Update the weights from the gradients of all parts of the batch, and return the losses with their norm."""
        _average_replicas(self._replicas)
        norm = self._update.apply()
        _copy_to_replicas(self._replicas)
        return StepLosses.join(parts, norm)

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
            "optimizer": self._update.state(),
        }
        with atomic.replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def restore(self, folder: Path) -> None:
        """Continue from the checkpoint in a folder.

        Raises:
            EvalkitError: It belongs to a plan that differs in one of ``CONTINUED``.
        """
        state: dict[str, Any] = torch.load(folder / CHECKPOINT, weights_only=True, map_location=self.device)
        check_plan(state["plan"], self.plan, CONTINUED, where=folder / CHECKPOINT)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._update.restore(state["optimizer"])
        _copy_to_replicas(self._replicas)
        if self._graphs is not None:
            self._graphs.reset()


def _requests(plan: TrainingPlan, step: int) -> list[PairRequest]:
    share, size = plan.batch // plan.workers, plan.size_at(step)
    return [PairRequest(share, (plan.seed, step, worker), size) for worker in range(plan.workers)]


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
    for replica in replicas[1:]:
        torch._foreach_copy_(list(replica.state_dict().values()), list(replicas[0].state_dict().values()))
