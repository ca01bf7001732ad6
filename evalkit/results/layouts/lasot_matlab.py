"""``<tracker>_tracking_result/<seq>.txt``: plain rows in a folder with the name that LaSOT's MATLAB toolkit expects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalkit import registry
from evalkit.results.layouts.base import WritableLayout
from evalkit.results.layouts.plain import Plain
from evalkit.types import Sequence, Trajectory

SUFFIX = "_tracking_result"
"""End of the name of a tracker's folder."""


@registry.layout("lasot-matlab", summary="<tracker>_tracking_result/<seq>.txt: LaSOT's MATLAB toolkit")
class LasotMatlab(WritableLayout):
    """The layout ``plain`` in the folder ``<tracker>_tracking_result``, next to or in place of ``<tracker>``."""

    def __init__(self) -> None:
        self._plain = Plain()

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        self._plain.write(_place(folder), trajectory)

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        found = self._plain.read(_place(folder), sequence, protocol)
        return [replace(trajectory, tracker=folder.name.removesuffix(SUFFIX)) for trajectory in found]

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return self._plain.done(_place(folder), sequence, protocol, repetition)

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        return self._plain.files(_place(folder), sequence, protocol)


def _place(folder: Path) -> Path:
    return folder if folder.name.endswith(SUFFIX) else folder.with_name(folder.name + SUFFIX)
