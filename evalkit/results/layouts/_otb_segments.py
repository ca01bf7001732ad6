"""Segments of OTB's results: what its ``.mat`` and ``.json`` files hold for each run of a tracker.

A file holds a list of segments with ``res``, a type that says how to read it, and ``fps``; a one-pass result is a list
of one. There is no place for the times of single frames and for confidences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.errors import DamagedResults, EvalkitError, listed
from evalkit.io.json import InvalidJsonError, number_array
from evalkit.results.layouts._otb_shapes import boxes_of
from evalkit.results.layouts.base import (
    drop_omitted_rows,
    one_pass_trajectory,
    refuse_anchors,
    refuse_other_protocols,
)
from evalkit.types import Boxes, Floats, Sequence, Trajectory


def segment_of(trajectory: Trajectory, path: Path) -> dict[str, Any]:
    """Return the segment of a one-pass result.

    Raises:
        EvalkitError: The trajectory is of another protocol or not of the first repetition.
    """
    refuse_anchors(trajectory, path)
    refuse_other_protocols(trajectory, path)
    if trajectory.repetition != 1:
        raise EvalkitError(
            "this layout can only hold one repetition", where=path, found=f"repetition {trajectory.repetition}"
        )
    known = trajectory.seconds[trajectory.seconds > 0]
    return {
        "res": trajectory.boxes,
        "type": "rect",
        "fps": float(len(known) / known.sum()) if known.size else 0.0,
        "len": len(trajectory),
        "annoBegin": 1,
        "startFrame": 1,
    }


def trajectories_of(segments: Any, folder: Path, sequence: Sequence, path: Path) -> list[Trajectory]:
    """Return the trajectories of the segments of a file: several are repetitions of a stochastic tracker.

    An array of shape (K, N, 4) is K repetitions as well.

    Raises:
        EvalkitError: They are not those of a one-pass result, or ``res`` cannot be read.
    """
    found = list(segments) if isinstance(segments, list) else [segments]
    if not found or not all(isinstance(one, Mapping) and "res" in one for one in found):
        raise DamagedResults("the file has no `res`", where=path)
    if len(found) > 1:
        _refuse_robustness(found, sequence, path)
    runs = [run for one in found for run in _repetitions(one, path)]
    return [replace(_trajectory(run, folder, sequence, path), repetition=number) for number, run in enumerate(runs, 1)]


def _repetitions(segment: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    values = _numbers(segment["res"], path)
    if values.ndim != 3:
        return [segment]
    return [{**segment, "res": one} for one in values]


def _trajectory(segment: Mapping[str, Any], folder: Path, sequence: Sequence, path: Path) -> Trajectory:
    kind = str(segment.get("type", segment.get("resType", "rect")))
    template = _numbers(segment.get("tmplsize"), path)
    boxes = boxes_of(kind, _numbers(segment["res"], path), template, where=path)
    stated = _length(segment, path)
    short = 0 < len(boxes) < len(sequence)
    if stated is not None and stated != len(boxes) and not (short and len(boxes) < stated):
        raise DamagedResults(
            "the number of rows differs from the one stated in the file", where=path, found=len(boxes), expected=stated
        )
    trajectory = one_pass_trajectory(folder, sequence, "one_pass", drop_omitted_rows(sequence, boxes))
    return replace(trajectory, kind=kind, may_be_short=short)


def _refuse_robustness(segments: list[Mapping[str, Any]], sequence: Sequence, path: Path) -> None:
    """Raise an error for segments of OTB's other protocols: they begin later (TRE), or from another box (SRE)."""
    expected = f"segments of {len(sequence)} frames from the groundtruth's first box, which are repetitions"
    hint = "Import the one-pass results (OPE) of this tracker"
    rows = [len(_numbers(one["res"], path)) for one in segments]
    begins = [_numbers(one.get("startFrame"), path).ravel() for one in segments]
    if len({float(one[0]) for one in begins if one.size}) > 1 or len(set(rows)) > 1:
        raise DamagedResults(
            "these are results of temporal robustness evaluation (TRE): the segments begin at several frames",
            where=path, found=f"{len(segments)} segments of {listed(list(map(str, rows)))} rows", expected=expected,
            hint=hint,
        )  # fmt: skip
    if str(segments[0].get("type", "rect")) != "rect":
        return
    firsts = np.array([_numbers(one["res"], path)[0] for one in segments])
    given = sequence.groundtruth[0]
    if firsts.shape[1:] == (4,) and _shifted_or_scaled(firsts, given) * 2 >= len(firsts):
        raise DamagedResults(
            "these are results of spatial robustness evaluation (SRE): the segments begin from shifted or scaled boxes",
            where=path, found=f"{len(segments)} segments", expected=expected, hint=hint,
        )  # fmt: skip


def _shifted_or_scaled(firsts: Boxes, given: Boxes) -> int:
    """Return how many first boxes are shifted by a tenth of the size or scaled by 0.8 to 1.2, as SRE does."""
    size = np.array([given[2], given[3], given[2], given[3]])
    moved = np.abs(firsts - given) / size
    return int((moved.max(axis=1) > _SMALLEST_SHIFT).sum())


_SMALLEST_SHIFT = 0.085
"""Part of the target's size; the first boxes of repetitions may differ from the groundtruth's a little."""


def _length(segment: Mapping[str, Any], path: Path) -> int | None:
    """Return the number of frames that a segment states; None where it states none."""
    stated = _numbers(segment.get("len"), path).ravel()
    return int(stated[0]) if stated.size == 1 and np.isfinite(stated[0]) else None


def _numbers(value: object, path: Path) -> Floats:
    if value is None:
        return np.zeros(0)
    try:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":  # of a MATLAB file
            return value.astype(np.float64)
        return number_array(_as_lists(value))
    except InvalidJsonError:
        raise DamagedResults("invalid numbers", where=path, found=repr(value)[:60], expected="numbers") from None


def _as_lists(value: object) -> object:
    """Return the content of MATLAB's cells, which are lists of arrays, as lists only."""
    if isinstance(value, list):
        return [_as_lists(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else value
