"""Trackers, how their networks are executed, and what they answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalkit.types.datasets import Sequence, region_at
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
class FrameContext:
    """Information about a frame besides its pixels, for trackers that need it.

    Attributes:
        sequence: The sequence; its groundtruth is not for trackers.
        order: Numbers of this frame and of those that follow, counted from 0, in the order in which they are shown.
        origin: Coordinate of the top left pixel in the benchmark's files, 0 or 1.
        image: The image that the next call gets.
        region: The region that ``initialize`` gets next, in 0-based pixels; None if the next call is ``update``.
    """

    sequence: Sequence
    order: range
    origin: int
    image: Image
    region: Region | None = None

    @property
    def starts(self) -> bool:
        """True if the next call is ``initialize``."""
        return self.region is not None

    @property
    def file(self) -> Path | None:
        """Image file of the frame; None where frames are no files, as those of a video."""
        return self.file_of(self.order[0])

    def file_of(self, number: int) -> Path | None:
        """Return the image file of a frame of the sequence, counted from 0; None where frames are no files."""
        find = getattr(self.sequence.frames, "path", None)
        return Path(find(number)).resolve() if callable(find) else None


@runtime_checkable
class ContextTracker(Tracker, Protocol):
    """A tracker that is told about each frame first, e.g. because it takes image files instead of pixels."""

    def before_frame(self, context: FrameContext) -> None:
        """Receive what is known about the next frame. It is called before ``initialize`` and ``update``, untimed."""


@dataclass(frozen=True, eq=False)
class NetworkPart:
    """A pure network of a tracker: what cost counts and what runtimes export and execute.

    Attributes:
        name: ``template`` (once per initialisation) or ``search`` (once per frame).
        module: A ``torch.nn.Module`` in evaluation mode; tensors in, a tensor or tuple of tensors out.
        example: One array per input, batch first, with batch 1; dtype and shape are those of real use.
        inputs: Names of the inputs.
        outputs: Names of the outputs.
        fixed_shapes: True for a network of which nothing is known but its example: it is executed at exactly these
            shapes, whose first dimension need not be the batch.
    """

    name: str
    module: Any
    example: tuple[NDArray[Any], ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fixed_shapes: bool = False


@dataclass(frozen=True, eq=False)
class BareNetwork:
    """Networks that belong to no tracker: they can be counted, timed and exported, but not run on a benchmark.

    Attributes:
        parts: The networks; where ``file`` is set, its inputs and outputs without a module.
        file: An ONNX file that is executed as it is.
        usage: What is known about inputs and outputs, for the manifest of an export: JSON values.
    """

    parts: tuple[NetworkPart, ...] = ()
    file: Path | None = None
    usage: Mapping[str, Any] | None = None


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


@runtime_checkable
class DeferringTracker(Tracker, Protocol):
    """A tracker that can answer a frame later, so that the caller goes on to the next one meanwhile."""

    def update_later(self, image: Image) -> Callable[[], Prediction]:
        """Take the next image as ``update`` does, and return a function that waits for the answer.

        The function raises what ``update`` would have raised.
        """


@runtime_checkable
class DescribedTracker(SplitTracker, Protocol):
    """A ``SplitTracker`` whose export explains itself to people who have no evalkit."""

    def further_parts(self) -> tuple[NetworkPart, ...]:
        """Return the networks for other input sizes that it uses besides those of ``parts``."""

    def usage(self) -> Mapping[str, Any] | None:
        """Return inputs, outputs, decoding and crops in words and numbers, JSON values only; None if unknown."""

    def reference_program(self) -> str:
        """Return the text of a Python program that tracks with the exported ONNX files and this description."""


@dataclass(frozen=True)
class Execution:
    """Runtime, precision, device and threads that a network is executed with.

    Attributes:
        runtime: Name of a registered runtime, e.g. ``torch`` or ``onnxruntime``.
        precision: ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``.
        device: ``cpu``, ``cuda:0``, ``mps``, ``vulkan``.
        threads: Threads of the runtime.
    """

    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Answers of one tracker on one sequence under one protocol in one repetition.

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
