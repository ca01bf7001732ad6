"""What five toolkits do to the first frame, to bad predictions, to unusable groundtruth and to absent targets.

The toolkits agree on the formulas and differ in these rules alone. Each set is one function here; the table of
differences is in the documentation of the metrics.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.metrics import alignment, precision, success
from evalkit.metrics.measures import Evaluation, Notes
from evalkit.metrics.one_pass import Errors
from evalkit.types import Boxes, Sequence

Floats = NDArray[np.float64]


def otb_matlab(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Source: ``calcSeqErrRobust.m`` of the OTB toolkit."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    boxes = _cut(boxes, len(groundtruth), notes)
    bad = (np.isnan(boxes[:, 0]) & np.isnan(boxes[:, 1])) & (np.isnan(boxes[:, 2]) & np.isnan(boxes[:, 3]))
    bad |= (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    return _matlab_errors(groundtruth, _mended(boxes, bad, groundtruth, notes), None)


def lasot_matlab(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Absent frames leave the numerator only. Source: ``calc_seq_err_robust.m`` of the LaSOT toolkit."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    boxes = _cut(boxes, len(groundtruth), notes)
    # A sum is NaN where any of its parts is.
    bad = np.isnan(boxes @ np.ones(4)) | (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    if "absent" not in sequence.flags:
        notes.add("absent frames are not marked, the target taken as present", len(groundtruth))
    return _matlab_errors(groundtruth, _mended(boxes, bad, groundtruth, notes), _present(sequence))


def pysot(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Predictions are taken as they are. Source: ``toolkit/evaluation/ope_benchmark.py`` of STVIR/pysot."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    frames = len(groundtruth)
    present = _present(sequence)
    if present is not None:
        groundtruth, boxes = groundtruth[present], boxes[present]
    truth, answer = success.columns(groundtruth), success.columns(boxes)
    valid = (truth[2:] > 0).all(axis=0)
    size = truth[2:] + 1e-16
    truth_center, center = precision.centers(truth), precision.centers(answer)
    # The toolkit judges a centre by its coordinates, also after division by the size.
    return Errors(
        np.where(valid, success.overlap_pysot(truth, answer), -1.0),
        _distance_of_positive(truth_center, center),
        _distance_of_positive(truth_center / size, center / size),
        frames,
    )


def pytracking(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Source: ``pytracking/analysis/extract_results.py``; ``check_pytracking`` has refused what it raises on."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    missing = len(groundtruth) - len(boxes)
    boxes = _cut(boxes, len(groundtruth), notes)
    boxes = _mended(boxes, (boxes[:, 2:] == 0).any(axis=1), groundtruth[: len(boxes)], notes)
    if missing > 0:
        notes.add("rows missing at the end taken as empty boxes", missing)
        boxes = np.vstack([boxes, np.zeros((missing, 4))])
    truth, answer = success.columns(groundtruth), success.columns(boxes)
    present = _present(sequence)
    valid = (truth > 0).all(axis=0)
    hidden = -1.0 if present is None else np.where(present, -1.0, np.inf)
    if present is not None:
        valid &= present
    overlap, error, normalized = _plain_errors(truth, answer)
    return Errors(
        np.where(valid, overlap, -1.0),
        np.where(valid, error, np.inf),
        np.where(valid, normalized, hidden),
        len(groundtruth),
    )


def got10k(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Absence is ignored. Source: ``ExperimentOTB`` and ``ExperimentLaSOT`` of the got10k toolkit."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    length = min(len(groundtruth), len(boxes))
    notes.add("rows beyond the shorter of result and annotation cut", abs(len(groundtruth) - len(boxes)))
    groundtruth = groundtruth[:length]
    boxes = _first_is_groundtruth(boxes[:length], groundtruth, notes)
    annotated = ~np.isnan(groundtruth).any(axis=1)
    truth, answer = success.columns(groundtruth[annotated]), success.columns(boxes[annotated])
    offset = precision.centers(answer) - precision.centers(truth)
    return Errors(
        success.overlap_got10k(truth, answer),
        precision.length(offset),
        precision.length(offset / np.maximum(1.0, truth[2:])),
        truth.shape[1],
    )


def check_pytracking(evaluation: Evaluation) -> None:
    """Refuse the values that pytracking refuses.

    Raises:
        EvalkitError: NaN or negative sizes; names every sequence.
    """
    wrong = sorted(
        sequence.name for sequence, boxes in _boxes(evaluation) if np.isnan(boxes).any() or (boxes[:, 2:] < 0).any()
    )
    if wrong:
        raise EvalkitError(
            f"pytracking does not score NaN or negative sizes, which {len(wrong)} results have",
            where=evaluation.dataset.name,
            found=", ".join(wrong),
            hint="Other profiles have a rule for such rows",
        )


def fits_pytracking(family: str | None) -> alignment.Fit:
    """Longer results are cut; shorter ones are padded with empty boxes, but on LaSOT refused."""
    return alignment.longer if family == "lasot" else alignment.any_length


def _boxes(evaluation: Evaluation) -> Iterator[tuple[Sequence, Boxes]]:
    for sequence in evaluation.sequences():
        for trajectory in evaluation.runs[sequence.name]:
            yield sequence, trajectory.boxes


def _matlab_errors(groundtruth: Boxes, boxes: Boxes, present: NDArray[np.bool_] | None) -> Errors:
    truth, answer = success.columns(groundtruth), success.columns(boxes)
    valid = (truth > 0).all(axis=0)
    # An unusable groundtruth gets error -1, which every threshold counts as a hit.
    overlap, error, normalized = (np.where(valid, values, -1.0) for values in _plain_errors(truth, answer))
    if present is not None:
        # NaN neither succeeds nor is precise: the frame leaves the numerator.
        overlap[~present] = error[~present] = normalized[~present] = np.nan
    return Errors(overlap, error, normalized, len(groundtruth))


def _plain_errors(truth: success.Columns, answer: success.Columns) -> tuple[Floats, Floats, Floats]:
    """Overlap, distance and normalised distance, whatever the groundtruth is worth."""
    center, truth_center = precision.centers(answer), precision.centers(truth)
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = success.overlap_matlab(truth, answer)
        normalized = precision.distance(center / truth[2:], truth_center / truth[2:])
    return overlap, precision.distance(center, truth_center), normalized


def _distance_of_positive(truth: Floats, answer: Floats) -> Floats:
    return np.where((truth > 0).all(axis=0), precision.distance(truth, answer), -1.0)


def _present(sequence: Sequence) -> NDArray[np.bool_] | None:
    """Frames with the target; None where the benchmark does not say, or says all."""
    absent = sequence.flags.get("absent")
    return None if absent is None or not np.any(absent) else ~np.asarray(absent, bool)


def _cut(boxes: Boxes, length: int, notes: Notes) -> Boxes:
    notes.add("rows beyond the annotation cut", max(0, len(boxes) - length))
    return boxes[:length]


def _mended(boxes: Boxes, bad: NDArray[np.bool_], groundtruth: Boxes, notes: Notes) -> Boxes:
    """Bad rows repeat the last good one before, the first row whatever it is; then it becomes the groundtruth.

    Rows without groundtruth are left as they are.
    """
    if bad.any():
        bad = bad & ~np.isnan(groundtruth).any(axis=1)
        bad[0] = False
        notes.add("previous box repeated for an unusable one", int(bad.sum()))
        boxes = boxes[np.maximum.accumulate(np.where(bad, 0, np.arange(len(boxes))))]
    return _first_is_groundtruth(boxes, groundtruth, notes)


def _first_is_groundtruth(boxes: Boxes, groundtruth: Boxes, notes: Notes) -> Boxes:
    if np.array_equal(boxes[0], groundtruth[0]):
        return boxes
    notes.add("first box replaced by the groundtruth", 1)
    return np.vstack([groundtruth[:1], boxes[1:]])
