"""``<param>_000/<seq>.txt`` with tab-separated rows, and ``<seq>_time.txt`` next to it: pytracking's results.

pytracking counts repetitions from 0 and rounds boxes to integers when it saves them. evalkit writes all digits, which
pytracking's analysis reads as well. Confidences are not stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evalkit import registry
from evalkit.errors import DamagedResults
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_rows, read_rows
from evalkit.results.layouts.base import (
    WritableLayout,
    drop_omitted_rows,
    existing,
    find_file,
    one_pass_trajectory,
    read_column,
    refuse_anchors,
    refuse_other_protocols,
    write_column,
)
from evalkit.types import Sequence, Trajectory

_RUN = re.compile(r"(.*)_([0-9]{3}|[1-9][0-9]{3,})")
_CERTAIN_RUNS = 100


@registry.layout("pytracking", summary="<param>_000/<seq>.txt, tab-separated x,y,w,h: pytracking's results")
class PyTracking(WritableLayout):
    """A folder for each repetition, a file of boxes for each sequence."""

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        place = folder / f"{folder.name}_{trajectory.repetition - 1:03d}"
        refuse_anchors(trajectory, place)
        refuse_other_protocols(trajectory, place)
        write_column(place / f"{trajectory.sequence}_time.txt", trajectory.seconds)
        write_text(place / f"{trajectory.sequence}.txt", format_rows(trajectory.boxes, separator="\t"))

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        if protocol != "one_pass":
            return []
        runs = _repetitions(folder)
        files = ((run, find_file(run.folder, sequence, ".txt")) for run in runs)
        found = [(run, path) for run, path in files if path is not None]
        if found:
            _refuse_several_parameter_sets(runs, folder)
        return [_read(folder, run, path, sequence) for run, path in found]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return (folder / f"{folder.name}_{repetition - 1:03d}" / f"{sequence.name}.txt").is_file()

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        runs = [run for run in numbered_runs(folder.glob("*_*")) if run.parameters == folder.name]
        return existing(*(run.folder / name for run in runs for name in (f"{sequence}.txt", f"{sequence}_time.txt")))


@dataclass(frozen=True)
class NumberedRun:
    """A folder ``<param>_<number>``.

    Attributes:
        folder: The folder.
        parameters: Name of the parameter set.
        repetition: Number of the run from 1; folders are numbered from 0.
    """

    folder: Path
    parameters: str
    repetition: int


def numbered_runs(paths: Iterable[Path]) -> list[NumberedRun]:
    """Return those paths that are the numbered folders of repetitions, sorted by name.

    Numbers from 100 count only next to run 000: ``vitb_256`` is a tracker for images of 256 pixels, not its run 257.
    """
    found = ((_RUN.fullmatch(path.name), path) for path in sorted(paths) if path.is_dir())
    runs = [NumberedRun(path, match[1], int(match[2]) + 1) for match, path in found if match]
    begun = {run.parameters for run in runs if run.repetition == 1}
    return [run for run in runs if run.repetition <= _CERTAIN_RUNS or run.parameters in begun]


def _repetitions(folder: Path) -> list[NumberedRun]:
    """Return the numbered folders of the repetitions; if there are none, ``folder`` itself."""
    return numbered_runs(folder.glob("*_*")) or [NumberedRun(folder, folder.name, 1)]


def _refuse_several_parameter_sets(runs: list[NumberedRun], folder: Path) -> None:
    names = sorted({run.parameters for run in runs})
    if len(names) > 1:
        raise DamagedResults(
            "this folder holds results of several parameter sets", where=folder, found=", ".join(names),
            hint="Give the folder of one of them",
        )  # fmt: skip


def _read(folder: Path, run: NumberedRun, path: Path, sequence: Sequence) -> Trajectory:
    rows = read_rows(path)
    times = find_file(run.folder, sequence, "_time.txt")
    return one_pass_trajectory(
        folder,
        sequence,
        "one_pass",
        drop_omitted_rows(sequence, rows),
        seconds=drop_omitted_rows(sequence, read_column(times, len(rows))) if times else None,
        repetition=run.repetition,
    )
