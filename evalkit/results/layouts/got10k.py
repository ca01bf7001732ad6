"""``<seq>/<seq>_001.txt`` with one ``x,y,w,h`` a line, ``<seq>/<seq>_time.txt`` with one column a repetition.

This is what GOT-10k's toolkit and server use. Confidences are stored as in VOT: ``<seq>/<seq>_001_confidence.value``.
"""

from __future__ import annotations

from pathlib import Path

from evalkit import registry
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_rows, read_rows
from evalkit.results.layouts.base import (
    WritableLayout,
    files_in,
    find_folder,
    find_numbered_files,
    one_pass_trajectory,
    protocol_folder,
    read_column,
    read_time_table,
    refuse_anchors,
    write_time_table,
    write_value_file,
)
from evalkit.types import Sequence, Trajectory


@registry.layout("got10k", summary="<seq>/<seq>_001.txt, one x,y,w,h a line: the GOT-10k toolkit and server")
class Got10k(WritableLayout):
    """A folder for each sequence, a file of boxes for each repetition."""

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = protocol_folder(folder, trajectory.protocol) / trajectory.sequence
        refuse_anchors(trajectory, place)
        stem = f"{trajectory.sequence}_{trajectory.repetition:03d}"
        write_time_table(place / f"{trajectory.sequence}_time.txt", trajectory.seconds, trajectory.repetition)
        write_value_file(place / f"{stem}_confidence.value", trajectory.confidence)
        write_text(place / f"{stem}.txt", format_rows(trajectory.boxes))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        place = find_folder(protocol_folder(folder, protocol), sequence)
        files = {} if place is None else find_numbered_files(place, sequence, digits=3)
        return [_read(folder, sequence, protocol, path, repetition) for repetition, path in files.items()]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        place = protocol_folder(folder, protocol) / sequence.name
        return (place / f"{sequence.name}_{repetition:03d}.txt").is_file()

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        return files_in(protocol_folder(folder, protocol) / sequence)


def _read(folder: Path, sequence: Sequence, protocol: str, path: Path, repetition: int) -> Trajectory:
    boxes = read_rows(path)
    times = path.with_name(f"{path.stem.rpartition('_')[0]}_time.txt")
    confidence = path.with_name(f"{path.stem}_confidence.value")
    return one_pass_trajectory(
        folder,
        sequence,
        protocol,
        boxes,
        seconds=read_time_table(times, len(boxes), repetition),
        confidence=read_column(confidence, len(boxes)) if confidence.is_file() else None,
        repetition=repetition,
    )
