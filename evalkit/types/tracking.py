"""Trackers, how their networks are executed, and what they answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalkit.types.datasets import region_at
from evalkit.types.regions import Boxes, Image, Region


class FrameState(IntEnum):
    """FrameState of a trajectory at a frame; 0 to 2 are the codes of VOT result files."""

    SKIPPED = 0
    INITIALIZED = 1
    FAILED = 2
    TRACKED = 3


@dataclass(frozen=True)
class Prediction:
    """A tracker's answer on one frame.

    Attributes:
        region: Where the target is, 0-based pixels; None if the tracker says it is not there.
        confidence: Higher is surer; NaN if the tracker does not say.
    """

    region: Region | None
    confidence: float = float("nan")


@runtime_checkable
class Tracker(Protocol):
    """Follows one target at a time; ``initialize`` starts afresh at any moment."""

    def initialize(self, image: Image, region: Region) -> None:
        """Learn the target from one image. ``region`` is in 0-based pixels."""

    def update(self, image: Image) -> Prediction:
        """Locate the target in the next image. Must not write into ``image``."""


@dataclass(frozen=True, eq=False)
class NetworkPart:
    """A pure network of a tracker: what cost counts and what runtimes export and execute.

    Attributes:
        name: ``template`` (once per initialisation) or ``search`` (once per frame).
        module: A ``torch.nn.Module`` in evaluation mode; tensors in, a tensor or tuple of tensors out.
        example: One array per input, batch first, with batch 1; dtype and shape are those of real use.
        inputs: Names of the inputs.
        outputs: Names of the outputs.
    """

    name: str
    module: Any
    example: tuple[NDArray[Any], ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@runtime_checkable
class SplitTracker(Tracker, Protocol):
    """A tracker whose ``update`` is crop, network, locate in a row.

    One network can then serve many sequences at once, and be executed by any runtime.
    """

    card: Mapping[str, Any]
    """What ``run.json`` must know to tell two runs apart: hyperparameters and their source, weights with their
    sha256, runtime, precision. JSON values only. Any tracker may have one."""

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        """The inputs of ``network`` for the next frame, each with a leading batch dimension of 1."""

    def network(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """The response; without state. All inputs may be stacked along the batch dimension."""

    def locate(self, response: tuple[NDArray[Any], ...]) -> Prediction:
        """Read the answer from a response of batch 1 and move the state on."""

    def sibling(self) -> SplitTracker:
        """A tracker with a state of its own that shares this one's network and settings."""

    def parts(self) -> tuple[NetworkPart, ...]:
        """The networks it consists of, ``search`` first."""


@dataclass(frozen=True)
class Execution:
    """How a network is executed.

    Attributes:
        runtime: Name of a registered runtime, e.g. ``torch`` or ``onnxruntime``.
        precision: ``fp32``, ``fp16``, ``bf16`` or ``int8``.
        device: ``cpu``, ``cuda:0``, ``mps``, ``vulkan``.
        threads: Threads of the runtime.
    """

    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What one tracker answered on one sequence under one protocol in one repetition.

    Attributes:
        boxes: Shape (N, 4), in the coordinates of the benchmark's files; NaN rows where there is no answer.
        regions: One per frame where the answers are more than boxes, else None.
        confidence: Shape (N,); NaN where unknown.
        seconds: Shape (N,); time inside ``initialize`` or ``update``; NaN where unknown.
        states: Shape (N,), values of ``FrameState``.
        kind: How the boxes were given: ``rect``, or the type of OTB's toolkit of the transformation that they were
            computed from, such as ``ivtAff``. That toolkit repairs invalid boxes of ``rect`` only.
        may_be_short: True for a file of OTB's toolkit with fewer rows than the annotation, which that toolkit scores.
        cpu_seconds: CPU time of the calling thread inside the tracker, all frames together; NaN where it was not
            measured, as in trajectories that were read.
        repetition: Counted from 1.
        anchor: Frame a multi-start run began at, 0-based; None elsewhere. Backward runs are in run order.
        video: As of the sequence: the name of the video that several targets share, else None.
    """

    tracker: str
    sequence: str
    protocol: str
    boxes: Boxes
    regions: tuple[Region | None, ...] | None
    confidence: NDArray[np.float64]
    seconds: NDArray[np.float64]
    states: NDArray[np.int8]
    repetition: int = 1
    anchor: int | None = None
    video: str | None = None
    cpu_seconds: float = math.nan
    kind: str = "rect"
    may_be_short: bool = False

    def region(self, index: int) -> Region | None:
        """The answer at a frame, in the coordinates of the file; None where there is none."""
        return region_at(self.regions, self.boxes, index)

    def __len__(self) -> int:
        return len(self.boxes)
