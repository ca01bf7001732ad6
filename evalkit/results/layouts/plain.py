"""``<seq>.txt`` with one ``x,y,w,h`` a line: OTB, LaSOT and TrackingNet results of pysot, got10k and most others.

``times/<seq>_time.txt`` is got10k's; ``confidence/<seq>.txt`` and ``repetition_002/`` and on, for what the form has no
place for, are ours. Protocols other than ``one_pass`` have a folder of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_rows, read_rows
from evalkit.results.layouts.base import (
    find_result,
    matching,
    names_in,
    one_pass_trajectory,
    read_column,
    without_omitted,
    write_column,
)
from evalkit.types import Sequence, Trajectory

_REPETITION = re.compile(r"repetition_(\d{3,})")


class Plain:
    """See the module."""

    name = "plain"

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = _place(folder, trajectory.protocol, trajectory.repetition)
        if trajectory.anchor is not None:
            raise EvalkitError("this layout has no place for anchors", where=place, hint="Use the layout `vot`")
        write_column(place / "times" / f"{trajectory.sequence}_time.txt", trajectory.seconds)
        write_column(place / "confidence" / f"{trajectory.sequence}.txt", trajectory.confidence)
        write_text(place / f"{trajectory.sequence}.txt", format_rows(trajectory.boxes))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        base = _place(folder, protocol, 1)
        further = (_REPETITION.fullmatch(name) for name in sorted(matching(names_in(base), prefix="repetition_")))
        places = [(base, 1), *((base / match[0], int(match[1])) for match in further if match)]
        found = (_read(place, folder, sequence, protocol, repetition) for place, repetition in places)
        return [trajectory for trajectory in found if trajectory is not None]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return (_place(folder, protocol, repetition) / f"{sequence.name}.txt").is_file()


def _place(folder: Path, protocol: str, repetition: int) -> Path:
    base = folder if protocol == "one_pass" else folder / protocol
    return base if repetition == 1 else base / f"repetition_{repetition:03d}"


def _read(place: Path, folder: Path, sequence: Sequence, protocol: str, repetition: int) -> Trajectory | None:
    path = find_result(place, sequence, ".txt")
    if path is None:
        return None
    rows = read_rows(path)
    times = find_result(place / "times", sequence, "_time.txt") or find_result(place, sequence, "_time.txt")
    confidence = place / "confidence" / path.name
    return one_pass_trajectory(
        folder,
        sequence,
        protocol,
        without_omitted(sequence, rows),
        seconds=without_omitted(sequence, read_column(times, len(rows))) if times else None,
        confidence=without_omitted(sequence, read_column(confidence, len(rows))) if confidence.is_file() else None,
        repetition=repetition,
    )


LAYOUT = Plain()
