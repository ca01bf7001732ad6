"""What is wrong with a benchmark's files: everything missing, unreadable, mis-sized or mis-counted, by name.

Without ``deep`` nothing is decoded: folders are listed, annotations read, and the headers of a few images; this takes
seconds for thousands of sequences. ``deep`` decodes every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from evalkit.errors import EvalkitError
from evalkit.io.frames import read_image
from evalkit.types import Annotation, Dataset, Frames, Image, Sequence

Size: TypeAlias = tuple[int, int] | EvalkitError


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        sequence: Empty if it concerns the whole benchmark.
        kind: ``missing``, ``unreadable``, ``mis-sized``, ``mis-counted`` or ``annotation``.
        where: File or folder.
    """

    dataset: str
    sequence: str
    kind: str
    where: str
    what: str
    found: str | None = None
    expected: str | None = None

    def record(self) -> dict[str, Any]:
        """For a table or JSON."""
        return asdict(self)


@runtime_checkable
class Listing(Frames, Protocol):
    """Frames that are files of a folder."""

    folder: Path

    def names(self) -> list[str]:
        """All image files, in order."""

    def missing(self, names: list[str]) -> list[str]:
        """Files that belong to annotated rows and are not among the given ones."""

    def matched(self, names: list[str]) -> list[str]:
        """Those of the given files that are the frames; ``EvalkitError`` where they do not match the rows."""

    def size(self, name: str) -> tuple[int, int] | None:
        """Width and height of one of the files, None where it is damaged."""


def inspect(dataset: Dataset, *, deep: bool = False) -> Iterator[Finding]:
    """Look at every sequence of a benchmark.

    Yields:
        Findings as they come up: sequences that are not at hand first, then in the order of the sequences.
    """
    here = {sequence.name for sequence in dataset.sequences}
    for name in dataset.expected:
        if name not in here:
            yield Finding(dataset.name, name, "missing", str(dataset.root or ""), "the sequence is not here")
    with ThreadPoolExecutor() as pool:
        for sequence in dataset.sequences:
            yield from _Inspection(dataset.name, sequence).findings(pool if deep else None)


class _Inspection:
    """Of one sequence."""

    def __init__(self, dataset: str, sequence: Sequence) -> None:
        self._dataset = dataset
        self._sequence = sequence

    def findings(self, pool: ThreadPoolExecutor | None) -> Iterator[Finding]:
        try:
            annotation = self._sequence.read()  # not kept: memory must not grow with the benchmark
        except EvalkitError as error:
            yield self._of_error(error)
            return
        yield from self._of_annotation(annotation)
        frames = self._sequence.frames
        if isinstance(frames, Listing):
            yield from self._of_files(frames, decode=pool is not None)
        elif frames is not None and pool is not None and len(frames) != len(annotation.boxes):
            what = "frames and annotated rows do not match"
            yield self._finding("mis-counted", self._sequence.name, what, len(frames), len(annotation.boxes))
        if frames is not None and pool is not None:
            yield from self._of_decoding(frames, pool)

    def _finding(self, kind: str, where: object, what: str, found: object = None, expected: object = None) -> Finding:
        texts = [None if value is None else str(value) for value in (found, expected)]
        return Finding(self._dataset, self._sequence.name, kind, str(where), what, *texts)

    def _of_error(self, error: EvalkitError) -> Finding:
        if error.where is not None and not Path(error.where).exists() and error.found is None:
            kind = "missing"
        elif isinstance(error.found, int) and isinstance(error.expected, int):
            kind = "mis-counted"
        else:
            kind = "annotation"
        return self._finding(kind, error.where or self._sequence.name, error.what, error.found, error.expected)

    def _of_annotation(self, annotation: Annotation) -> Iterator[Finding]:
        official, rows = self._sequence.official_rows, len(annotation.boxes)
        if official is not None and official != rows:
            what = "the benchmark has another number of rows"
            yield self._finding("mis-counted", self._sequence.name, what, rows, official)
        start = annotation.boxes[0]
        if annotation.anchors is None and not (start[2:] > 0).all():
            found = ",".join(f"{value:g}" for value in start)
            yield self._finding("annotation", self._sequence.name, "no tracker can start from the first row", found)

    def _of_files(self, frames: Listing, *, decode: bool) -> Iterator[Finding]:
        names = frames.names()
        missing = frames.missing(names)
        for name in missing:
            yield self._finding("missing", frames.folder / name, "the frame is missing")
        try:
            frames.matched(names)
        except EvalkitError as error:
            if not missing:
                yield self._finding("mis-counted", error.where, error.what, error.found, error.expected)
        if not decode:
            yield from self._of_headers(frames, names)

    def _of_headers(self, frames: Listing, names: list[str]) -> Iterator[Finding]:
        """Of the first, the middle and the last image."""
        expected = self._sequence.size
        for index in sorted({0, len(names) // 2, len(names) - 1}) if names else ():
            path, size = frames.folder / names[index], frames.size(names[index])
            if size is None:
                yield self._finding("unreadable", path, "the file is damaged or no image")
            elif expected is not None and size != expected:
                yield self._mis_sized(path, size, expected)
            expected = expected or size

    def _of_decoding(self, frames: Frames, pool: ThreadPoolExecutor) -> Iterator[Finding]:
        if isinstance(frames, Listing):
            files = [frames.folder / name for name in frames.names()]
            places: Iterable[object] = files
            sizes: Iterable[Size] = pool.map(lambda file: _size_of(lambda: read_image(file)), files)
        else:
            places = (f"{self._sequence.name}, frame {index + 1}" for index in range(len(frames)))
            sizes = (_size_of(partial(frames.__getitem__, index)) for index in range(len(frames)))
        expected = self._sequence.size
        for place, size in zip(places, sizes, strict=True):
            if isinstance(size, EvalkitError):
                yield self._finding("unreadable", size.where, size.what, size.found, size.expected)
            elif expected is not None and size != expected:
                yield self._mis_sized(place, size, expected)
            else:
                expected = size

    def _mis_sized(self, place: object, size: tuple[int, int], expected: tuple[int, int]) -> Finding:
        texts = [f"{width}x{height}" for width, height in (size, expected)]
        return self._finding("mis-sized", place, "the image has another size", *texts)


def _size_of(load: Callable[[], Image]) -> Size:
    try:
        height, width = load().shape[:2]
    except EvalkitError as error:
        return error
    return width, height
