"""Training of a supernet: every step trains several paths that share its tensors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evalkit.errors import EvalkitError
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
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, initial_network, parameter_groups
from evalkit.trackers._lighttrack.training.objectives import Objective, create_objectives
from evalkit.trackers._lighttrack.training.pairs import make_pairs
from evalkit.trackers._lighttrack.training.path_sampling import PathSampler
from evalkit.trackers._lighttrack.training.plan import Phase, TrainingPlan
from evalkit.trackers._lighttrack.training.pointwise import use_fast_pointwise
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.teacher_initialization import initialize_from_teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

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
    """

    def __init__(
        self, plan: SupernetPlan, bank: TileBank, teacher: Teacher | None = None, start: SharedWeights | None = None
    ) -> None:
        self.plan, self.bank = plan, bank
        self.step = 0
        device = bank.backgrounds.device
        torch.manual_seed(plan.seed)
        state = (start or initial_weights(plan, teacher)).state
        leaves = {name: nn.Parameter(tensor.to(device, copy=True)) for name, tensor in state.items()}
        self.shared = SharedWeights(leaves, is_entangled=plan.layout == "entangled")
        average = {name: tensor.detach().clone() for name, tensor in leaves.items()}
        self.average = SharedWeights(average, is_entangled=plan.layout == "entangled")
        self._sampler = PathSampler(plan.sampling, plan.outputs, plan.seed)
        self._objectives: dict[str, Objective] = create_objectives(bank, plan.seed, teacher)
        self._optimizer = torch.optim.AdamW(parameter_groups(leaves, plan.decay), lr=plan.rate, betas=(0.9, 0.98))

    def run_step(self) -> dict[str, float]:
        """Run one step: one update from the gradients of all its paths.

        Returns:
            The mean losses of the paths, and the other values of ``Training.run_step``.
        """
        phase, rate, size = self.plan.phase_at(self.step), self.plan.rate_at(self.step), self.plan.size_at(self.step)
        if self.step == phase.start > 0:
            _copy(self.average.state, self.shared.state)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * (self.plan.backbone_factor(phase) if group["backbone"] else 1.0)
        self._optimizer.zero_grad(set_to_none=True)
        paths = self._sampler.paths(self.step, whole_backbone=phase.name == "imitation")
        parts = [self._accumulate(index, path, phase, size, len(paths)) for index, path in enumerate(paths)]
        norm = nn.utils.clip_grad_norm_(self.shared.state.values(), self.plan.clip)
        self._optimizer.step()
        self._update_average(phase)
        self.step += 1
        mean = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
        return {"step": self.step, **mean, "norm": float(norm), "rate": rate, "size": size}

    def _accumulate(self, index: int, path: str, phase: Phase, size: int, paths: int) -> dict[str, float]:
        """Add the gradients of one path's share of the batch, and return its losses."""
        start = time.thread_time()
        pairs = make_pairs(
            self.bank, SeededRandom(max(self.plan.batch // paths, 2), self.plan.seed, self.step, index), size
        )
        made = time.thread_time()
        network = self.shared.view(path)
        use_fast_weight_gradient(network)
        use_fast_pointwise(network)
        losses = self._objectives[phase.name](network, pairs, size)
        (losses["loss"] / paths).backward()  # type: ignore[no-untyped-call]
        seconds = {"pairs_seconds": made - start, "network_seconds": time.thread_time() - made}
        return {**{name: float(loss.detach()) for name, loss in losses.items()}, **seconds}

    @torch.no_grad()
    def _update_average(self, phase: Phase) -> None:
        done = self.step - phase.start
        weight = 1 - min(self.plan.average, (1 + done) / (10 + done))
        for name, mean in self.average.state.items():
            mean.lerp_(self.shared.state[name], weight)

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
            "optimizer": self._optimizer.state_dict(),
        }
        with atomic.replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def restore(self, folder: Path) -> None:
        """Continue from the checkpoint in a folder.

        Raises:
            EvalkitError: It belongs to another plan; only the number of steps may differ.
        """
        device = self.bank.backgrounds.device
        state: dict[str, Any] = torch.load(folder / CHECKPOINT, weights_only=True, map_location=device)
        own = asdict(self.plan)
        for name in own.keys() - {"steps"}:
            if state["plan"].get(name) != own[name]:
                raise EvalkitError(
                    f"this checkpoint was trained with another {name}", where=folder / CHECKPOINT,
                    found=state["plan"].get(name), expected=own[name],
                )  # fmt: skip
        self.step = state["step"]
        _copy(state["shared"], self.shared.state)
        _copy(state["average"], self.average.state)
        self._optimizer.load_state_dict(state["optimizer"])


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
