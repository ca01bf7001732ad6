"""``<experiment>/<seq>/<seq>_001.txt`` with a region or a code a line: results of VOT's toolkits and of pysot.

Code 1 is a frame where the tracker was initialised, 2 a frame where it failed, 0 a frame without an answer. The number
in the file's name is the repetition, counted from 1 with three digits; for a run from an anchor it is the anchor's
frame, counted from 0 with eight digits. Text keeps all digits of a number. The binary form ``.bin``, which the newer
toolkit writes by default, rounds to 32 bits. Where both exist, the text is read.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.errors import DamagedResults, EvalkitError
from evalkit.io.atomic import write_bytes, write_text
from evalkit.io.regions import (
    Record,
    boxes_of,
    format_binary,
    format_record,
    parse_binary,
    parse_boxes,
    parse_text,
    regions_of,
)
from evalkit.io.rows import format_lines, read_bytes
from evalkit.results.layouts.base import (
    WritableLayout,
    files_in,
    find_folder,
    find_numbered_files,
    read_column,
    read_time_table,
    write_time_table,
    write_value_file,
)
from evalkit.types import Boxes, FrameState, Mask, Region, Sequence, Trajectory

_EXPERIMENTS = {
    "supervised": "baseline", "multistart": "baseline", "multi_object": "baseline", "one_pass": "unsupervised",
}  # fmt: skip
_INITIALIZED, _FAILED = 1, 2
_STATES = {_INITIALIZED: FrameState.INITIALIZED, _FAILED: FrameState.FAILED}


class Vot(WritableLayout):
    """A folder for each sequence, a file of regions and codes for each repetition or anchor.

    Several objects of a video (VOTS) are in the folder of the video: ``<experiment>/<video>/<video>_<object>_001.txt``.

    Args:
        suffix: ``.txt`` or ``.bin``, the form that is written.
    """

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = experiment_folder(folder, trajectory.protocol) / (trajectory.video or trajectory.sequence)
        stem = f"{trajectory.sequence}_{file_number(trajectory)}"
        if trajectory.anchor is None and trajectory.video is None:
            write_time_table(place / f"{trajectory.sequence}_time.txt", trajectory.seconds, trajectory.repetition)
        else:
            write_value_file(place / f"{stem}_time.value", trajectory.seconds)
        write_value_file(place / f"{stem}_confidence.value", trajectory.confidence)
        records = records_of(trajectory)
        # Masks of binary files stay in one: the toolkit crops those of text files when it reads them.
        if self._suffix == ".bin" or any(isinstance(one, Mask) and one.as_stored for one in records):
            write_bytes(place / f"{stem}.bin", _format_binary(records, place / f"{stem}.bin"))
        else:
            write_text(place / f"{stem}.txt", format_lines(map(format_record, records)))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        place = find_folder(experiment_folder(folder, protocol), sequence)
        if place is None:
            return []
        anchored = starts_at_anchors(sequence, protocol)
        files = find_numbered_files(place, sequence, digits=8 if anchored else 3, suffixes=(".txt", ".bin"))
        return [_read(folder, sequence, protocol, path, number, anchored) for number, path in files.items()]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        place = experiment_folder(folder, protocol) / (sequence.video or sequence.name)
        if not starts_at_anchors(sequence, protocol):
            return _exists(place, f"{sequence.name}_{repetition:03d}")
        anchors = sequence.annotation.anchors
        return anchors is not None and all(
            _exists(place, f"{sequence.name}_{anchor:08d}") for anchor in np.flatnonzero(anchors).tolist()
        )

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        return files_in(experiment_folder(folder, protocol) / sequence)


@registry.layout("vot", summary="<experiment>/<seq>/<seq>_001.txt, a region or code a line: VOT's toolkits, pysot")
def vot() -> Vot:
    """Return the layout that writes text."""
    return Vot(".txt")


@registry.layout("vot-bin", summary="<experiment>/<seq>/<seq>_001.bin: the binary form of VOT's toolkit")
def vot_binary() -> Vot:
    """Return the layout that writes binary files."""
    return Vot(".bin")


def starts_at_anchors(sequence: Sequence, protocol: str) -> bool:
    """Return whether a protocol runs a sequence from anchors: ``multistart``, and ``realtime`` where there are some."""
    return protocol == "multistart" or (protocol == "realtime" and sequence.annotation.anchors is not None)


def experiment_folder(folder: Path, protocol: str) -> Path:
    """Return the folder of a protocol's results, which has the name of the VOT toolkit's experiment."""
    return folder / _EXPERIMENTS.get(protocol, protocol)


def file_number(trajectory: Trajectory) -> str:
    """Return the number in the file names of a trajectory: its repetition, or the frame of its anchor."""
    anchor = trajectory.anchor
    return f"{trajectory.repetition:03d}" if anchor is None else f"{anchor:08d}"


def records_of(trajectory: Trajectory) -> list[Record]:
    """Return the region or the code of each frame, as VOT's files have them."""
    return [_record(trajectory, index) for index in range(len(trajectory))]


def _record(trajectory: Trajectory, index: int) -> Record:
    state = trajectory.states[index]
    if state == FrameState.INITIALIZED:
        return _INITIALIZED
    if state == FrameState.FAILED:
        return _FAILED
    return trajectory.region(index) or 0


def _format_binary(records: Items[Record], path: Path) -> bytes:
    try:
        return format_binary(records)
    except ValueError as error:
        raise EvalkitError(str(error), where=path, hint="Use the layout `vot`, which writes text") from error


def _exists(place: Path, stem: str) -> bool:
    return any((place / f"{stem}{suffix}").is_file() for suffix in (".txt", ".bin"))


def _read(folder: Path, sequence: Sequence, protocol: str, path: Path, number: int, anchored: bool) -> Trajectory:
    boxes, regions, states = _read_regions(path)
    count = len(boxes)
    confidence = path.with_name(f"{path.stem}_confidence.value")
    return Trajectory(
        tracker=folder.name,
        sequence=sequence.name,
        protocol=protocol,
        boxes=boxes,
        regions=regions,
        confidence=read_column(confidence, count) if confidence.is_file() else np.full(count, np.nan),
        seconds=_read_seconds(path, 1 if anchored else number, count),
        states=states,
        repetition=1 if anchored else number,
        anchor=number if anchored else None,
        video=sequence.video,
    )


def _read_regions(path: Path) -> tuple[Boxes, tuple[Region | None, ...] | None, NDArray[np.int8]]:
    """Return boxes, regions where they are more than boxes, and states."""
    data = read_bytes(path)
    plain = parse_boxes(data) if path.suffix == ".txt" else None
    if plain is not None:
        boxes, codes = plain
        return boxes, None, np.where(codes < 0, FrameState.TRACKED, codes).astype(np.int8)
    records = parse_text(data, path) if path.suffix == ".txt" else parse_binary(data, path)
    _check_codes(records, path)
    return boxes_of(records), regions_of(records), _states(records)


def _check_codes(records: Items[Record], path: Path) -> None:
    for row, record in enumerate(records, 1):
        if isinstance(record, int) and record > _FAILED:
            raise DamagedResults("unknown code", where=f"{path}:{row}", found=record, expected="0, 1 or 2")


def _states(records: Items[Record]) -> NDArray[np.int8]:
    states = [
        _STATES.get(record, FrameState.SKIPPED) if isinstance(record, int) else FrameState.TRACKED for record in records
    ]
    return np.array(states, dtype=np.int8)


def _read_seconds(path: Path, repetition: int, rows: int) -> NDArray[np.float64]:
    value = path.with_name(f"{path.stem}_time.value")
    if value.is_file():
        return read_column(value, rows)
    table = read_time_table(path.with_name(f"{path.stem.rpartition('_')[0]}_time.txt"), rows, repetition)
    return np.full(rows, np.nan) if table is None else table
