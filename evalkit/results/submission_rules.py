"""Rules of evaluation servers for the results of one sequence: completeness, numbers of rows, values and times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.results.layouts.base import expected_rows
from evalkit.results.layouts.vot import file_number
from evalkit.types import Dataset, FrameState, Sequence, Trajectory


def expected_length(sequence: Sequence) -> int | None:
    """Return the number of rows of a sequence's results; None where it is unknown.

    A test sequence without its frames has one annotated row, which does not tell its length.
    """
    rows = len(sequence)
    return rows if rows > 1 else None


def box_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    """Yield the problems of results with one box a frame."""
    if not runs:
        yield f"{name}: no result"
    expected = expected_length(dataset.sequence(name))
    for run in runs:
        if expected is not None and len(run) != expected:
            yield f"{name}: {len(run)} rows, expected {expected}"
        if not np.isfinite(run.boxes).all():
            row = int(np.argmin(np.isfinite(run.boxes).all(axis=1))) + 1
            yield f"{name}: row {row} is not finite"


def got10k_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    """Yield the problems of results on GOT-10k, whose server computes speeds."""
    yield from box_problems(dataset, name, runs)
    if runs and not all(np.isfinite(run.seconds).all() for run in runs):
        yield f"{name}: times are missing, which the server requires (parallel runs have none)"


def vot_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    """Yield the problems of results on a VOT benchmark."""
    if not runs:
        yield f"{name}: no result"
        return
    sequence = dataset.sequence(name)
    for run in runs:
        rows = expected_rows(sequence, run)
        if len(run) != rows:
            yield f"{name}_{file_number(run)}: {len(run)} rows, expected {rows}"
        start = _start(sequence)
        if len(run) > start and run.states[start] != FrameState.INITIALIZED:
            where = "it does not begin with" if start == 0 else f"row {start + 1}, where the object appears, is not"
            yield f"{name}_{file_number(run)}: {where} the code 1"
    yield from _missing_anchors(sequence, runs)
    if runs[0].protocol == "supervised" and not any((run.states == FrameState.INITIALIZED).any() for run in runs):
        yield f"{name}: the result of a single pass, not of the supervised protocol"


def _start(sequence: Sequence) -> int:
    """Return the frame in which a tracker starts: the first, or of an object of a video (VOTS) the first known."""
    if sequence.video is None:
        return 0
    known = (index for index in range(len(sequence)) if sequence.region(index) is not None)
    return next(known, 0)


def _missing_anchors(sequence: Sequence, runs: list[Trajectory]) -> Iterator[str]:
    anchors = sequence.annotation.anchors
    if anchors is not None and runs[0].anchor is not None:
        missing = sorted(set(np.flatnonzero(anchors).tolist()) - {run.anchor for run in runs})
        if missing:
            yield f"{sequence.name}: no run from anchor {', '.join(map(str, missing))}"
