"""PyTorch with ``torch.compile``, which needs a C++ compiler on the CPU."""

from __future__ import annotations

import warnings

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Execute
from evalkit.runtimes.torch_execution import copy_module, execute_forward, find_device
from evalkit.types import Execution, NetworkPart


@registry.runtime(
    "torch-compile",
    summary="PyTorch, torch.compile (needs a C++ compiler, which the first start keeps busy for a minute or more)",
    precisions=("fp32", "bf16", "fp16", "tf32"),
    devices=("cpu", "cuda"),
    start_seconds=38,
    template_runtime="torch",
)
class CompiledTorch:
    """Compiles the module when it is started, not in the middle of a measurement."""

    def start(self, part: NetworkPart, execution: Execution) -> Execute:
        """Return the compiled module as a function of arrays.

        It is compiled by its first call, in the same way as all later ones: PyTorch compiles again for another number
        of threads, other strides and tensors of another kind.
        """
        import torch

        device = find_device(execution.device)
        module = copy_module(part, device, precision=execution.precision)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                execute = execute_forward(torch.compile(module, dynamic=False), execution, device)
                execute(*part.example)
        except RuntimeError as error:
            raise EvalkitError(
                f"torch.compile does not work here: {type(error).__name__}: {str(error).strip().splitlines()[0]}",
                where="--runtime torch-compile", hint="It needs a C++ compiler; --runtime torch needs none",
                exit_code=1,
            ) from error  # fmt: skip
        return execute
