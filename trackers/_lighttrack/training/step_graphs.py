"""Execution of training steps as CUDA graphs: one launch instead of thousands."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from evalkit.trackers._lighttrack.training.step import StepLosses

WARMUP = 3
"""Steps of each shape that are executed in eager mode before the capture; they allocate what the graph uses."""


class StepGraphs:
    """Executes the steps of one shape at a time: the first ones in eager mode, all others by replaying one graph.

    All steps are executed on one stream, which the current stream waits for. Every step is a step of the training:
    nothing is executed only for the capture, and the capture itself computes nothing.

    Args:
        device: Device of the training.
        capture: Returns an object like ``CapturedFunction`` for a function, its inputs and a device.
    """

    def __init__(self, device: torch.device, capture: Callable[..., Any]) -> None:
        self._device, self._capture = device, capture
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self.reset()

    def reset(self) -> None:
        """Free the graph and its memory."""
        self._key: Hashable = None
        self._executed = 0
        self._graph: Any = None
        if self._stream is not None:
            torch.cuda.empty_cache()

    def execute(self, key: Hashable, function: Callable[..., StepLosses], inputs: Sequence[Tensor]) -> StepLosses:
        """Execute a step.

        Args:
            key: Equal for steps that differ in nothing but the contents of tensors; another one frees the graph.
            function: The step as a function of its inputs. It must not synchronise.
            inputs: Tensors of the same shapes for equal keys.
        """
        if key != self._key:
            self.reset()
            self._key = key
        with self._on_own_stream():
            if self._executed < WARMUP:
                self._executed += 1
                return function(*inputs)
            return self._replay(function, inputs)

    def _replay(self, function: Callable[..., StepLosses], inputs: Sequence[Tensor]) -> StepLosses:
        if self._graph is None:
            own = [tensor.clone() for tensor in inputs]
            self._graph = self._capture(function, own, self._device, warmup=0, stream=self._stream)
        torch._foreach_copy_(list(self._graph.inputs), list(inputs))
        losses: StepLosses = self._graph.replay()
        return StepLosses(losses.names, losses.values.clone())

    @contextmanager
    def _on_own_stream(self) -> Iterator[None]:
        if self._stream is None:
            yield
            return
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)
