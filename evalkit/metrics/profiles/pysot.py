"""The toolkit of STVIR/pysot: one-pass benchmarks and VOT's long-term ones."""

from __future__ import annotations

import numpy as np

from evalkit import registry
from evalkit.metrics import alignment, longterm, precision, success
from evalkit.metrics.measures import Evaluation, Measure, Notes
from evalkit.metrics.one_pass import METRICS, ONE_PASS, Errors, Toolkit
from evalkit.metrics.one_pass_rules import frames_with_target, positive_size
from evalkit.types import Boxes, Floats, Sequence


def errors(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Compute the errors of one result; boxes are not repaired. Source: ``toolkit/evaluation/ope_benchmark.py``."""
    alignment.note_unannotated(sequence, notes, alignment.MISS_AND_HIT)
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated_rows(sequence, boxes, notes)
    frames = len(groundtruth)
    present = frames_with_target(sequence)
    if present is not None:
        groundtruth, boxes = groundtruth[present], boxes[present]
    truth, answer = success.columns(groundtruth), success.columns(boxes)
    valid = positive_size(truth)
    size = truth[2:] + 1e-16
    truth_center, center = precision.centers(truth), precision.centers(answer)
    # The toolkit checks the coordinates of a centre, also after division by the size.
    return Errors(
        np.where(valid, success.overlap_pysot(truth, answer), -1.0),
        _distance_of_positive_centers(truth_center, center),
        _distance_of_positive_centers(truth_center / size, center / size),
        frames,
    )


def _distance_of_positive_centers(truth: Floats, answer: Floats) -> Floats:
    return np.where((truth > 0).all(axis=0), precision.distance(truth, answer), -1.0)


TOOLKIT = Toolkit(errors, METRICS)


@registry.profile(
    "pysot",
    summary="success, precision and long-term scores as pysot's toolkit computes them",
    protocols=(*ONE_PASS, "longterm"),
    metrics=(*TOOLKIT.metrics, *longterm.METRICS),
    source="STVIR/pysot d04028f",
    reason="boxes are scored as they are: no rule for the first frame or for invalid boxes, and groundtruth is valid "
    "where width and height are positive; long-term results by the rasterised overlap of region.c",
    applies=registry.only_where_listed,
)
def pysot(evaluation: Evaluation) -> list[Measure]:
    """Compute success, precision and normalised precision; of long-term results precision, recall and F-score."""
    return longterm.pysot_measures(evaluation) if evaluation.protocol == "longterm" else TOOLKIT.measures(evaluation)
