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

from evalkit.errors import DamagedResults, EvalkitError
from evalkit.results.layouts._otb_shapes import boxes_of
from evalkit.results.layouts.base import (
    drop_omitted_rows,
    one_pass_trajectory,
    refuse_anchors,
    refuse_other_protocols,
)
from evalkit.types import Floats, Sequence, Trajectory


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


def trajectory_of(segments: Any, folder: Path, sequence: Sequence, path: Path) -> Trajectory:
    """Return the trajectory of the segments of a file.

    Raises:
        EvalkitError: They are not those of a one-pass result, or ``res`` cannot be read.
    """
    segment = _one_pass_segment(segments, sequence, path)
    kind = str(segment.get("type", segment.get("resType", "rect")))
    template = _numbers(segment.get("tmplsize"), path)
    boxes = boxes_of(kind, _numbers(segment["res"], path), template, where=path)
    stated = _length(segment, path)
    if stated is not None and stated != len(boxes):
        raise DamagedResults(
            "the number of rows differs from the one stated in the file", where=path, found=len(boxes), expected=stated
        )
    trajectory = one_pass_trajectory(folder, sequence, "one_pass", drop_omitted_rows(sequence, boxes))
    return replace(trajectory, kind=kind)


def _one_pass_segment(segments: Any, sequence: Sequence, path: Path) -> Mapping[str, Any]:
    """Return the only segment, or of several (OTB's temporal robustness) the first, which is the whole sequence."""
    found = list(segments) if isinstance(segments, list) else [segments]
    if not found or not isinstance(found[0], Mapping) or "res" not in found[0]:
        raise DamagedResults("the file has no `res`", where=path)
    if len(found) > 1 and (length := _length(found[0], path)) != len(sequence):
        raise DamagedResults(
            "the file has several segments, and the first is not the whole sequence", where=path,
            found=f"{len(found)} segments, the first of {length} frames", expected=len(sequence),
        )  # fmt: skip
    first: Mapping[str, Any] = found[0]
    return first


def _length(segment: Mapping[str, Any], path: Path) -> int | None:
    """Return the number of frames that a segment states; None where it states none."""
    stated = _numbers(segment.get("len"), path).ravel()
    return int(stated[0]) if stated.size == 1 and np.isfinite(stated[0]) else None


def _numbers(value: object, path: Path) -> Floats:
    if value is None:
        return np.zeros(0)
    try:
        # Lists of a json file have null for NaN.
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DamagedResults("invalid numbers", where=path, found=repr(value)[:60], expected="numbers") from None
