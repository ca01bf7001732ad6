"""``<experiment>/<seq>/<seq>_001.txt`` as VOT's toolkits and pysot lay out results: a region or a code a line.

The code 1 stands where the tracker was started, 2 where it failed, 0 where nothing is known. The last number is the
repetition, or for multi-start runs the anchor, counted from 0 with eight digits. Text keeps every digit; the binary
form ``.bin``, which the newer toolkit writes by default, rounds to 32 bits. Both are read, the text first.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
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
from evalkit.results.layouts.base import read_column, write_values
from evalkit.results.layouts.got10k import read_times, write_times
from evalkit.types import Boxes, FrameState, Region, Sequence, Trajectory

EXPERIMENTS = {
    "supervised": "baseline",
    "multistart": "baseline",
    "realtime": "realtime",
    "unsupervised": "unsupervised",
    "one_pass": "unsupervised",
    "longterm": "longterm",
}
"""Folder of each protocol's results; any other protocol's has the protocol's name."""

_STARTED, _FAILED = 1, 2
_STATES = {_STARTED: FrameState.INITIALIZED, _FAILED: FrameState.FAILED}


class Vot:
    """See the module.

    Args:
        binary: Write ``.bin`` instead of ``.txt``.
    """

    def __init__(self, *, binary: bool = False) -> None:
        self.name = "vot-bin" if binary else "vot"
        self._suffix = ".bin" if binary else ".txt"

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = _place(folder, trajectory.protocol) / trajectory.sequence
        stem = _stem(trajectory.sequence, trajectory.repetition, trajectory.anchor)
        if trajectory.anchor is None:
            write_times(place / f"{trajectory.sequence}_time.txt", trajectory.seconds, trajectory.repetition)
        else:
            write_values(place / f"{stem}_time.value", trajectory.seconds)
        write_values(place / f"{stem}_confidence.value", trajectory.confidence)
        lines = [record_of(trajectory, index) for index in range(len(trajectory))]
        if self._suffix == ".bin":
            write_bytes(place / f"{stem}.bin", format_binary(lines))
        else:
            write_text(place / f"{stem}.txt", format_lines(map(format_record, lines)))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        place = _place(folder, protocol) / sequence.name
        anchored = from_anchors(sequence, protocol)
        files = _files(place, sequence.name, 8 if anchored else 3)
        return [_read(folder, sequence, protocol, path, anchored) for path in files]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        place = _place(folder, protocol) / sequence.name
        if not from_anchors(sequence, protocol):
            return _exists(place / _stem(sequence.name, repetition, None))
        anchors = sequence.annotation.anchors
        return anchors is not None and all(
            _exists(place / _stem(sequence.name, 1, int(anchor))) for anchor in np.flatnonzero(anchors)
        )


def from_anchors(sequence: Sequence, protocol: str) -> bool:
    """Whether a protocol runs a sequence from anchors: ``multistart``, and ``realtime`` where there are some."""
    return protocol == "multistart" or (protocol == "realtime" and sequence.annotation.anchors is not None)


def _place(folder: Path, protocol: str) -> Path:
    return folder / EXPERIMENTS.get(protocol, protocol)


def _stem(name: str, repetition: int, anchor: int | None) -> str:
    return f"{name}_{repetition:03d}" if anchor is None else f"{name}_{anchor:08d}"


def _exists(stem: Path) -> bool:
    return any(stem.with_name(stem.name + suffix).is_file() for suffix in (".txt", ".bin"))


def _files(place: Path, name: str, digits: int) -> list[Path]:
    """One file per repetition or anchor, in the order of their numbers."""
    if not place.is_dir():
        return []
    found: dict[str, Path] = {}
    for path in sorted(place.iterdir(), reverse=True):  # of two forms, .txt comes last and stays
        number = path.stem.removeprefix(f"{name}_")
        if path.suffix in (".txt", ".bin") and len(number) == digits and number.isdecimal():
            found[number] = path
    return [found[number] for number in sorted(found)]


def record_of(trajectory: Trajectory, index: int) -> Record:
    state = trajectory.states[index]
    if state == FrameState.INITIALIZED:
        return _STARTED
    if state == FrameState.FAILED:
        return _FAILED
    return trajectory.region(index) or 0


def _read(folder: Path, sequence: Sequence, protocol: str, path: Path, anchored: bool) -> Trajectory:
    boxes, regions, states = _regions(path)
    number = int(path.stem.removeprefix(f"{sequence.name}_"))
    repetition, anchor = (1, number) if anchored else (number, None)
    count = len(boxes)
    confidence = path.with_name(f"{path.stem}_confidence.value")
    return Trajectory(
        tracker=folder.name,
        sequence=sequence.name,
        protocol=protocol,
        boxes=boxes,
        regions=regions,
        confidence=read_column(confidence, count) if confidence.is_file() else np.full(count, np.nan),
        seconds=_seconds(path, sequence.name, repetition, count),
        states=states,
        repetition=repetition,
        anchor=anchor,
    )


def _regions(path: Path) -> tuple[Boxes, tuple[Region | None, ...] | None, NDArray[np.int8]]:
    """Boxes, regions where they are more than boxes, and states."""
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
            raise EvalkitError("this code means nothing", where=f"{path}:{row}", found=record, expected="0, 1 or 2")


def _states(records: Items[Record]) -> NDArray[np.int8]:
    states = [
        _STATES.get(record, FrameState.SKIPPED) if isinstance(record, int) else FrameState.TRACKED for record in records
    ]
    return np.array(states, dtype=np.int8)


def _seconds(path: Path, name: str, repetition: int, rows: int) -> NDArray[np.float64]:
    value = path.with_name(f"{path.stem}_time.value")
    if value.is_file():
        return read_column(value, rows)
    table = read_times(path.with_name(f"{name}_time.txt"), rows, repetition)
    return np.full(rows, np.nan) if table is None else table


LAYOUT = Vot()
BINARY = Vot(binary=True)
