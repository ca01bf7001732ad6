"""PyTorch, eager: the module is executed as it is, with the channels first or last in memory."""

from __future__ import annotations

from evalkit import registry
from evalkit.runtimes.adapter import Execute
from evalkit.runtimes.torch_execution import copy_module, execute_forward, find_device
from evalkit.types import Execution, NetworkPart


@registry.runtime(
    "torch", summary="PyTorch, eager", precisions=("fp32", "bf16", "fp16", "tf32"), devices=("cpu", "cuda", "mps")
)
class EagerTorch:
    """Executes the module with tensors in PyTorch's default order in memory."""

    channels_last = False

    def start(self, part: NetworkPart, execution: Execution) -> Execute:
        """Return the module as a function of arrays."""
        device = find_device(execution.device)
        module = copy_module(part, device, precision=execution.precision, channels_last=self.channels_last)
        return execute_forward(module, execution, device, channels_last=self.channels_last)


@registry.runtime(
    "torch-channels-last",
    summary="PyTorch, eager, channels last in memory",
    precisions=("fp32", "bf16", "fp16", "tf32"),
    devices=("cpu", "cuda"),
)
class ChannelsLastTorch(EagerTorch):
    """Executes the module with weights and images that have the channels last in memory."""

    channels_last = True
