"""A network that is loaded into a runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.registry import RuntimeEntry
from evalkit.runtimes import exports, parity
from evalkit.runtimes.adapter import Arrays, Execute, create_adapter
from evalkit.runtimes.first_calls import FirstCalls
from evalkit.types import Execution, NetworkPart


@dataclass(frozen=True)
class StartedNetwork:
    """A network that was started at one set of input shapes.

    Attributes:
        execute: Executes it.
        any_batch: True if it takes batches of any size.
        folder: Folder of its files; None where the runtime executes the module itself.
        differences: For each output, the largest difference from torch in fp32 relative to the largest value; 0 for
            torch itself.
    """

    execute: Execute
    any_batch: bool
    folder: Path | None
    differences: tuple[float, ...]


class LoadedNetwork:
    """A network as a function of arrays, executed by a runtime.

    A runtime knows the shapes of the inputs in advance, which allows it to optimise. Other shapes, such as those of a
    larger search crop, are started by ``prepare``, or else by the first call with them. Where a runtime takes one image
    at a time, a batch is executed one by one.

    Args:
        runtime: The runtime.
        part: The network.
        execution: Precision, device and threads, which the runtime supports; see ``find_runtime``.
        samples: Called for real inputs of the network if int8 has to be calibrated.

    Raises:
        EvalkitError: The runtime is not installed, cannot express the network, or its outputs differ too much from
            torch's.
    """

    def __init__(
        self,
        runtime: RuntimeEntry,
        part: NetworkPart,
        execution: Execution,
        *,
        samples: Callable[[], Sequence[Arrays]] | None = None,
    ) -> None:
        self.runtime = runtime
        self.part = part
        self.execution = execution
        self._samples = samples
        self._adapter = create_adapter(runtime)
        self._started: dict[tuple[tuple[int, ...], ...], StartedNetwork] = {}
        self._first_calls = FirstCalls(part, runtime.name, execution.precision)
        self._started_at(part.example)

    def __call__(self, *inputs: NDArray[Any]) -> Arrays:
        """Execute the network.

        Args:
            *inputs: One array per input of the network, with equal first dimensions, the batch.

        Returns:
            One float32 array per output of the network.

        Raises:
            EvalkitError: An output contains NaN, and torch's output for the same inputs does not.
        """
        outputs = self._execute(inputs)
        if not self._is_reference:
            self._first_calls.record(inputs, outputs)
            if any(np.isnan(output).any() for output in outputs):
                self._first_calls.check_nan(inputs)
        return outputs

    def prepare(self, *inputs: NDArray[Any]) -> None:
        """Start the network for the shapes of these inputs, and compare it with torch there.

        The first call with new shapes would do so as well, inside of the clock of a frame.

        Raises:
            EvalkitError: See ``__init__``.
        """
        self._started_at(inputs)

    def verify_first_calls(self) -> None:
        """Compare the outputs of the first calls with those of torch in fp32; later calls of this method do nothing.

        It takes as long as the network takes on the CPU, so it is called where no clock runs.

        Raises:
            EvalkitError: They differ by more than the tolerance of the precision.
        """
        self._first_calls.verify()

    def _execute(self, inputs: Arrays) -> Arrays:
        started = self._started_at(inputs)
        batch = inputs[0].shape[0]
        if batch == 1 or started.any_batch or self.part.fixed_shapes:
            return started.execute(*inputs)
        rows = [started.execute(*(value[index : index + 1] for value in inputs)) for index in range(batch)]
        return tuple(np.concatenate(column) for column in zip(*rows, strict=True))

    @property
    def properties(self) -> dict[str, Any]:
        """Properties of the execution that ``run.json`` records; JSON values."""
        return {
            "runtime": self.runtime.name, "runtime_version": self.runtime.version,
            "precision": self.execution.precision, "device": self.execution.device, "threads": self.execution.threads,
        }  # fmt: skip

    @property
    def differences(self) -> dict[str, float]:
        """By output: the largest difference from torch in fp32 at the example's shapes, relative to the maximum."""
        return dict(zip(self.part.outputs, self._started_at(self.part.example).differences, strict=False))

    @property
    def folder(self) -> Path:
        """Folder of the files that were exported for the example's shapes, with their manifest.

        Raises:
            ValueError: This runtime executes the module itself.
        """
        folder = self._started_at(self.part.example).folder
        if folder is None:
            raise ValueError(f"{self.runtime.name} executes the module itself and writes no files")
        return folder

    def _started_at(self, inputs: Sequence[NDArray[Any]]) -> StartedNetwork:
        key = self._key(inputs)
        if key not in self._started:
            example = tuple(np.zeros(shape, value.dtype) for shape, value in zip(key, inputs, strict=True))
            known = key == tuple(value.shape for value in self.part.example)
            self._started[key] = self._start(self.part if known else replace(self.part, example=example))
        return self._started[key]

    def _key(self, inputs: Sequence[NDArray[Any]]) -> tuple[tuple[int, ...], ...]:
        """Return the shapes that a network is started for, with batch 1 unless the runtime needs the exact one."""
        if self.part.fixed_shapes:
            return tuple(value.shape for value in inputs)
        batch = inputs[0].shape[0] if self.runtime.fixed_batch else 1
        return tuple((batch, *value.shape[1:]) for value in inputs)

    def _start(self, part: NetworkPart) -> StartedNetwork:
        samples = self._samples_of_shape(part)
        folder, any_batch = None, True
        if self.runtime.format:
            folder = exports.find_or_export(
                part, self._adapter, runtime=self.runtime, precision=self.execution.precision, samples=samples
            )
            any_batch = exports.accepts_any_batch(folder)
            execute = self._adapter.start(part, folder, self.execution)
        else:
            execute = self._adapter.start(part, self.execution)
        return StartedNetwork(execute, any_batch, folder, self._compare_with_torch(execute, part, samples))

    @property
    def _is_reference(self) -> bool:
        return (self.runtime.name, self.execution.precision, self.execution.device) == ("torch", "fp32", "cpu")

    def _compare_with_torch(self, execute: Execute, part: NetworkPart, samples: Sequence[Arrays]) -> tuple[float, ...]:
        if self._is_reference:
            return (0.0,) * len(part.outputs)
        inputs = samples[:2] or [parity.inputs_for(part.example)]
        runtime, precision = self.runtime.name, self.execution.precision
        exact = parity.reference(part)
        answers = [exact(*values) for values in inputs]
        found = parity.largest_differences(execute, answers, inputs)
        parity.check_differences(found, part, runtime=runtime, precision=precision)
        parity.overwrite_freed_memory(part.module, self.execution.device)
        again = parity.largest_differences(execute, answers, inputs)
        when = " after freed memory was overwritten"
        parity.check_differences(again, part, runtime=runtime, precision=precision, when=when)
        return found

    def _samples_of_shape(self, part: NetworkPart) -> Sequence[Arrays]:
        """Return the calibration inputs of exactly these shapes; none for other precisions than int8."""
        if self.execution.precision != "int8" or self._samples is None:
            return ()
        shapes = [value.shape for value in part.example]
        return [inputs for inputs in self._samples() if [value.shape for value in inputs] == shapes]
