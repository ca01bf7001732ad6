"""Check a dataset's files: sequences and frames that are missing, unreadable, of another size or of another number.

A quick check lists the folders, reads all annotations and the headers of a few images per sequence, and counts the
frames of videos; thousands of sequences of images take seconds. A deep check decodes every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from evalkit import progress
from evalkit.errors import EvalkitError
from evalkit.io.frames import read_image
from evalkit.types import Annotation, Dataset, Frames, Image, Sequence

SizeOrError: TypeAlias = tuple[int, int] | EvalkitError
"""Width and height of a frame, or the reason why it cannot be decoded."""


@dataclass(frozen=True)
class DataFinding:
    """One defect of a dataset's files.

    Attributes:
        dataset: Name of the dataset.
        sequence: Name of the sequence; empty if the finding concerns the whole dataset.
        kind: ``missing``, ``unreadable``, ``mis-sized``, ``mis-counted`` or ``annotation``.
        where: File or folder.
        what: The defect, in a few words.
        found: The value that was found; None where that says nothing.
        expected: The value that was expected; None where that says nothing.
        whole_sequence: True where nothing of the sequence is on disk.
    """

    dataset: str
    sequence: str
    kind: str
    where: str
    what: str
    found: str | None = None
    expected: str | None = None
    whole_sequence: bool = False

    def record(self) -> dict[str, Any]:
        """Return the flat record for a table or JSON: all fields but ``whole_sequence``."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "whole_sequence"}

    def line(self) -> str:
        """Return one line of text: kind, place, defect, and the values in parentheses."""
        values = [f"found {self.found}"] if self.found is not None else []
        values += [f"expected {self.expected}"] if self.expected is not None else []
        details = f" ({', '.join(values)})" if values else ""
        return f"{self.kind:<11}  {self.sequence if self.whole_sequence else self.where}: {self.what}{details}"


@runtime_checkable
class ImageFolder(Frames, Protocol):
    """Frames that are image files of one folder, as ``evalkit.datasets.building.FolderImages``.

    Attributes:
        folder: The folder.
    """

    folder: Path

    def names(self) -> list[str]:
        """Return the names of all image files, in order."""

    def missing(self, names: list[str]) -> list[str]:
        """Return the names of the frames that are not among the given image files."""

    def select(self, names: list[str]) -> list[str]:
        """Return those of the given image files that are the frames.

        Raises:
            EvalkitError: They do not match the annotated rows.
        """

    def size(self, name: str) -> tuple[int, int] | None:
        """Return width and height of an image file; None if it is damaged."""


def check_files(
    dataset: Dataset, *, deep: bool = False, sequences: Iterable[str] | None = None
) -> Iterator[DataFinding]:
    """Check the sequences of a dataset.

    Args:
        dataset: The dataset, as opened from its folder.
        deep: Decode every frame.
        sequences: Names of the only sequences to check; None for all.

    Yields:
        Findings as they are made: first the sequences that are not on disk, then the others in order.
    """
    present = {sequence.name for sequence in dataset.sequences}
    wanted = chosen_names(dataset, sequences)
    for name in dataset.expected:
        if name in wanted and name not in present:
            place = str(dataset.root or "")
            yield DataFinding(dataset.name, name, "missing", place, "the sequence is not on disk", whole_sequence=True)
    frames_expected = has_frames(dataset)
    with ThreadPoolExecutor() as pool:
        chosen = [sequence for sequence in dataset.sequences if sequence.name in wanted]
        for sequence in progress.each(chosen, lambda sequence: f"{dataset.name}: checking {sequence.name}"):
            if frames_expected and not _frames_exist(sequence):
                what = "its frames are not here"
                place = str(dataset.root or "")
                yield DataFinding(dataset.name, sequence.name, "missing", place, what, whole_sequence=True)
            yield from _SequenceCheck(dataset.name, sequence).findings(pool if deep else None)


def chosen_names(dataset: Dataset, sequences: Iterable[str] | None) -> set[str]:
    """Return the names of the sequences that are checked, on disk or not; all of the dataset without a choice.

    Raises:
        UnknownName: The dataset has no such sequence.
    """
    known = {sequence.name for sequence in dataset.sequences}.union(dataset.expected)
    return known if sequences is None else {name if name in known else dataset.find(name).name for name in sequences}


def has_frames(dataset: Dataset) -> bool:
    """Return whether any sequence has frames; annotations alone are enough to score, but not to track."""
    return any(map(_frames_exist, dataset.sequences))


def _frames_exist(sequence: Sequence) -> bool:
    frames = sequence.frames
    return bool(frames.names()) if isinstance(frames, ImageFolder) else frames is not None


class _SequenceCheck:
    """The checks of one sequence."""

    def __init__(self, dataset: str, sequence: Sequence) -> None:
        self._dataset = dataset
        self._sequence = sequence

    def findings(self, pool: ThreadPoolExecutor | None) -> Iterator[DataFinding]:
        """Yield all findings; frames are decoded in ``pool``, or not at all without one."""
        try:
            annotation = self._sequence.read()  # not kept: memory must not grow with the dataset
        except EvalkitError as error:
            yield self._unreadable_annotation(error)
            return
        yield from self._check_annotation(annotation)
        frames = self._sequence.frames
        if frames is None or not _frames_exist(self._sequence):
            return
        if isinstance(frames, ImageFolder):
            yield from self._check_folder(frames, headers=pool is None)
        else:
            yield from self._check_count(frames, len(annotation.boxes))
        if pool is not None:
            yield from self._decode(frames, pool)

    def _finding(
        self, kind: str, where: object, what: str, found: object = None, expected: object = None
    ) -> DataFinding:
        return DataFinding(
            self._dataset, self._sequence.name, kind, str(where), what,
            found=None if found is None else str(found), expected=None if expected is None else str(expected),
        )  # fmt: skip

    def _unreadable_annotation(self, error: EvalkitError) -> DataFinding:
        if error.where is not None and not Path(error.where).exists() and error.found is None:
            kind = "missing"
        elif isinstance(error.found, int) and isinstance(error.expected, int):
            kind = "mis-counted"
        else:
            kind = "annotation"
        return self._finding(kind, error.where or self._sequence.name, error.what, error.found, error.expected)

    def _check_annotation(self, annotation: Annotation) -> Iterator[DataFinding]:
        official, rows = self._sequence.official_rows, len(annotation.boxes)
        if official is not None and official != rows:
            what = "the number of annotated rows is not the benchmark's"
            yield self._finding("mis-counted", self._sequence.name, what, rows, official)
        anchors = annotation.anchors
        starts = [self._first_known_row(annotation)] if anchors is None else np.flatnonzero(anchors).tolist()
        for index in starts:
            start = annotation.boxes[index] if index < rows else np.full(4, np.nan)
            if (start[2:] > 0).all():
                continue
            row = "the first row" if anchors is None else f"row {index + 1}, at an anchor,"
            found = ",".join(f"{value:g}" for value in start)
            yield self._finding("annotation", self._sequence.name, f"{row} is not a box to start from", found)

    def _check_count(self, frames: Frames, rows: int) -> Iterator[DataFinding]:
        """Count the frames of a video, which decodes it once: the number that a container states is often wrong."""
        try:
            count = len(frames)
        except EvalkitError as error:
            yield self._finding("unreadable", error.where or self._sequence.name, error.what, error.found)
            return
        if count != rows:
            what = "the numbers of frames and annotated rows differ"
            yield self._finding("mis-counted", self._sequence.name, what, count, rows)

    def _first_known_row(self, annotation: Annotation) -> int:
        """Return the row that a tracker starts from: the first, or of an object of a video (VOTS) the first known."""
        known = np.flatnonzero(~np.isnan(annotation.boxes).any(axis=1))
        return int(known[0]) if self._sequence.video is not None and known.size else 0

    def _check_folder(self, frames: ImageFolder, *, headers: bool) -> Iterator[DataFinding]:
        """Yield missing and surplus images, and with ``headers`` those of another size among a few."""
        names = frames.names()
        missing = frames.missing(names)
        for name in missing:
            yield self._finding("missing", frames.folder / name, "the frame is missing")
        try:
            names = frames.select(names)
        except EvalkitError as error:
            if not missing:
                yield self._finding("mis-counted", error.where, error.what, error.found, error.expected)
        if headers:
            yield from self._check_headers(frames, names)

    def _check_headers(self, frames: ImageFolder, names: list[str]) -> Iterator[DataFinding]:
        """Check the sizes of the first, the middle and the last image."""
        expected = self._sequence.size
        for index in sorted({0, len(names) // 2, len(names) - 1}) if names else ():
            path, size = frames.folder / names[index], frames.size(names[index])
            if size is None:
                yield self._finding("unreadable", path, "the file is damaged or not an image")
            elif expected is not None and size != expected:
                yield self._other_size(path, size, expected)
            expected = expected or size

    def _decode(self, frames: Frames, pool: ThreadPoolExecutor) -> Iterator[DataFinding]:
        """Decode every frame; where images and rows do not match, all images of the folder."""
        if isinstance(frames, ImageFolder):
            files = [frames.folder / name for name in _frame_names(frames)]
            places: Iterable[object] = files
            sizes: Iterable[SizeOrError] = pool.map(lambda file: _size_of(lambda: read_image(file)), files)
        else:
            places = (f"{self._sequence.name}, frame {index + 1}" for index in range(len(frames)))
            sizes = (_size_of(partial(frames.__getitem__, index)) for index in range(len(frames)))
        expected = self._sequence.size
        for place, size in zip(places, sizes, strict=True):
            if isinstance(size, EvalkitError):
                yield self._finding("unreadable", size.where, size.what, size.found, size.expected)
            elif expected is not None and size != expected:
                yield self._other_size(place, size, expected)
            else:
                expected = size

    def _other_size(self, place: object, size: tuple[int, int], expected: tuple[int, int]) -> DataFinding:
        texts = [f"{width}x{height}" for width, height in (size, expected)]
        return self._finding("mis-sized", place, "the image has another size than the others", *texts)


def _frame_names(frames: ImageFolder) -> list[str]:
    names = frames.names()
    try:
        return frames.select(names)
    except EvalkitError:
        return names


def _size_of(load: Callable[[], Image]) -> SizeOrError:
    try:
        height, width = load().shape[:2]
    except EvalkitError as error:
        return error
    return width, height
