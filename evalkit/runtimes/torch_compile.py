"""PyTorch with ``torch.compile``, which needs a C++ compiler on the CPU."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Execute
from evalkit.runtimes.torch_execution import computing_in, copy_module, execute_forward, find_device, to_tensor
from evalkit.types import Execution, NetworkPart

if TYPE_CHECKING:
    import torch


@registry.runtime(
    "torch-compile",
    summary="PyTorch, torch.compile (needs a C++ compiler, which the first start keeps busy for a minute or more)",
    precisions=("fp32", "bf16", "fp16", "tf32"),
    devices=("cpu", "cuda"),
    start_seconds=40,
    once="torch",
)
class CompiledTorch:
    """Compiles the module when it is started, not in the middle of a measurement."""

    def start(self, part: NetworkPart, execution: Execution) -> Execute:
        """Return the compiled module as a function of arrays."""
        device = find_device(execution.device)
        example = [to_tensor(value, device) for value in part.example]
        module = copy_module(part, device, precision=execution.precision)
        return execute_forward(_compile(module, example, execution.precision), execution, device)


def _compile(module: torch.nn.Module, example: list[torch.Tensor], precision: str) -> Callable[..., Any]:
    import torch

    try:
        with warnings.catch_warnings(), torch.inference_mode(), computing_in(precision, example[0].device):
            warnings.simplefilter("ignore")
            forward: Callable[..., Any] = torch.compile(module, dynamic=False)
            forward(*example)
    except RuntimeError as error:
        raise EvalkitError(
            f"torch.compile does not work here: {type(error).__name__}: {str(error).strip().splitlines()[0]}",
            where="--runtime torch-compile", hint="It needs a C++ compiler; --runtime torch needs none", exit_code=1,
        ) from error  # fmt: skip
    return forward
