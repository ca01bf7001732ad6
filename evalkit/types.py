"""The core types of evalkit; its parts pass nothing else to one another.

Coordinates are pixels. Annotations and results keep the coordinates of the file they came from;
``Dataset.origin`` says whether the top left pixel is 0 or 1 there. Trackers always see 0-based pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import UnknownName, listed, suggestion
from evalkit.names import NameIndex, ambiguous

Boxes: TypeAlias = NDArray[np.float64]
"""Shape (N, 4): x, y of the top left corner, width, height, in pixels. A NaN row: no annotation, or no answer."""

Image: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), RGB."""

Floats: TypeAlias = NDArray[np.float64]
"""Any float64 array; its shape is documented where it is used."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle: top left corner and size, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def array(self) -> NDArray[np.float64]:
        """Shape (4,): x, y, width, height."""
        return np.array([self.x, self.y, self.width, self.height], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Polygon:
    """A closed polygon.

    Attributes:
        points: Shape (K, 2), K >= 3: x, y of each corner in order.
    """

    points: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mask:
    """A set of pixels.

    Attributes:
        bitmap: Shape (h, w), boolean; the mask's own bounding rectangle or a larger one.
        x: Column of the bitmap's first column in the image.
        y: Row of the bitmap's first row in the image.
    """

    bitmap: NDArray[np.bool_]
    x: int = 0
    y: int = 0


Region: TypeAlias = Box | Polygon | Mask
"""One target region."""


class FrameState(IntEnum):
    """FrameState of a trajectory at a frame; 0 to 2 are the codes of VOT result files."""

    SKIPPED = 0
    INITIALIZED = 1
    FAILED = 2
    TRACKED = 3


class Frames(Protocol):
    """Frames decoded on demand. Indexing raises ``EvalkitError`` naming the file that cannot be read."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Image: ...


@dataclass(frozen=True, eq=False)
class Annotation:
    """A benchmark's annotation of one sequence, as written in its files.

    Attributes:
        boxes: Shape (N, 4); NaN rows where nothing is annotated.
        regions: One per frame where the benchmark annotates more than boxes, else None.
        flags: Per-frame arrays of shape (N,): ``absent``, ``full_occlusion``, ``out_of_view``,
            ``cut_by_image`` (boolean), ``cover`` (eighths, 0 to 8), VOT tags by their own names (boolean).
        anchors: Shape (N,), VOT2020 and later: +1 a forward start, -1 a backward start, 0 none.
    """

    boxes: Boxes
    regions: tuple[Region | None, ...] | None = None
    flags: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    anchors: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Sequence:
    """One video and its annotation; both are read when first asked for.

    Attributes:
        name: The benchmark's own name for it.
        read: Reads the annotation; called at most once.
        frames: The images, or None where only annotations are at hand.
        attributes: The benchmark's attribute abbreviations that apply to the whole sequence.
        fps: Frame rate of the video where the benchmark states it.
        size: Width and height of the frames where the benchmark states it.
        language: The sentence that describes the target, where there is one.
        official_rows: Number of annotated rows that the benchmark states; None where it does not.
        omitted_rows: Number of rows at the start of the video that the official evaluation leaves out and the
            annotation does not contain (OTB's ``Tiger1``: 5).
        other_names: Further names that toolkits use, beyond other spellings of ``name`` (OTB's ``Human4-2``: Human4).
        exact_name: True where another sequence of the benchmark differs only in case, ``-``, ``.`` or ``_``, so that
            files of this one are found by the exact name only. ``Dataset`` sets it.
        meta: Further text that the benchmark publishes (GOT-10k's ``meta_info.ini``, ...).
    """

    name: str
    read: Callable[[], Annotation]
    frames: Frames | None = None
    attributes: frozenset[str] = frozenset()
    fps: float | None = None
    size: tuple[int, int] | None = None
    language: str | None = None
    official_rows: int | None = None
    omitted_rows: int = 0
    other_names: tuple[str, ...] = ()
    exact_name: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def annotation(self) -> Annotation:
        return self.read()

    @property
    def groundtruth(self) -> Boxes:
        """Shape (N, 4), in the coordinates of the annotation file."""
        return self.annotation.boxes

    @property
    def flags(self) -> Mapping[str, NDArray[Any]]:
        return self.annotation.flags

    def region(self, index: int) -> Region | None:
        """The annotated region of a frame, in the coordinates of the file; None where there is none."""
        return _region(self.annotation.regions, self.annotation.boxes, index)

    def __len__(self) -> int:
        """Number of frames to evaluate: rows of the annotation."""
        return len(self.annotation.boxes)


@dataclass(frozen=True)
class VotRules:
    """Parameters of the VOT protocols and measures, which differ between editions of the challenge.

    Source: the VOT challenge reports and vot-toolkit's ``stack/*.yaml``.

    Attributes:
        burn_in: Frames that accuracy ignores after each initialisation, the first one included.
        skip: Frames from a failure to the next initialisation (supervised).
        realtime_grace: Frames that a tracker may be late before the realtime protocol repeats its last answer.
        eao_interval: First and last sequence length that EAO averages over, counted from 1; None: EAO is undefined.
        failure_overlap: Overlap up to which a frame counts as lost (multi-start).
        failure_grace: Number of consecutive lost frames that make a failure (multi-start).
        unsupervised_burn_in: Frames that the unsupervised average overlap ignores at the start.
        tags: Names of the per-frame tags.
    """

    burn_in: int = 10
    skip: int = 5
    realtime_grace: int = 3
    eao_interval: tuple[int, int] | None = None
    failure_overlap: float = 0.1
    failure_grace: int = 10
    unsupervised_burn_in: int = 10
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A benchmark as found on this machine.

    Attributes:
        name: evalkit's name, e.g. ``otb100``.
        directory: Folder of its results, e.g. ``OTB100``.
        version: Version of evalkit's reading of it; rises when the same files give other numbers.
        origin: Coordinate of the top left pixel in its files, 0 or 1.
        sequences: In the official order.
        expected: Names of all official sequences, also those that are not at hand.
        protocols: Names of protocols it can be run under, the official one first.
        profiles: Metric profiles it can be scored with, the official one first.
        layout: Name of the result layout written for it (``evalkit.results.layouts``).
        family: Benchmark family whose rules toolkits apply to it: ``otb``, ``lasot``, ``got10k``, ``trackingnet``,
            ``vot``, ``uav``; None where toolkits have no rules for it.
        vot: Parameters of the VOT protocols and measures.
        root: Folder it was read from; None when it is rendered.
        repetitions: Number of runs that the benchmark prescribes for a stochastic tracker.
    """

    name: str
    directory: str
    version: str
    origin: int
    sequences: tuple[Sequence, ...]
    expected: tuple[str, ...]
    protocols: tuple[str, ...]
    profiles: tuple[str, ...]
    layout: str
    family: str | None = None
    vot: VotRules = VotRules()
    root: Path | None = None
    repetitions: int = 1

    def __post_init__(self) -> None:
        unclear = ambiguous([*self.expected, *(sequence.name for sequence in self.sequences)])
        if unclear:
            sequences = tuple(
                replace(sequence, exact_name=True) if sequence.name in unclear else sequence
                for sequence in self.sequences
            )
            object.__setattr__(self, "sequences", sequences)

    def sequence(self, name: str) -> Sequence:
        """Return the sequence of that exact name.

        Raises:
            KeyError: No such sequence is on disk.
        """
        return self._by_name[name]

    def find(self, name: str, *, where: str | None = None) -> Sequence:
        """Return the sequence of that name, exact or in another spelling that no other sequence shares.

        Args:
            where: Start of the error message; ``<dataset>/<name>`` by default.

        Raises:
            UnknownName: There is no such sequence, or it is not on disk.
        """
        found = self._index.find(name)
        if found is not None:
            return self._by_name[found]
        official = NameIndex(self.expected).find(name) is not None
        present = list(self._by_name)
        raise UnknownName(
            "this sequence is not on disk" if official else "no such sequence",
            where=where or f"{self.name}/{name}",
            found=listed(present),
            hint=suggestion(name, present) or f"`evalkit data check {self.name}` lists what is on disk",
        )

    @cached_property
    def _by_name(self) -> dict[str, Sequence]:
        return {sequence.name: sequence for sequence in self.sequences}

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(self._by_name, self.expected)


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


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What one tracker answered on one sequence under one protocol in one repetition.

    Attributes:
        boxes: Shape (N, 4), in the coordinates of the benchmark's files; NaN rows where there is no answer.
        regions: One per frame where the answers are more than boxes, else None.
        confidence: Shape (N,); NaN where unknown.
        seconds: Shape (N,); time inside ``initialize`` or ``update``; NaN where unknown.
        states: Shape (N,), values of ``FrameState``.
        repetition: Counted from 1.
        anchor: Frame a multi-start run began at, 0-based; None elsewhere. Backward runs are in run order.
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

    def region(self, index: int) -> Region | None:
        """The answer at a frame, in the coordinates of the file; None where there is none."""
        return _region(self.regions, self.boxes, index)

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class Score:
    """One number with everything needed to say what it is.

    Attributes:
        metric: E.g. ``auc``.
        profile: The toolkit convention it was computed by, e.g. ``otb-matlab``.
        version: Of the metric's computation; rises when the same files give another number.
        value: None where it does not exist (a tag without frames).
        unit: ``fraction``, ``%``, ``count``, ``failures/100 frames``, ``1/s``, ...
        higher_is_better: Direction.
        sequences: Number of sequences scored.
        expected_sequences: Number the benchmark has.
        low, high: Confidence interval of ``value``; None where none was computed.
        per_sequence: Value by sequence; None where it does not exist.
        curve: Abscissa and ordinate, each of shape (K,), where the metric summarises a curve.
        attribute: Attribute or tag it is restricted to; None for all.
        notes: Official rules that were applied to damaged rows, with counts, one sentence each.
        fps: Frame rate of a video that does not wait for the tracker; None where it waits.
    """

    tracker: str
    dataset: str
    protocol: str
    metric: str
    profile: str
    version: int
    value: float | None
    unit: str
    higher_is_better: bool
    sequences: int
    expected_sequences: int
    low: float | None = None
    high: float | None = None
    per_sequence: Mapping[str, float | None] = field(default_factory=dict)
    curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    attribute: str | None = None
    notes: tuple[str, ...] = ()
    fps: float | None = None

    def record(self) -> dict[str, Any]:
        """The flat JSON record; its fields are a contract of the command line."""
        record = {
            "tracker": self.tracker,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "metric": self.metric,
            "profile": self.profile,
            "metric_version": self.version,
            "value": _finite(self.value),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "sequences": self.sequences,
            "expected_sequences": self.expected_sequences,
        }
        asked_for = {"attribute": self.attribute, "fps": self.fps}
        return {**record, **{field: value for field, value in asked_for.items() if value is not None}}


@dataclass(frozen=True)
class Cost:
    """One cost of one tracker, with the circumstances it holds under.

    Attributes:
        quantity: ``macs``, ``parameters``, ``latency_p50``, ``fps``, ...
        convention: How it was counted or timed, e.g. ``conv``, ``all``, ``thop-2020``.
        value: None where it could not be had; ``not_counted`` then says why.
        input: Shapes of the input it holds for.
        not_counted: Operators or stages left out.
    """

    tracker: str
    quantity: str
    convention: str
    value: float | None
    unit: str
    input: str = ""
    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1
    not_counted: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The flat JSON record; its fields are a contract of the command line."""
        return {**asdict(self), "value": _finite(self.value), "not_counted": list(self.not_counted)}


def _region(regions: tuple[Region | None, ...] | None, boxes: Boxes, index: int) -> Region | None:
    if regions is not None:
        return regions[index]
    row = boxes[index]
    return None if np.isnan(row).any() else Box(*row.tolist())


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
