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
    bad = np.isnan(boxes).all(axis=1) | (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    bad &= ~np.isnan(groundtruth).any(axis=1)
    boxes = _first_is_groundtruth(_repeat_previous(boxes, bad, notes), groundtruth, notes)
    return _matlab_errors(groundtruth, boxes, len(groundtruth))


def lasot_matlab(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Absent frames leave the numerator only. Source: ``calc_seq_err_robust.m`` of the LaSOT toolkit."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    boxes = _cut(boxes, len(groundtruth), notes)
    bad = np.isnan(boxes).any(axis=1) | (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    bad &= ~np.isnan(groundtruth).any(axis=1)
    boxes = _first_is_groundtruth(_repeat_previous(boxes, bad, notes), groundtruth, notes)
    present = _present(sequence)
    return _matlab_errors(groundtruth[present], boxes[present], len(groundtruth))


def pysot(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Predictions are taken as they are. Source: ``toolkit/evaluation/ope_benchmark.py`` of STVIR/pysot."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    length = len(groundtruth)
    present = _present(sequence)
    groundtruth, boxes = groundtruth[present], boxes[present]
    valid = (groundtruth[:, 2:] > 0).all(axis=1)
    size = groundtruth[:, 2:] + 1e-16
    truth, answer = precision.centers(groundtruth), precision.centers(boxes)
    # The toolkit judges a centre by its coordinates, also after division by the size.
    return Errors(
        np.where(valid, success.overlap_pysot(groundtruth, boxes), -1.0),
        _distance_of_positive(truth, answer),
        _distance_of_positive(truth / size, answer / size),
        length,
    )


def pytracking(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Source: ``pytracking/analysis/extract_results.py``; ``check_pytracking`` has refused what it raises on."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    missing = len(groundtruth) - len(boxes)
    empty = (boxes[:, 2:] == 0).any(axis=1)
    empty[: len(groundtruth)] &= ~np.isnan(groundtruth[: len(boxes)]).any(axis=1)
    boxes = _cut(_repeat_previous(boxes, empty, notes), len(groundtruth), notes)
    if missing > 0:
        notes.add("rows missing at the end taken as empty boxes", missing)
        boxes = np.vstack([boxes, np.zeros((missing, 4))])
    boxes = _first_is_groundtruth(boxes, groundtruth, notes)
    present = _present(sequence)
    valid = (groundtruth > 0).all(axis=1) & present
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = success.overlap_matlab(groundtruth, boxes)
        error = precision.distance(precision.centers(boxes), precision.centers(groundtruth))
        normalized = _normalized_distance(groundtruth, boxes)
    return Errors(
        np.where(valid, overlap, -1.0),
        np.where(valid, error, np.inf),
        np.where(valid, normalized, np.where(present, -1.0, np.inf)),
        len(groundtruth),
    )


def got10k(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Absence is ignored. Source: ``ExperimentOTB`` and ``ExperimentLaSOT`` of the got10k toolkit."""
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated(sequence, boxes, notes)
    length = min(len(groundtruth), len(boxes))
    notes.add("rows beyond the shorter of result and annotation cut", abs(len(groundtruth) - len(boxes)))
    boxes = _first_is_groundtruth(boxes[:length], groundtruth[:length], notes)
    annotated = ~np.isnan(groundtruth[:length]).any(axis=1)
    groundtruth, boxes = groundtruth[:length][annotated], boxes[annotated]
    offset = precision.centers(boxes) - precision.centers(groundtruth)
    normalized = offset / np.maximum(1.0, groundtruth[:, 2:])
    return Errors(
        success.overlap_got10k(groundtruth, boxes),
        np.sqrt((offset**2).sum(axis=1)),
        np.sqrt((normalized**2).sum(axis=1)),
        len(groundtruth),
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


def fits_pytracking(dataset: str) -> alignment.Fit:
    """Longer results are cut; shorter ones are padded with empty boxes, but on LaSOT refused."""
    return alignment.longer if dataset.startswith("lasot") else alignment.any_length


def _boxes(evaluation: Evaluation) -> Iterator[tuple[Sequence, Boxes]]:
    for sequence in evaluation.sequences():
        for trajectory in evaluation.runs[sequence.name]:
            yield sequence, trajectory.boxes


def _matlab_errors(groundtruth: Boxes, boxes: Boxes, length: int) -> Errors:
    valid = (groundtruth > 0).all(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = success.overlap_matlab(groundtruth, boxes)
        error = precision.distance(precision.centers(boxes), precision.centers(groundtruth))
        normalized = _normalized_distance(groundtruth, boxes)
    # An unusable groundtruth gets error -1, which every threshold counts as a hit.
    return Errors(
        np.where(valid, overlap, -1.0), np.where(valid, error, -1.0), np.where(valid, normalized, -1.0), length
    )


def _normalized_distance(groundtruth: Boxes, boxes: Boxes) -> Floats:
    size = groundtruth[:, 2:]
    return precision.distance(precision.centers(boxes) / size, precision.centers(groundtruth) / size)


def _distance_of_positive(truth: Floats, answer: Floats) -> Floats:
    return np.where((truth > 0).all(axis=1), precision.distance(truth, answer), -1.0)


def _present(sequence: Sequence) -> NDArray[np.bool_]:
    absent = sequence.flags.get("absent")
    return np.ones(len(sequence), bool) if absent is None else ~np.asarray(absent, bool)


def _cut(boxes: Boxes, length: int, notes: Notes) -> Boxes:
    notes.add("rows beyond the annotation cut", max(0, len(boxes) - length))
    return boxes[:length]


def _repeat_previous(boxes: Boxes, bad: NDArray[np.bool_], notes: Notes) -> Boxes:
    """Replace bad rows by the last good one before; the first row stays whatever it is."""
    bad = bad.copy()
    bad[0] = False
    if not bad.any():
        return boxes
    notes.add("previous box repeated for an unusable one", int(bad.sum()))
    source = np.maximum.accumulate(np.where(bad, 0, np.arange(len(boxes))))
    return boxes[source]


def _first_is_groundtruth(boxes: Boxes, groundtruth: Boxes, notes: Notes) -> Boxes:
    if np.array_equal(boxes[0], groundtruth[0]):
        return boxes
    notes.add("first box replaced by the groundtruth", 1)
    return np.vstack([groundtruth[:1], boxes[1:]])
