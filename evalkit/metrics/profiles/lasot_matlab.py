"""The LaSOT Evaluation Toolkit (Matlab)."""

from __future__ import annotations

import numpy as np

from evalkit import registry
from evalkit.metrics import alignment, success
from evalkit.metrics.measures import Evaluation, Measure, Notes
from evalkit.metrics.one_pass import METRICS, ONE_PASS, Errors, Toolkit
from evalkit.metrics.one_pass_rules import cut_surplus_rows, frames_with_target, matlab_errors, repair_boxes
from evalkit.types import Boxes, Sequence


def errors(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Compute the errors of one result; absent frames leave the numerator only.

    Source: ``calc_seq_err_robust.m``.
    """
    alignment.note_unannotated(sequence, notes, alignment.MISS_AND_HIT)
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated_rows(sequence, boxes, notes)
    boxes = cut_surplus_rows(boxes, len(groundtruth), notes)
    # A sum is NaN where any of its parts is.
    invalid = np.isnan(boxes @ np.ones(4)) | (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    if "absent" not in sequence.flags:
        notes.add_frames("absent frames are not marked, the target is assumed present", len(groundtruth))
    return matlab_errors(groundtruth, repair_boxes(boxes, invalid, groundtruth, notes), frames_with_target(sequence))


TOOLKIT = Toolkit(errors, METRICS, alignment.longer_results, tuple(success.MATLAB_THRESHOLDS), drop_empty=True)


@registry.profile(
    "lasot-matlab",
    summary="success and precision as LaSOT's Matlab toolkit computes them",
    protocols=ONE_PASS,
    metrics=TOOLKIT.metrics,
    source="LaSOT Evaluation Toolkit 95bf38a",
    reason="as otb-matlab, and frames without the target leave the numerator but not the denominator, so that a "
    "perfect tracker stays below 1",
    applies=registry.only_where_listed,
)
def lasot_matlab(evaluation: Evaluation) -> list[Measure]:
    """Compute success, precision and normalised precision."""
    return TOOLKIT.measures(evaluation)
