"""A network loaded into a runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.runtimes import exports, parity
from evalkit.runtimes.catalogue import Runtime
from evalkit.runtimes.parity import Arrays, Execute
from evalkit.types import NetworkPart


@dataclass(frozen=True)
class Started:
    """The network at one set of shapes.

    Attributes:
        folder: Of its files; None where the runtime executes the module itself.
        differences: From torch in fp32, per output, relative to its largest value; 0 for torch itself.
    """

    execute: Execute
    any_batch: bool
    folder: Path | None
    differences: tuple[float, ...]


class Program:
    """A function of arrays that says how it computes.

    Shapes are fixed inside a runtime, which is what lets it plan ahead; a size that was not met before (a larger
    search crop) is loaded when it comes. A runtime that takes one image at a time is given a batch one by one.
    """

    def __init__(
        self,
        runtime: Runtime,
        part: NetworkPart,
        *,
        precision: str,
        device: str,
        threads: int,
        samples: Callable[[], Sequence[Arrays]] | None = None,
    ) -> None:
        self.runtime = runtime
        self.part = part
        self.precision = precision
        self.device = device
        self.threads = threads
        self._samples = samples
        self._started: dict[tuple[tuple[int, ...], ...], Started] = {}
        self._at(part.example)

    def __call__(self, *inputs: NDArray[Any]) -> Arrays:
        started = self._at(inputs)
        batch = inputs[0].shape[0]
        if batch == 1 or started.any_batch:
            return started.execute(*inputs)
        rows = [started.execute(*(value[index : index + 1] for value in inputs)) for index in range(batch)]
        return tuple(np.concatenate(column) for column in zip(*rows, strict=True))

    @property
    def facts(self) -> dict[str, Any]:
        """What ``run.json`` must know of the computation. JSON values only."""
        return {
            "runtime": self.runtime.name, "runtime_version": self.runtime.version, "precision": self.precision,
            "device": self.device, "threads": self.threads,
        }  # fmt: skip

    @property
    def differences(self) -> dict[str, float]:
        """By output: the largest difference from torch in fp32 at the example's shapes, relative to the maximum."""
        return dict(zip(self.part.outputs, self._at(self.part.example).differences, strict=False))

    @property
    def folder(self) -> Path:
        """Where the files of the export at the example's shapes are, with their manifest.

        Raises:
            ValueError: This runtime has no format.
        """
        folder = self._at(self.part.example).folder
        if folder is None:
            raise ValueError(f"{self.runtime.name} executes the module itself and writes no files")
        return folder

    def _at(self, inputs: Sequence[NDArray[Any]]) -> Started:
        batch = inputs[0].shape[0] if self._captures else 1
        key = tuple((batch, *value.shape[1:]) for value in inputs)
        if key not in self._started:
            example = tuple(np.zeros(shape, value.dtype) for shape, value in zip(key, inputs, strict=True))
            known = key == tuple(value.shape for value in self.part.example)
            self._started[key] = self._start(self.part if known else replace(self.part, example=example))
        return self._started[key]

    @property
    def _captures(self) -> bool:
        """Whether an execution is recorded once and replayed, which fixes the size of the batch as well."""
        return self.runtime.name == "torch-cuda-graph"

    def _start(self, part: NetworkPart) -> Started:
        adapter = self.runtime.adapter()
        samples = self._fitting_samples(part)
        folder = None
        any_batch = True
        if self.runtime.format:
            folder = exports.cached(part, runtime=self.runtime, precision=self.precision, samples=samples)
            any_batch = exports.takes_any_batch(folder)
        execute: Execute = adapter.start(
            part, folder, runtime=self.runtime.name, precision=self.precision, device=self.device, threads=self.threads
        )
        return Started(execute, any_batch, folder, self._compare(execute, part, samples))

    def _compare(self, execute: Execute, part: NetworkPart, samples: Sequence[Arrays]) -> tuple[float, ...]:
        if self.runtime.name == "torch" and self.precision == "fp32" and self.device == "cpu":
            return (0.0,) * len(part.outputs)
        from evalkit.runtimes._torch import reference

        probes = samples[:2] or [parity.probe(part.example)]
        found = parity.compare(execute, reference(part), probes)
        parity.check(found, part, runtime=self.runtime.name, precision=self.precision)
        return found

    def _fitting_samples(self, part: NetworkPart) -> Sequence[Arrays]:
        """Calibration inputs of exactly these shapes."""
        if self.precision != "int8" or self._samples is None:
            return ()
        shapes = [value.shape for value in part.example]
        return [inputs for inputs in self._samples() if [value.shape for value in inputs] == shapes]
