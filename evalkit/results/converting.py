"""Convert stored results to another toolkit's layout, checked by reading them back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit import progress, registry
from evalkit.errors import EvalkitError, MissingResults
from evalkit.io.atomic import write_bytes
from evalkit.io.temporary import temporary_folder
from evalkit.results import layouts
from evalkit.results.layouts import WritableLayout
from evalkit.results.layouts.base import boxes_last
from evalkit.results.store import Store
from evalkit.types import Dataset, Floats, FrameState, Mask, Polygon, Trajectory

_LARGEST_ROUNDING = 1e-6
"""Largest change of a coordinate, relative to its size, that counts as rounding: that of 32-bit floats is 6e-8."""
_HINT = "Choose another layout; `evalkit list layouts` shows them all"


@dataclass(frozen=True)
class Converted:
    """Result of a conversion.

    Attributes:
        output: Folder that was written to; the tracker's folder is inside of it.
        files: Number of files that were written.
        sequences: Names of the sequences that were converted.
        missing: Names of the benchmark's sequences without results.
        notes: One sentence for each kind of data that the layout has no place for and that was left out.
    """

    output: Path
    files: int
    sequences: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def convert(
    dataset: Dataset, label: str, results: Path, layout: str, output: Path, *, protocol: str | None = None
) -> Converted:
    """Write one tracker's stored results on one benchmark in another layout, below ``output``.

    The files are written to a temporary folder first, read back and compared; nothing is written to ``output`` if they
    differ in a box or in a frame's state.

    Args:
        label: Name of the tracker; the folder in ``output`` has the same.
        layout: Name of the layout to write.
        output: Folder that receives the tracker's folder. Other trackers' results in it are left alone.
        protocol: Name of the protocol of the results; the benchmark's first if None.

    Raises:
        UnknownName: There is no such layout.
        MissingResults: The tracker has no results on the benchmark.
        EvalkitError: The layout cannot be written or cannot hold these results, or ``output`` already holds the
            tracker's folder.
    """
    writer = layouts.writer(layout)
    name = registry.layout.find(layout).name
    store = Store(results, dataset, label, protocol or dataset.protocols[0])
    reading = progress.each(dataset.sequences, lambda sequence: f"reading the result of {sequence.name}")
    runs = {sequence.name: store.read(sequence) for sequence in reading}
    runs = {sequence: found for sequence, found in runs.items() if found}
    if not runs:
        raise MissingResults(
            f"there are no results of {label} on {dataset.name}", where=store.folder,
            hint=f"Run `evalkit run --dataset {dataset.name} --tracker NAME` first, or give --results",
        )  # fmt: skip
    with temporary_folder() as temporary:
        notes = _write_and_check(writer, name, temporary / store.folder.name, dataset, store.protocol, runs)
        files = _copy(temporary, output)
    return Converted(
        output=output,
        files=files,
        sequences=tuple(runs),
        missing=tuple(expected for expected in dataset.expected if expected not in runs),
        notes=tuple(notes),
    )


def _write_and_check(
    layout: WritableLayout, name: str, folder: Path, dataset: Dataset, protocol: str, runs: dict[str, list[Trajectory]]
) -> list[str]:
    """Write all trajectories, and return one note for each kind of data that the layout left out.

    Raises:
        EvalkitError: The layout refuses a trajectory, or what is read back is not what was written.
    """
    notes: dict[str, None] = {}
    for sequence, written in runs.items():
        where = f"{dataset.name}/{sequence}"
        for trajectory in written:
            _write(layout, folder, trajectory, where)
        found = layout.read(folder, dataset.sequence(sequence), protocol)
        if not _same_runs(written, found) or not all(map(_same_answers, written, found)):
            raise EvalkitError(
                f"layout {name} cannot hold this result", where=where,
                found=f"protocol {protocol}, {len(written)} trajectories", hint=_HINT,
            )  # fmt: skip
        notes |= dict.fromkeys(loss for pair in zip(written, found, strict=True) for loss in _losses(*pair))
    return [f"layout {name} has no place for {loss}" for loss in notes]


def _write(layout: WritableLayout, folder: Path, trajectory: Trajectory, where: str) -> None:
    try:
        layout.write(folder, trajectory)
    except EvalkitError as error:  # names a temporary file
        raise EvalkitError(
            error.what, where=where, found=error.found, expected=error.expected, hint=error.hint or _HINT
        ) from error


def _same_runs(written: list[Trajectory], found: list[Trajectory]) -> bool:
    return [(run.repetition, run.anchor, len(run)) for run in written] == [
        (run.repetition, run.anchor, len(run)) for run in found
    ]


def _same_answers(written: Trajectory, found: Trajectory) -> bool:
    """Return whether states, boxes and regions are equal, but for rounding and boxes of initialisations left out."""
    rows = (_states(written) != FrameState.INITIALIZED) | ~np.isnan(found.boxes).any(axis=1)
    return (
        np.array_equal(_states(written), _states(found))
        and _close(written.boxes[rows], found.boxes[rows])
        and (found.regions is None or all(_same_region(written, found, row) for row in np.flatnonzero(rows).tolist()))
    )


def _states(run: Trajectory) -> NDArray[np.int8]:
    """Return the states as every layout can hold them.

    A frame without an answer is a skipped one, as in VOT's files; a single pass starts with an initialisation.
    """
    without = np.isnan(run.boxes).any(axis=1) & (run.states == FrameState.TRACKED)
    states = np.where(without, FrameState.SKIPPED, run.states)
    if run.protocol == "one_pass":
        states[:1] = FrameState.INITIALIZED
    return states


def _same_region(written: Trajectory, found: Trajectory, row: int) -> bool:
    a, b = written.region(row), found.region(row)
    if isinstance(a, Mask):
        return isinstance(b, Mask) and (a.x, a.y) == (b.x, b.y) and np.array_equal(a.bitmap, b.bitmap)
    if isinstance(a, Polygon):
        return isinstance(b, Polygon) and a.points.shape == b.points.shape and _close(a.points, b.points)
    return type(a) is type(b)


def _close(written: Floats, found: Floats) -> bool:
    return np.allclose(written, found, rtol=_LARGEST_ROUNDING, atol=_LARGEST_ROUNDING, equal_nan=True)


def _losses(written: Trajectory, found: Trajectory) -> Iterator[str]:
    """Yield what the trajectory that was read back does not have any more."""
    initialized = _states(written) == FrameState.INITIALIZED
    if _lost(written.boxes[initialized], found.boxes[initialized]):
        yield "boxes of frames where the tracker was initialised"
    if not np.array_equal(written.boxes[~initialized], found.boxes[~initialized], equal_nan=True):
        yield "all digits of coordinates, which were rounded to 32 bits"
    if written.regions is not None and found.regions is None:
        yield "polygons and masks; their bounding boxes were written"
    if _lost(written.seconds, found.seconds):
        yield "the times of single frames"
    if _lost(written.confidence, found.confidence):
        yield "confidences"


def _lost(written: Floats, found: Floats) -> bool:
    return bool(np.isnan(found[~np.isnan(written)]).any())


def _copy(source: Path, output: Path) -> int:
    """Write the files below ``source`` to the same places below ``output``, and return their number.

    Raises:
        EvalkitError: A folder at the top of ``source`` already exists in ``output``; nothing is written then.
    """
    taken = [output / path.name for path in sorted(source.iterdir()) if (output / path.name).exists()]
    if taken:
        raise EvalkitError(
            "this folder already exists", where=taken[0],
            hint="Choose another folder with --output, or remove this one",
        )  # fmt: skip
    names = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    for name in sorted(names, key=boxes_last):
        write_bytes(output / name, (source / name).read_bytes())
    return len(names)
