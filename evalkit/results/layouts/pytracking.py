"""``<param>_000/<seq>.txt`` with tab-separated rows, and ``<seq>_time.txt`` beside: pytracking's own results.

pytracking numbers its repetitions from 0 and rounds boxes to integers when it saves; what is written here keeps every
digit, which its readers take as well.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_rows, read_rows
from evalkit.results.layouts.base import find_result, one_pass_trajectory, read_column, without_omitted, write_column
from evalkit.types import Sequence, Trajectory

_RUN = re.compile(r"(.*)_(\d{3})")


class PyTracking:
    """See the module."""

    name = "pytracking"

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = folder / f"{folder.name}_{trajectory.repetition - 1:03d}"
        if trajectory.anchor is not None or not np.isnan(trajectory.confidence).all():
            raise EvalkitError("this layout has no place for anchors or confidences", where=place)
        write_column(place / f"{trajectory.sequence}_time.txt", trajectory.seconds)
        write_text(place / f"{trajectory.sequence}.txt", format_rows(trajectory.boxes, separator="\t"))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        if protocol != "one_pass":
            return []
        found = (_read(folder, place, sequence, protocol, number) for number, place in _runs(folder))
        return [trajectory for trajectory in found if trajectory is not None]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return (folder / f"{folder.name}_{repetition - 1:03d}" / f"{sequence.name}.txt").is_file()


def _runs(folder: Path) -> list[tuple[int, Path]]:
    """Folders of the repetitions, counted from 1: the numbered ones below, else the given folder itself.

    Raises:
        EvalkitError: There are runs of several parameter sets.
    """
    runs = [(match, path) for path in sorted(folder.glob("*_*")) if (match := _RUN.fullmatch(path.name))]
    names = sorted({match[1] for match, _ in runs})
    if len(names) > 1:
        raise EvalkitError(
            "results of several parameter sets lie here", where=folder, found=", ".join(names),
            hint="Point at the folder of one of them",
        )  # fmt: skip
    return [(int(match[2]) + 1, path) for match, path in runs if path.is_dir()] or [(1, folder)]


def _read(folder: Path, place: Path, sequence: Sequence, protocol: str, repetition: int) -> Trajectory | None:
    path = find_result(place, sequence, ".txt")
    if path is None:
        return None
    rows = read_rows(path)
    times = find_result(place, sequence, "_time.txt")
    return one_pass_trajectory(
        folder,
        sequence,
        protocol,
        without_omitted(sequence, rows),
        seconds=without_omitted(sequence, read_column(times, len(rows))) if times else None,
        repetition=repetition,
    )


LAYOUT = PyTracking()
