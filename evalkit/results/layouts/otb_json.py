"""``<seq>.json``: results of OTB's Python toolkit, a list of one segment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.errors import DamagedResults
from evalkit.io.atomic import write_text
from evalkit.io.json import InvalidJsonError, parse_json
from evalkit.io.rows import read_bytes
from evalkit.results import run_record
from evalkit.results.layouts._otb_segments import segment_of, trajectories_of
from evalkit.results.layouts.base import WritableLayout, existing, find_file
from evalkit.types import Sequence, Trajectory


@registry.layout("otb-json", summary="<seq>.json with `res` and `resType`: OTB's Python toolkit")
class OtbJson(WritableLayout):
    """A file with one segment for each sequence. Times of single frames and confidences are not stored."""

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        path = folder / f"{trajectory.sequence}.json"
        segment = segment_of(trajectory, path)
        content = {
            "tracker": folder.name,
            "seqName": trajectory.sequence,
            "evalType": "OPE",
            "startFrame": segment["startFrame"],
            "endFrame": segment["startFrame"] + segment["len"] - 1,
            "shiftType": None,
            "resType": segment["type"],
            "tmplsize": None,
            "fps": segment["fps"],
            "res": [[None if value != value else value for value in row] for row in trajectory.boxes.tolist()],
        }
        write_text(path, json.dumps([content], allow_nan=False) + "\n")

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        path = find_file(folder, sequence, ".json") if protocol == "one_pass" else None
        if path is None:
            return []
        content = _load(path)
        if path.name == run_record.FILE and isinstance(content, dict):  # the record of a run, not of a sequence "run"
            return []
        return trajectories_of(content, folder, sequence, path)

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return repetition == 1 and (folder / f"{sequence.name}.json").is_file()

    def files(self, folder: Path, sequence: str, protocol: str) -> list[Path]:
        return existing(folder / f"{sequence}.json")


def _load(path: Path) -> Any:
    try:
        return parse_json(read_bytes(path))
    except InvalidJsonError as error:
        raise DamagedResults(f"invalid JSON: {error}", where=path) from error
