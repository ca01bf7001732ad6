"""``<seq>.txt`` with one ``x,y,w,h`` a line: results of OTB, LaSOT and TrackingNet in most toolkits.

``times/<seq>_time.txt`` is where got10k's toolkit stores times. ``confidence/<seq>.txt`` and the folders
``repetition_002/``, ... are evalkit's own. Protocols other than ``one_pass`` have a folder of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

from evalkit import registry
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_rows, read_bytes, read_rows, split
from evalkit.results.layouts.base import (
    WritableLayout,
    drop_omitted_rows,
    existing,
    find_file,
    list_names,
    numbered_folders,
    one_pass_trajectory,
    protocol_folder,
    read_column,
    refuse_anchors,
    write_column,
)
from evalkit.types import Sequence, Trajectory

_BOX_COLUMNS = 4
_REPETITION = re.compile(r"repetition_(\d{3,})")


@registry.layout(
    "plain",
    summary="<seq>.txt, one x,y,w,h a line: OTB, LaSOT and TrackingNet results of most toolkits",
    aliases=("otb", "lasot", "trackingnet", "pysot"),
)
class Plain(WritableLayout):
    """Text files of boxes, one per sequence."""

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = _place(folder, trajectory.protocol, trajectory.repetition)
        refuse_anchors(trajectory, place)
        write_column(place / "times" / f"{trajectory.sequence}_time.txt", trajectory.seconds)
        write_column(place / "confidence" / f"{trajectory.sequence}.txt", trajectory.confidence)
        write_text(place / f"{trajectory.sequence}.txt", format_rows(trajectory.boxes))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        first = protocol_folder(folder, protocol)
        further = (_REPETITION.fullmatch(name) for name in list_names(first, prefix="repetition_"))
        places = [(first, 1), *((first / match[0], int(match[1])) for match in further if match)]
        found = (_read(place, folder, sequence, protocol, repetition) for place, repetition in places)
        return [trajectory for trajectory in found if trajectory is not None]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return (_place(folder, protocol, repetition) / f"{sequence.name}.txt").is_file()

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        first = protocol_folder(folder, protocol)
        names = (f"{sequence}.txt", f"times/{sequence}_time.txt", f"confidence/{sequence}.txt")
        return existing(
            *(place / name for place in (first, *numbered_folders(first, "repetition_*")) for name in names)
        )


def _place(folder: Path, protocol: str, repetition: int) -> Path:
    base = protocol_folder(folder, protocol)
    return base if repetition == 1 else base / f"repetition_{repetition:03d}"


def _read(place: Path, folder: Path, sequence: Sequence, protocol: str, repetition: int) -> Trajectory | None:
    path = find_file(place, sequence, ".txt")
    if path is None:
        return None
    rows = read_rows(path)
    times = find_file(place / "times", sequence, "_time.txt") or _times_next_to_boxes(place, sequence)
    confidence = place / "confidence" / path.name
    return one_pass_trajectory(
        folder,
        sequence,
        protocol,
        drop_omitted_rows(sequence, rows),
        seconds=drop_omitted_rows(sequence, read_column(times, len(rows))) if times else None,
        confidence=drop_omitted_rows(sequence, read_column(confidence, len(rows))) if confidence.is_file() else None,
        repetition=repetition,
    )


def _times_next_to_boxes(place: Path, sequence: Sequence) -> Path | None:
    """Return ``<seq>_time.txt``, unless it holds boxes: it is then the result of a sequence of that name."""
    path = find_file(place, sequence, "_time.txt")
    if path is None:
        return None
    first = read_bytes(path).split(b"\n", 1)[0].decode("latin-1")
    return path if len(split(first)) < _BOX_COLUMNS else None
