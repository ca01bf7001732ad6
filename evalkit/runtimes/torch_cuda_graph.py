"""PyTorch on CUDA: one execution is captured as a CUDA graph and replayed on new inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.runtimes.cuda_capture import CapturedFunction
from evalkit.runtimes.torch_execution import computing_in, copy_module, find_device, to_arrays, to_tensor
from evalkit.types import Execution, NetworkPart


@registry.runtime(
    "torch-cuda-graph",
    summary="PyTorch, captured once and replayed as a CUDA graph",
    precisions=("fp32", "bf16", "fp16", "tf32"),
    devices=("cuda",),
    fixed_batch=True,
)
class CudaGraph:
    """Captures the execution at the shapes of the example, batch included."""

    def start(self, part: NetworkPart, execution: Execution) -> Execute:
        """Return a function that copies arrays into the inputs of the graph, replays it and copies the outputs."""
        import torch

        device = find_device(execution.device)
        example = [to_tensor(value, device) for value in part.example]
        module = copy_module(part, device, precision=execution.precision)
        with torch.inference_mode(), computing_in(execution.precision, device), torch.cuda.device(device):
            captured = CapturedFunction(module, example, device)

        def execute(*inputs: NDArray[Any]) -> Arrays:
            with torch.inference_mode():
                for tensor, value in zip(captured.inputs, inputs, strict=True):
                    tensor.copy_(torch.from_numpy(np.ascontiguousarray(value)))
                return to_arrays(captured.replay())

        return execute
