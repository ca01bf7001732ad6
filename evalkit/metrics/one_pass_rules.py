"""Steps that the rules of several one-pass toolkits share: repairs of predictions, and errors of frames.

The toolkits agree on the formulas and differ in the treatment of the first frame, of invalid predictions, of invalid
groundtruth and of absent targets. Each toolkit's own order of these steps is in its profile.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import precision, success
from evalkit.metrics.measures import Notes
from evalkit.metrics.one_pass import Errors
from evalkit.types import Boxes, Floats, Sequence


def matlab_errors(groundtruth: Boxes, boxes: Boxes, present: NDArray[np.bool_] | None) -> Errors:
    """Compute the errors as the Matlab toolkits of OTB and LaSOT do.

    Args:
        groundtruth, boxes: Shape (N, 4); the boxes are repaired.
        present: Shape (N,), False where the target is absent; None where it never is.
    """
    truth, answer = success.columns(groundtruth), success.columns(boxes)
    valid = all_positive(truth)
    # An invalid groundtruth has error -1, which is below every threshold: a hit.
    overlap, error, normalized = (np.where(valid, values, -1.0) for values in frame_errors(truth, answer))
    if present is not None:
        # NaN is neither a success nor precise: the frame leaves the numerator.
        overlap[~present] = error[~present] = normalized[~present] = np.nan
    return Errors(overlap, error, normalized, len(groundtruth))


def all_positive(truth: success.Columns) -> NDArray[np.bool_]:
    """Return where groundtruth is valid by the rule of OTB's and LaSOT's toolkits and of pytracking.

    Args:
        truth: Shape (4, N); x, y, width, height.

    Returns:
        Shape (N,), False where any of the four numbers is NaN, zero or negative.
    """
    return np.asarray((truth > 0).all(axis=0))


def positive_size(truth: success.Columns) -> NDArray[np.bool_]:
    """Return where groundtruth is valid by the rule of pysot and of the STARK and OSTrack family.

    Args:
        truth: Shape (4, N); x, y, width, height.

    Returns:
        Shape (N,), False where width or height is NaN, zero or negative. A box that begins at or left of the image's
        corner is valid.
    """
    return np.asarray((truth[2:] > 0).all(axis=0))


def frame_errors(truth: success.Columns, answer: success.Columns) -> tuple[Floats, Floats, Floats]:
    """Compute overlap, distance and normalised distance, each of shape (N,), also where the groundtruth is invalid."""
    center, truth_center = precision.centers(answer), precision.centers(truth)
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = success.overlap_matlab(truth, answer)
        normalized = precision.distance(center / truth[2:], truth_center / truth[2:])
    return overlap, precision.distance(center, truth_center), normalized


def frames_with_target(sequence: Sequence) -> NDArray[np.bool_] | None:
    """Return the frames with the target, shape (N,); None where the target is always there, or it is not annotated."""
    absent = sequence.flags.get("absent")
    return None if absent is None or not np.any(absent) else ~np.asarray(absent, bool)


def cut_surplus_rows(boxes: Boxes, length: int, notes: Notes) -> Boxes:
    """Return the first ``length`` rows."""
    notes.add_frames("rows beyond the annotation cut", max(0, len(boxes) - length))
    return boxes[:length]


def repair_boxes(boxes: Boxes, invalid: NDArray[np.bool_], groundtruth: Boxes, notes: Notes) -> Boxes:
    """Replace invalid rows by the last valid one before them, and after that the first row by the groundtruth.

    The first row counts as valid. Rows without groundtruth are left as they are.
    """
    if invalid.any():
        invalid = invalid & ~np.isnan(groundtruth).any(axis=1)
        invalid[0] = False
        notes.add_frames("invalid box replaced by the previous one", int(invalid.sum()))
        boxes = boxes[np.maximum.accumulate(np.where(invalid, 0, np.arange(len(boxes))))]
    return replace_first_box(boxes, groundtruth, notes)


def replace_first_box(boxes: Boxes, groundtruth: Boxes, notes: Notes) -> Boxes:
    """Replace the first row by the groundtruth."""
    if np.array_equal(boxes[0], groundtruth[0]):
        return boxes
    notes.add_frames("first box replaced by the groundtruth", 1)
    return np.vstack([groundtruth[:1], boxes[1:]])
