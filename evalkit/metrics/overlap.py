"""Average overlap and success rates, as GOT-10k defines them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import alignment, curves, success
from evalkit.metrics.measures import Evaluation, Measure, Notes, at
from evalkit.types import Boxes, Metric, Sequence

Floats = NDArray[np.float64]

AO = Metric("ao", "average overlap: mean over all frames of all sequences where the target is visible")
SR50 = Metric("sr50", "fraction of those frames whose overlap exceeds 0.5")
SR75 = Metric("sr75", "fraction of those frames whose overlap exceeds 0.75")
FPS = Metric("fps", "mean over frames of the reciprocal of the seconds a frame took", unit="1/s")

THRESHOLDS: Floats = np.linspace(0, 1, 101)
METRICS = (AO, SR50, SR75, FPS)

_READ = ((AO, 0), (SR50, 1 + 50), (SR75, 1 + 75))
"""Where each score stands behind one another: the sum of overlaps, then the counts above each threshold."""


def measure(evaluation: Evaluation) -> list[Measure]:
    """Source: ``ExperimentGOT10k.report`` of the got10k toolkit."""
    alignment.check_lengths(evaluation)
    sequences = evaluation.sequences()
    names = tuple(sequence.name for sequence in sequences)
    if evaluation.dataset.family == "got10k":
        for sequence in sequences:
            _note_what_is_missing(sequence, evaluation.notes)
    overlaps = [_overlaps(sequence, evaluation) for sequence in sequences]
    frames = np.array([[values.size] for values in overlaps], dtype=np.float64)
    sums = np.array([[values.sum(), *curves.count_above(values, THRESHOLDS)] for values in overlaps])
    return [
        *(Measure(metric, names, sums, frames, at(index), THRESHOLDS) for metric, index in _READ),
        speed(names, [_seconds(sequence, evaluation) for sequence in sequences]),
    ]


def speed(names: tuple[str, ...], seconds: list[Floats]) -> Measure:
    """Frames per second pooled over all frames: the mean of reciprocals, which a few fast frames dominate."""
    rates = [1 / times[times > 0] for times in seconds]
    frames = np.array([[rate.size] for rate in rates], dtype=np.float64)
    return Measure(FPS, names, np.array([[rate.sum()] for rate in rates]), frames, at(0))


def clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes as the toolkit clips them: the corner is moved into the image, the width is not shortened for it.

    Source: ``rect_iou`` with ``bound``; a box that hangs out to the left or top therefore reaches too far right or
    down, and GOT-10k's scores have it.

    >>> clipped(np.array([[-10.0, 5.0, 30.0, 10.0]]), (100, 50)).tolist()
    [[0.0, 5.0, 30.0, 10.0]]
    """
    bound = np.array(size, dtype=np.float64)
    corner = np.clip(boxes[:, :2], 0, bound)
    return np.hstack([corner, np.clip(boxes[:, 2:], 0, bound - corner)])


def _note_what_is_missing(sequence: Sequence, notes: Notes) -> None:
    """GOT-10k's own annotation says both; a copy without them is scored by another rule than the toolkit's."""
    frames = len(sequence) - 1
    if "cover" not in sequence.flags:
        notes.add("cover.label is missing, the target taken as visible", frames)
    if sequence.size is None:
        notes.add("the size of the images is unknown (meta_info.ini), boxes not clipped to them", frames)


def _overlaps(sequence: Sequence, evaluation: Evaluation) -> Floats:
    groundtruth = sequence.groundtruth[1:]
    cover = sequence.flags.get("cover")
    visible = np.ones(len(groundtruth), bool) if cover is None else cover[1:] > 0
    truth = groundtruth if sequence.size is None else clipped(groundtruth, sequence.size)
    columns = success.columns(truth)
    answers = [trajectory.boxes[1:] for trajectory in evaluation.runs[sequence.name]]
    if sequence.size is not None:
        answers = [clipped(boxes, sequence.size) for boxes in answers]
    return np.concatenate([success.overlap_got10k(columns, success.columns(boxes))[visible] for boxes in answers])


def _seconds(sequence: Sequence, evaluation: Evaluation) -> Floats:
    return np.concatenate([trajectory.seconds for trajectory in evaluation.runs[sequence.name]])
