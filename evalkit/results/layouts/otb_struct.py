"""OTB's own containers: ``<seq>_<tracker>.mat`` of its MATLAB toolkit and ``<seq>.json`` of its Python one.

Both hold a list of segments with ``res``, a type that says how to read it, and ``fps``; a one-pass result is a list of
one. Frame times have no place in them, so that what is read has none. A bare ``result`` matrix, as MDNet published, is
read too.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_bytes, write_text
from evalkit.io.rows import read_bytes
from evalkit.names import canonical
from evalkit.results.layouts.base import find_file, one_pass_trajectory, without_omitted
from evalkit.results.layouts.matfile import read_mat
from evalkit.results.layouts.otb_shapes import boxes_of
from evalkit.types import Sequence, Trajectory


class OtbMat:
    """MATLAB's form; files of several trackers may share a folder.

    Args:
        tracker: Whose files are meant; the folder's name if None.
    """

    name = "otb-mat"

    def __init__(self, tracker: str | None = None) -> None:
        self._tracker = tracker

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        from scipy.io import savemat

        path = folder / f"{trajectory.sequence}_{folder.name}.mat"
        segment = _segment(trajectory, path)
        cell = np.empty((1, 1), dtype=object)
        cell[0, 0] = segment
        stream: Any = io.BytesIO()  # the stubs of scipy know files by name only
        savemat(stream, {"results": cell}, do_compression=True)
        write_bytes(path, stream.getvalue())

    def read(self, folder: Path, sequence: Sequence, protocol: str) -> list[Trajectory]:
        path = _mat_file(folder, sequence.name, self._tracker or folder.name) if protocol == "one_pass" else None
        return [_trajectory(folder, sequence, _load_mat(path), path)] if path else []

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return repetition == 1 and (folder / f"{sequence.name}_{folder.name}.mat").is_file()


class OtbJson:
    """The Python toolkit's form."""

    name = "otb-json"

    def write(self, folder: Path, trajectory: Trajectory) -> None:
        path = folder / f"{trajectory.sequence}.json"
        segment = _segment(trajectory, path)
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
        path = find_file(folder, sequence.name, ".json") if protocol == "one_pass" else None
        return [_trajectory(folder, sequence, _load_json(path), path)] if path else []

    def done(self, folder: Path, sequence: Sequence, protocol: str, repetition: int = 1) -> bool:
        return repetition == 1 and (folder / f"{sequence.name}.json").is_file()


def _segment(trajectory: Trajectory, path: Path) -> dict[str, Any]:
    if trajectory.repetition != 1 or trajectory.protocol != "one_pass":
        raise EvalkitError("this layout holds one pass of one repetition", where=path)
    known = trajectory.seconds[trajectory.seconds > 0]
    return {
        "res": trajectory.boxes,
        "type": "rect",
        "fps": float(len(known) / known.sum()) if known.size else 0.0,
        "len": len(trajectory),
        "annoBegin": 1,
        "startFrame": 1,
    }


def _trajectory(folder: Path, sequence: Sequence, segments: Any, path: Path) -> Trajectory:
    segment = _whole(segments, sequence, path)
    kind = str(segment.get("type", segment.get("resType", "rect")))
    template = _numbers(segment.get("tmplsize"), path)
    boxes = boxes_of(kind, _numbers(segment["res"], path), template, where=path)
    stated = _length(segment, path)
    if stated is not None and stated != len(boxes):
        raise EvalkitError(
            "it holds another number of rows than it says", where=path, found=len(boxes), expected=stated
        )
    return one_pass_trajectory(folder, sequence, "one_pass", without_omitted(sequence, boxes))


def _length(segment: Mapping[str, Any], path: Path) -> int | None:
    """Number of frames that a segment says it has."""
    stated = _numbers(segment.get("len"), path).ravel()
    return int(stated[0]) if stated.size == 1 and np.isfinite(stated[0]) else None


def _numbers(value: object, path: Path) -> NDArray[np.float64]:
    if value is None:
        return np.zeros(0)
    try:
        # Lists of a json file have null for NaN.
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise EvalkitError("numbers are expected", where=path, found=repr(value)[:60]) from None


def _mat_file(folder: Path, name: str, tracker: str) -> Path | None:
    """The file of a sequence and, where there are several trackers', of that tracker."""
    if not folder.is_dir():
        return None
    start = canonical(name)
    near = [path for path in sorted(folder.glob("*.mat")) if _names(path.stem, start)]
    own = [path for path in near if canonical(path.stem) in (start, start + canonical(tracker))]
    if len(own or near) > 1:
        raise EvalkitError(
            f"several files could be the result of {name}", where=folder, found=", ".join(path.name for path in near),
            hint="Name the tracker as in <seq>_<tracker>.mat, by the folder or with --name",
        )  # fmt: skip
    return next(iter(own or near), None)


def _names(stem: str, start: str) -> bool:
    parts = stem.split("_")
    return any(canonical("_".join(parts[:count])) == start for count in range(1, len(parts) + 1))


def _load_mat(path: Path) -> Any:
    content = read_mat(read_bytes(path), path)
    if "results" in content:
        return content["results"]
    if "result" in content:
        return {"res": content["result"], "type": "rect"}
    names = ", ".join(sorted(content))
    raise EvalkitError("it holds neither `results` nor `result`", where=path, found=names or "nothing")


def _load_json(path: Path) -> Any:
    try:
        return json.loads(read_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise EvalkitError(f"this file cannot be read: {error}", where=path) from error


def _whole(segments: Any, sequence: Sequence, path: Path) -> Mapping[str, Any]:
    """The segment of a one-pass result: the only one, or the first of temporal ones, which runs from start to end."""
    found = list(segments) if isinstance(segments, list) else [segments]
    if not found or not isinstance(found[0], Mapping) or "res" not in found[0]:
        raise EvalkitError("it holds no `res`", where=path)
    if len(found) > 1 and (length := _length(found[0], path)) != len(sequence):
        raise EvalkitError(
            "it holds several segments, and the first is not the whole sequence", where=path,
            found=f"{len(found)} segments, the first of {length} frames", expected=len(sequence),
        )  # fmt: skip
    first: Mapping[str, Any] = found[0]
    return first


MAT = OtbMat()
JSON = OtbJson()
