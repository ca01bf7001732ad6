"""Training of a supernet: every step trains several paths that share its tensors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evalkit.io import atomic
from evalkit.trackers._lighttrack import entangled, supernet
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.search.shared_weights import SharedWeights
from evalkit.trackers._lighttrack.search.space import (
    BLOCK_CHOICES,
    BLOCKS,
    DEFAULT_OUTPUTS,
    path_string,
    uniform_genes,
)
from evalkit.trackers._lighttrack.search.spreading import sort_blocks
from evalkit.trackers._lighttrack.training.depthwise import use_fast_weight_gradient
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, check_plan
from evalkit.trackers._lighttrack.training.objectives import Objective, Objectives
from evalkit.trackers._lighttrack.training.pair_supply import MadePairs, PairRequest, PairsAhead, supply_pairs
from evalkit.trackers._lighttrack.training.pairs import Pairs
from evalkit.trackers._lighttrack.training.path_sampling import PathSampler
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.pointwise import use_fast_pointwise
from evalkit.trackers._lighttrack.training.step import StepLosses, StepMode, StepRecord, autocast
from evalkit.trackers._lighttrack.training.subnet_training import initial_network
from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.teacher_initialization import initialize_from_teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank
from evalkit.trackers._lighttrack.training.weight_update import WeightUpdate

LAYOUTS = ("entangled", "separate")
"""Names of the ways in which paths share tensors."""


@dataclass(frozen=True)
class SupernetPlan(TrainingPlan):
    """Everything that determines the training of a supernet; ``path`` is only a label.

    Attributes:
        sampling: How the paths of a step are chosen; see ``PathSampler``. The batch is shared equally among them.
        layout: ``entangled`` or ``separate``, which has a tensor of its own for every choice as the official supernet.
        outputs: Outputs that are trained.
    """

    path: str = "supernet"
    batch: int = 48
    sampling: str = "fair"
    layout: str = "entangled"
    outputs: tuple[tuple[int, int], ...] = DEFAULT_OUTPUTS


class SupernetTraining:
    """The state of a supernet's training: shared tensors, their running mean, optimizer, step.

    Args:
        plan: Determines the run.
        bank: Tiles that pairs are composed of, on the device to train on.
        teacher: Initialises the backbone, and is imitated in the imitation phase if the plan has one.
        start: Shared tensors to start from instead of initial ones.
        tracker: Trained tracker that all paths are also distilled from.
        mode: How steps are executed; the fastest way on the device if None. Steps are never captured as graphs,
            because each one trains other paths.
    """

    def __init__(
        self,
        plan: SupernetPlan,
        bank: TileBank,
        teacher: Teacher | None = None,
        start: SharedWeights | None = None,
        *,
        tracker: LightTrack | None = None,
        mode: StepMode | None = None,
    ) -> None:
        self.plan, self.bank = plan, bank
        self.device = bank.backgrounds.device
        self.mode = mode or StepMode.of(self.device)
        self.step = 0
        torch.manual_seed(plan.seed)
        state = (start or initial_weights(plan, teacher)).state
        leaves = {name: nn.Parameter(tensor.to(self.device, copy=True)) for name, tensor in state.items()}
        self.shared = SharedWeights(leaves, is_entangled=plan.layout == "entangled")
        average = {name: tensor.detach().clone() for name, tensor in leaves.items()}
        self.average = SharedWeights(average, is_entangled=plan.layout == "entangled")
        self._sampler = PathSampler(plan.sampling, plan.outputs, plan.seed)
        self._objectives = Objectives(bank, plan.seed, teacher, tracker)
        self._update = WeightUpdate(leaves, leaves.values(), average.values(), plan, on_device=self.mode.on_device)
        self._pairs = PairsAhead(bank, partial(_requests, plan, self._sampler), steps=plan.steps, depth=self.mode.ahead)

    def run_step(self) -> StepRecord:
        """Run one step: one update from the gradients of all its paths."""
        phase, rate, size = self.plan.phase_at(self.step), self.plan.rate_at(self.step), self.plan.size_at(self.step)
        if self.step == phase.start > 0:
            self._update.start_from_average()
        self._update.set_step(self.step)
        self._update.zero_gradients()
        objective, paths = self._objectives.of_phase(phase.name), _paths(self.plan, self._sampler, self.step)
        parts, seconds = [], []
        for path, made in zip(paths, self._supply(), strict=True):
            start = time.thread_time()
            parts.append(self._accumulate(path, objective, made.pairs, size, len(paths)))
            seconds.append((made.seconds, time.thread_time() - start))
        losses = StepLosses.join(parts, self._update.apply())
        self.step += 1
        return StepRecord(self.step, rate, size, losses, *zip(*seconds, strict=True))

    def _supply(self) -> Iterable[MadePairs]:
        if self.mode.ahead:
            return self._pairs.take(self.step)
        return (supply_pairs(self.bank, request) for request in _requests(self.plan, self._sampler, self.step))

    def _accumulate(self, path: str, objective: Objective, pairs: Pairs, size: int, paths: int) -> dict[str, Tensor]:
        """Add the gradients of one path's share of the batch, one of ``paths``, and return its losses."""
        network = self.shared.view(path)
        use_fast_weight_gradient(network)
        use_fast_pointwise(network)
        with autocast(self.plan.precision, self.device):
            losses = objective(network, pairs, size)
        (losses["loss"] / paths).backward()  # type: ignore[no-untyped-call]
        return losses

    def save(self, folder: Path) -> None:
        """Write the checkpoint atomically.

        Raises:
            EvalkitError: The file cannot be written.
        """
        state = {
            "plan": asdict(self.plan),
            "step": self.step,
            "shared": {name: tensor.detach() for name, tensor in self.shared.state.items()},
            "average": self.average.state,
            "optimizer": self._update.state(),
        }
        with atomic.replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def restore(self, folder: Path) -> None:
        """Continue from the checkpoint in a folder.

        Raises:
            EvalkitError: It belongs to another plan; only the number of steps may differ.
        """
        state: dict[str, Any] = torch.load(folder / CHECKPOINT, weights_only=True, map_location=self.device)
        check_plan(state["plan"], self.plan, asdict(self.plan).keys() - {"steps"}, where=folder / CHECKPOINT)
        self.step = state["step"]
        _copy(state["shared"], self.shared.state)
        _copy(state["average"], self.average.state)
        self._update.restore(state["optimizer"])


def _paths(plan: SupernetPlan, sampler: PathSampler, step: int) -> list[str]:
    return sampler.paths(step, whole_backbone=plan.phase_at(step).name == "imitation")


def _requests(plan: SupernetPlan, sampler: PathSampler, step: int) -> list[PairRequest]:
    paths, size = _paths(plan, sampler, step), plan.size_at(step)
    share = max(plan.batch // len(paths), 2)
    return [PairRequest(share, (plan.seed, step, index), size) for index in range(len(paths))]


@torch.no_grad()
def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    for name, tensor in target.items():
        tensor.copy_(source[name])


def initial_weights(plan: SupernetPlan, teacher: Teacher | None) -> SharedWeights:
    """Return random shared tensors with the weights of a teacher in the backbone, if there is one."""
    make = _initial_entangled if plan.layout == "entangled" else _initial_separate
    return SharedWeights(make(plan, teacher), is_entangled=plan.layout == "entangled")


def _initial_entangled(plan: SupernetPlan, teacher: Teacher | None) -> dict[str, Tensor]:
    stages = sorted({stage for stage, _ in plan.outputs} | {3})
    networks = {stage: _initial_subnet(entangled.largest(stage).path, plan, teacher) for stage in stages}
    state = entangled.initial_supernet(networks)
    sort_blocks(state)
    return state


def _initial_separate(plan: SupernetPlan, teacher: Teacher | None) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for choice in range(BLOCK_CHOICES):
        for stage in sorted({stage for stage, _ in plan.outputs} | {3}, reverse=True):
            path = path_string(uniform_genes(choice, (stage, BLOCKS[stage] - 1)))
            network = _initial_subnet(path, plan, teacher)
            for name, parameter in network.named_parameters():
                state.setdefault(supernet.supernet_key(name, network.architecture), parameter.detach().clone())
    return state


def _initial_subnet(path: str, plan: SupernetPlan, teacher: Teacher | None) -> LightTrack:
    network = initial_network(path, momentum=plan.momentum)
    if teacher is not None:
        initialize_from_teacher(network.features, teacher)
    return network
