"""The got10k toolkit: its experiments for GOT-10k, for OTB and UAV123, and for LaSOT."""

from __future__ import annotations

import numpy as np

from evalkit import registry
from evalkit.metrics import alignment, curves, precision, success
from evalkit.metrics.measures import Evaluation, Measure, Notes, at
from evalkit.metrics.one_pass import (
    AUC,
    NORM_PRECISION,
    NORM_PRECISION_AUC,
    ONE_PASS,
    PRECISION,
    SUCCESS_PLOT,
    Errors,
    Toolkit,
)
from evalkit.metrics.one_pass import SR50 as SR50_OF_CURVE
from evalkit.metrics.one_pass_rules import replace_first_box
from evalkit.types import Boxes, Floats, Metric, Sequence

AO = Metric(
    "ao",
    "average overlap: mean over all frames of all sequences where the target is visible",
    head="AO",
    curve=SUCCESS_PLOT,
)
SR50 = Metric("sr50", "fraction of those frames whose overlap exceeds 0.5", head="SR50")
SR75 = Metric("sr75", "fraction of those frames whose overlap exceeds 0.75", head="SR75")
FPS = Metric("fps", "mean over frames of the reciprocal of the seconds a frame took", unit="1/s", head="fps by got10k")
OVERLAP_METRICS = (AO, SR50, SR75, FPS)

THRESHOLDS: Floats = np.linspace(0, 1, 101)

LEFT_OUT = "left out"
"""What these experiments do with frames without annotation."""

_COLUMNS = ((AO, 0), (SR50, 1 + 50), (SR75, 1 + 75))
"""Column of each metric: the sum of overlaps, followed by the counts above each threshold."""


def average_overlap_measures(evaluation: Evaluation) -> list[Measure]:
    """Compute average overlap and success rates, pooled over frames. Source: ``ExperimentGOT10k.report``."""
    alignment.check_lengths(evaluation)
    sequences = evaluation.sequences()
    names = tuple(sequence.name for sequence in sequences)
    if evaluation.dataset.family == "got10k":
        for sequence in sequences:
            _note_missing_annotation(sequence, evaluation.notes)
    overlaps = [_visible_overlaps(sequence, evaluation) for sequence in sequences]
    frames = np.array([[values.size] for values in overlaps], dtype=np.float64)
    sums = np.array([[values.sum(), *curves.count_above(values, THRESHOLDS)] for values in overlaps])
    return [
        *(Measure(metric, names, sums, frames, at(index), THRESHOLDS) for metric, index in _COLUMNS),
        mean_rate(names, [_seconds(sequence, evaluation) for sequence in sequences]),
    ]


def mean_rate(names: tuple[str, ...], seconds: list[Floats]) -> Measure:
    """Compute the mean of the frames' reciprocal seconds, over all frames; a few fast frames dominate it.

    Args:
        names: Names of the sequences.
        seconds: Seconds per frame of each sequence; NaN and 0 are left out.
    """
    rates = [1 / times[times > 0] for times in seconds]
    frames = np.array([[rate.size] for rate in rates], dtype=np.float64)
    return Measure(FPS, names, np.array([[rate.sum()] for rate in rates]), frames, at(0))


def clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Clip boxes to the image as the toolkit does: the corner is moved into the image and the width is kept.

    A box that exceeds the left or top edge therefore extends too far to the right or bottom; GOT-10k's scores include
    this. Source: ``rect_iou`` with ``bound``.

    >>> clipped(np.array([[-10.0, 5.0, 30.0, 10.0]]), (100, 50)).tolist()
    [[0.0, 5.0, 30.0, 10.0]]
    """
    bound = np.array(size, dtype=np.float64)
    corner = np.clip(boxes[:, :2], 0, bound)
    return np.hstack([corner, np.clip(boxes[:, 2:], 0, bound - corner)])


def _note_missing_annotation(sequence: Sequence, notes: Notes) -> None:
    """Note what GOT-10k's own annotation states and a copy lacks, where the toolkit's rule cannot be applied."""
    frames = len(sequence) - 1
    if "cover" not in sequence.flags:
        notes.add_frames("cover.label is missing, the target is assumed visible", frames)
    if sequence.size is None:
        notes.add_frames("the size of the images is unknown (meta_info.ini), boxes not clipped to them", frames)


def _visible_overlaps(sequence: Sequence, evaluation: Evaluation) -> Floats:
    groundtruth = sequence.groundtruth[1:]
    cover = sequence.flags.get("cover")
    visible = np.ones(len(groundtruth), bool) if cover is None else cover[1:] > 0
    alignment.note_unannotated(sequence, evaluation.notes, LEFT_OUT, first=1)
    visible &= ~np.isnan(groundtruth).any(axis=1)
    truth = groundtruth if sequence.size is None else clipped(groundtruth, sequence.size)
    columns = success.columns(truth)
    answers = [trajectory.boxes[1:] for trajectory in evaluation.runs[sequence.name]]
    if sequence.size is not None:
        answers = [clipped(boxes, sequence.size) for boxes in answers]
    return np.concatenate([success.overlap_got10k(columns, success.columns(boxes))[visible] for boxes in answers])


def _seconds(sequence: Sequence, evaluation: Evaluation) -> Floats:
    return np.concatenate([trajectory.seconds for trajectory in evaluation.runs[sequence.name]])


def errors(sequence: Sequence, boxes: Boxes, notes: Notes) -> Errors:
    """Compute the errors of one result; absence is ignored. Source: ``ExperimentOTB`` and ``ExperimentLaSOT``."""
    alignment.note_unannotated(sequence, notes, LEFT_OUT)
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated_rows(sequence, boxes, notes)
    length = min(len(groundtruth), len(boxes))
    notes.add_frames("rows beyond the shorter of result and annotation cut", abs(len(groundtruth) - len(boxes)))
    groundtruth = groundtruth[:length]
    boxes = replace_first_box(boxes[:length], groundtruth, notes)
    annotated = ~np.isnan(groundtruth).any(axis=1)
    truth, answer = success.columns(groundtruth[annotated]), success.columns(boxes[annotated])
    offset = precision.centers(answer) - precision.centers(truth)
    return Errors(
        success.overlap_got10k(truth, answer),
        precision.length(offset),
        precision.length(offset / np.maximum(1.0, truth[2:])),
        truth.shape[1],
    )


OTB = Toolkit(errors, (AUC, PRECISION, SR50_OF_CURVE), alignment.any_length)
"""``ExperimentOTB`` and ``ExperimentUAV123``."""

LASOT = Toolkit(
    errors,
    (AUC, PRECISION, NORM_PRECISION_AUC, NORM_PRECISION, SR50_OF_CURVE),
    alignment.any_length,
    normalized=tuple(precision.NORMALIZED_GOT10K),
)
"""``ExperimentLaSOT``."""

_EXPERIMENTS = {
    "got10k": average_overlap_measures,
    "otb": OTB.measures,
    "uav": OTB.measures,
    "lasot": LASOT.measures,
}
"""The toolkit's experiment for each benchmark family."""


NO_EXPERIMENT = (
    "the got10k toolkit has no experiment for this dataset (family: {}): AO, SR50, SR75 and fps are those of "
    "ExperimentGOT10k, AUC and P those of ExperimentOTB"
)
"""Remark on the scores of other authors' datasets of such a family."""


def is_own_dataset(name: str) -> bool:
    """Return whether a dataset is evalkit's own; the documentation says which of these have no experiment."""
    return any(entry.name == name and registry.dataset.is_builtin(entry) for entry in registry.dataset.entries())


@registry.profile(
    "got10k",
    summary="average overlap of GOT-10k, and success and precision of other benchmarks, as the got10k toolkit does",
    protocols=ONE_PASS,
    metrics=(*OVERLAP_METRICS, AUC, PRECISION, NORM_PRECISION_AUC, NORM_PRECISION),
    source="got-10k/toolkit 956e728 and 0.1.3",
    reason="no rule for invalid boxes, invalid groundtruth or absent targets; on GOT-10k boxes are clipped to the "
    "image, the first frame is left out, and frames are pooled over sequences",
    applies=registry.only_where_listed,
)
def got10k(evaluation: Evaluation) -> list[Measure]:
    """Compute the scores of the experiment for the dataset's family; those of GOT-10k and OTB if there is none."""
    experiment = _EXPERIMENTS.get(evaluation.dataset.family or "")
    if experiment is not None:
        return experiment(evaluation)
    if not is_own_dataset(evaluation.dataset.name):
        evaluation.notes.add_remark(NO_EXPERIMENT.format(evaluation.dataset.family or "not declared"))
    return average_overlap_measures(evaluation) + OTB.measures(evaluation)[:2]
