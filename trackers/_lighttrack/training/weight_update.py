"""The update of weights from their gradients: clipping, AdamW, and the running mean of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from evalkit.trackers._lighttrack.training.plan import Phase, TrainingPlan


class WeightUpdate:
    """Optimizer and running mean of the weights that are trained.

    ``apply`` waits for nothing on the device if ``on_device`` is set: the learning rates and the weight of the running
    mean are tensors there, which ``set_step`` fills, and the optimizer is PyTorch's fused one, whose kernels a CUDA
    graph can contain.

    Args:
        parameters: What is trained, by name; those of the backbone begin with ``features.``.
        trained: All tensors of which ``average`` holds the running mean; whole numbers are counters and copied.
        average: The running mean of ``trained``, in the same order.
        plan: Learning rates, weight decay, clipping and averaging.
        on_device: Keep numbers that change from step to step on the device.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        trained: Iterable[Tensor],
        average: Iterable[Tensor],
        plan: TrainingPlan,
        *,
        on_device: bool,
    ) -> None:
        self._plan, self._on_device = plan, on_device
        self._parameters = list(parameters.values())
        pairs = list(zip(average, trained, strict=True))
        self._average = [mean for mean, _ in pairs if mean.is_floating_point()]
        self._trained = [new for _, new in pairs if new.is_floating_point()]
        self._counted_average = [count for count, _ in pairs if not count.is_floating_point()]
        self._counted = [count for _, count in pairs if not count.is_floating_point()]
        device = self._parameters[0].device
        groups = parameter_groups(parameters, plan.decay)
        options: dict[str, Any] = {"fused": True, "capturable": True} if on_device else {}
        if on_device:
            groups = [{**group, "lr": torch.tensor(plan.rate, device=device)} for group in groups]
        self._optimizer = torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98), **options)
        self._mean_weight: float | Tensor = torch.zeros((), device=device) if on_device else 0.0

    @torch.no_grad()
    def start_from_average(self) -> None:
        """Set the weights to their running mean."""
        torch._foreach_copy_(self._trained, self._average)
        if self._counted:
            torch._foreach_copy_(self._counted, self._counted_average)

    def set_step(self, step: int) -> None:
        """Set the learning rates and the weight of the running mean for a step of the plan."""
        phase, rate = self._plan.phase_at(step), self._plan.rate_at(step)
        for group in self._optimizer.param_groups:
            group["lr"] = _set(group["lr"], rate * (self._plan.backbone_factor(phase) if group["backbone"] else 1.0))
        self._mean_weight = _set(self._mean_weight, _mean_weight(self._plan, phase, step))

    @torch.no_grad()
    def apply(self) -> Tensor:
        """Update weights and running mean from the gradients, and return the norm of the gradients before clipping."""
        if self._on_device:
            match_layouts(self._parameters)
        norm = nn.utils.clip_grad_norm_(self._parameters, self._plan.clip)
        self._optimizer.step()
        move_towards(self._average, self._trained, self._mean_weight)
        if self._counted:
            torch._foreach_copy_(self._counted_average, self._counted)
        return norm

    def zero_gradients(self) -> None:
        """Delete all gradients."""
        self._optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """Return the state of the optimizer for a checkpoint."""
        return self._optimizer.state_dict()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of an optimizer, which may have been on another kind of device."""
        ours = ("lr", "fused", "capturable", "foreach")
        groups = [
            {**saved, **{name: own[name] for name in ours}}
            for saved, own in zip(state["param_groups"], self._optimizer.param_groups, strict=True)
        ]
        self._optimizer.load_state_dict({**state, "param_groups": groups})


def _mean_weight(plan: TrainingPlan, phase: Phase, step: int) -> float:
    """Return the weight of new values in the running mean, which is larger in the first steps of a phase."""
    done = step - phase.start
    return 1 - min(plan.average, (1 + done) / (10 + done))


def _set(current: float | Tensor, value: float) -> float | Tensor:
    return current.fill_(value) if isinstance(current, Tensor) else value


def match_layouts(parameters: Iterable[nn.Parameter]) -> None:
    """Give gradients the memory layout of their weights, which the fused optimizer takes for granted."""
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is not None and not _has_same_layout(parameter, gradient):
            parameter.grad = torch.empty_like(parameter).copy_(gradient)


def _has_same_layout(one: Tensor, other: Tensor) -> bool:
    # The stride of a dimension of 1 is arbitrary.
    strides = zip(one.shape, one.stride(), other.stride(), strict=True)
    return all(mine == yours for count, mine, yours in strides if count > 1)


def move_towards(mean: list[Tensor], new: list[Tensor], weight: float | Tensor) -> None:
    """Add ``weight`` times the difference to ``new`` to each tensor of ``mean``, in a few kernels for all of them."""
    if isinstance(weight, Tensor):
        difference = torch._foreach_sub(new, mean)
        torch._foreach_mul_(difference, weight)
        torch._foreach_add_(mean, difference)
    else:
        torch._foreach_lerp_(mean, new, weight)


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
