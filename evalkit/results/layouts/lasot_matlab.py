"""``<tracker>_tracking_result/<seq>.txt``: plain rows in a folder named as LaSOT's MATLAB toolkit wants it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalkit.results.layouts.plain import LAYOUT as PLAIN
from evalkit.types import Sequence, Trajectory

SUFFIX = "_tracking_result"


class LasotMatlab:
    """See the module."""

    name = "lasot-matlab"

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        PLAIN.write(_place(folder), trajectory)

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        found = PLAIN.read(_place(folder), sequence, protocol)
        return [replace(trajectory, tracker=folder.name.removesuffix(SUFFIX)) for trajectory in found]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return PLAIN.done(_place(folder), sequence, protocol, repetition)


def _place(folder: Path) -> Path:
    return folder if folder.name.endswith(SUFFIX) else folder.with_name(folder.name + SUFFIX)


LAYOUT = LasotMatlab()
