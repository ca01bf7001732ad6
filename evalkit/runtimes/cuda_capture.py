"""Capture a function of tensors as a CUDA graph, and replay it on the contents of the same tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_WARMUP = 3


class CapturedFunction:
    """A function that was captured once and is replayed as a CUDA graph.

    A graph stores addresses, not references: memory that it reads and that nobody keeps is given to the next tensor,
    and the graph then computes on that. So the function, with the modules it uses, and the tensors are attributes of
    this object, and live as long as it does.

    Args:
        function: Computes outputs from ``inputs``. It is executed ``warmup`` times before the capture and recorded
            during it, so changes that it makes to tensors are made in these executions as well. It must not
            synchronise.
        inputs: The tensors that it is called with; a replay reads their contents.
        device: The GPU.
        warmup: Executions before the capture, in which cuDNN allocates its workspaces and an optimizer its state; the
            capture itself computes nothing. 0 if the function was executed before, on ``stream``.
        stream: Stream of the warm-up and of the capture; a new one if None.

    Attributes:
        inputs: The tensors to copy new values into before ``replay``.
        outputs: What the function returned; every replay overwrites its tensors.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Sequence[torch.Tensor],
        device: torch.device,
        *,
        warmup: int = _WARMUP,
        stream: torch.cuda.Stream | None = None,
    ) -> None:
        import torch

        self.function = function
        self.inputs = tuple(inputs)
        self._graph = torch.cuda.CUDAGraph()
        # A stream belongs to one GPU, and the stream that a capture uses by default is one of the first GPU.
        stream = stream or torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(warmup):
                function(*self.inputs)
        torch.cuda.current_stream(device).wait_stream(stream)
        # Other threads may allocate memory or copy frames during the capture.
        with torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"):
            self.outputs = function(*self.inputs)

    def replay(self) -> Any:
        """Compute again from the contents of ``inputs``, on the current stream, and return ``outputs``."""
        self._graph.replay()
        return self.outputs
