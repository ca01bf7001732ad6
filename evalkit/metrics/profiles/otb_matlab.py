"""The OTB Matlab toolkit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit import registry
from evalkit.metrics import alignment, success
from evalkit.metrics.measures import Evaluation, Measure, Notes
from evalkit.metrics.one_pass import AUC, ONE_PASS, PRECISION, SR50, SR75, Errors, Toolkit
from evalkit.metrics.one_pass_rules import cut_surplus_rows, matlab_errors, repair_boxes, replace_first_box
from evalkit.types import Boxes, Sequence


def errors(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Compute the errors of one result. Source: ``util/calcSeqErrRobust.m``."""
    groundtruth, boxes = _aligned(sequence, boxes, notes)
    invalid = (np.isnan(boxes[:, 0]) & np.isnan(boxes[:, 1])) & (np.isnan(boxes[:, 2]) & np.isnan(boxes[:, 3]))
    invalid |= (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    found = matlab_errors(groundtruth, repair_boxes(boxes, invalid, groundtruth, notes), None)
    return replace(found, length=len(sequence.groundtruth))


def errors_of_transformed(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Compute the errors of boxes that were computed from transformations: invalid ones are not replaced."""
    groundtruth, boxes = _aligned(sequence, boxes, notes)
    notes.add_remark("invalid boxes are not replaced: the toolkit does so for results of type rect only")
    found = matlab_errors(groundtruth, replace_first_box(boxes, groundtruth, notes), None)
    return replace(found, length=len(sequence.groundtruth))


def _aligned(sequence: Sequence, boxes: Boxes, notes: Notes) -> tuple[Boxes, Boxes]:
    alignment.note_unannotated(sequence, notes, alignment.MISS_AND_HIT)
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated_rows(sequence, boxes, notes)
    boxes = cut_surplus_rows(boxes, len(groundtruth), notes)
    # perfPlot_TB100.m, which draws the published curves, uses util/calcSeqErrRobust.m: it cuts the groundtruth to a
    # shorter result, and genPerfMat.m divides by the number of all frames. The copy in rstEval/ refuses such results.
    notes.add_frames("rows missing at the end counted as misses", len(groundtruth) - len(boxes))
    return groundtruth[: len(boxes)], boxes


TOOLKIT = Toolkit(
    errors,
    (AUC, PRECISION, SR50, SR75),
    alignment.longer_results,
    tuple(success.MATLAB_THRESHOLDS),
    drop_empty=True,
    transformed=errors_of_transformed,
    short_files=True,
)


@registry.profile(
    "otb-matlab",
    summary="success and precision as OTB's Matlab toolkit computes them",
    protocols=ONE_PASS,
    metrics=TOOLKIT.metrics,
    source="OTB Matlab toolkit (zhangzheng0131/Tracker_Benchmark_tb100)",
    reason="the first box is replaced by the groundtruth, an invalid box by the previous one, invalid groundtruth "
    "counts as a hit of precision, and MATLAB's threshold 0.65 is one bit lower",
    applies=registry.only_where_listed,
)
def otb_matlab(evaluation: Evaluation) -> list[Measure]:
    """Compute success and precision."""
    return TOOLKIT.measures(evaluation)
