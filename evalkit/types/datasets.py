"""Sequences, their annotations, and datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError, UnknownName, listed, suggestion
from evalkit.names import NameIndex, ambiguous
from evalkit.types.regions import Box, Boxes, Image, Region

Family: TypeAlias = Literal["otb", "lasot", "got10k", "trackingnet", "vot", "uav"]
"""Benchmarks for which toolkits have rules of their own."""


class Frames(Protocol):
    """Frames of a sequence, decoded when they are asked for.

    Indexing from 0 returns RGB images, uint8 of shape (H, W, 3). It raises ``EvalkitError``, naming the file, where a
    frame cannot be read.
    """

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
        ignored: One region per frame whose pixels no overlap counts (VOTS), None where there is none; None if the
            benchmark has no such regions.
    """

    boxes: Boxes
    regions: tuple[Region | None, ...] | None = None
    flags: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    anchors: NDArray[np.int64] | None = None
    ignored: tuple[Region | None, ...] | None = None


@dataclass(frozen=True, eq=False)
class Sequence:
    """One video and its annotation; both are read when first asked for.

    Attributes:
        name: The benchmark's own name for it.
        read: Reads the annotation; called at most once.
        frames: The images; None where there are only annotations.
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
        video: Name of the video, where several targets of it are a sequence each (VOTS); None where the video has the
            name of the sequence.
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
    video: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def annotation(self) -> Annotation:
        """The annotation, read when first asked for.

        Raises:
            EvalkitError: Its files are missing, damaged, or of another number of rows.
        """
        return self.read()

    @property
    def groundtruth(self) -> Boxes:
        """Shape (N, 4), in the coordinates of the annotation file."""
        return self.annotation.boxes

    @property
    def flags(self) -> Mapping[str, NDArray[Any]]:
        """Per-frame arrays by name; see ``Annotation.flags``."""
        return self.annotation.flags

    def region(self, index: int) -> Region | None:
        """The annotated region of a frame, in the coordinates of the file; None where there is none."""
        return region_at(self.annotation.regions, self.annotation.boxes, index)

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
        tags: Names of the per-frame flags of an annotation that are attributes to score by.
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

    Raises:
        EvalkitError: ``family`` is not one of the known families.

    Attributes:
        name: evalkit's name, e.g. ``otb100``.
        directory: Folder of its results, e.g. ``OTB100``.
        version: Version of evalkit's reading of it; rises when the same files give other numbers.
        origin: Coordinate of the top left pixel in its files, 0 or 1.
        sequences: In the official order.
        expected: Names of all official sequences, also those that are not on disk.
        protocols: Names of protocols it can be run under, the official one first.
        profiles: Metric profiles it can be scored with, the official one first.
        layout: Name of the result layout written for it (``evalkit.results.layouts``).
        family: Family of benchmarks whose rules toolkits apply to it: ``otb``, ``lasot``, ``got10k``, ``trackingnet``,
            ``vot``, ``uav`` (UAV123 and its like); None where toolkits have no rules for it.
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
    family: Family | None = None
    vot: VotRules = VotRules()
    root: Path | None = None
    repetitions: int = 1

    def __post_init__(self) -> None:
        if self.family not in (None, *get_args(Family)):
            raise EvalkitError(
                "unknown family of benchmarks", where=self.name, found=repr(self.family),
                expected=f"None or one of {', '.join(get_args(Family))}",
            )  # fmt: skip
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


def region_at(regions: tuple[Region | None, ...] | None, boxes: Boxes, index: int) -> Region | None:
    """Return the region of a frame; None where it is unknown.

    Args:
        regions: One per frame, or None where there are only boxes.
        boxes: Shape (N, 4).
    """
    if regions is not None:
        return regions[index]
    row = boxes[index]
    return None if np.isnan(row).any() else Box(*row.tolist())
