"""The analysis of visionml/pytracking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.errors import ProfileNotApplicable
from evalkit.metrics import alignment, success
from evalkit.metrics.measures import Evaluation, Measure, Notes
from evalkit.metrics.one_pass import AUC, NORM_PRECISION, ONE_PASS, PRECISION, SR50, SR75, Errors, Toolkit
from evalkit.metrics.one_pass_rules import (
    all_positive,
    cut_surplus_rows,
    frame_errors,
    frames_with_target,
    repair_boxes,
)
from evalkit.types import Boxes, Sequence

METRICS = (AUC, PRECISION, NORM_PRECISION, SR50, SR75)


def errors(sequence: Sequence, boxes: Boxes, notes: Notes, *, family: str | None = None) -> Errors:
    """Compute the errors of one result; ``check_values`` has refused what the toolkit refuses.

    Args:
        family: Benchmark family of the dataset; see ``analysis_errors``.

    Source: ``calc_seq_err_robust`` in ``pytracking/analysis/extract_results.py``.
    """
    return analysis_errors(sequence, boxes, notes, family, all_positive, frames_with_target(sequence))


def analysis_errors(
    sequence: Sequence,
    boxes: Boxes,
    notes: Notes,
    family: str | None,
    valid_rows: Callable[[success.Columns], NDArray[np.bool_]],
    present: NDArray[np.bool_] | None,
) -> Errors:
    """Compute the errors of one result as pytracking and the toolkits made from it do.

    A frame without valid groundtruth is a miss of success, a hit of normalised precision, and a miss of precision, but
    on UAV123 a hit of it. On LaSOT, a frame without the target is a miss of all three.

    Args:
        family: Benchmark family of the dataset: ``uav`` is UAV123, ``lasot`` LaSOT.
        valid_rows: The rule for valid groundtruth, ``all_positive`` or ``positive_size``.
        present: Frames with the target, shape (N,); None where that is not taken into account.
    """
    precise = "hits" if family == "uav" else "misses"
    rule = f"counted as misses of success, {precise} of precision and hits of normalised precision, as the toolkit does"
    alignment.note_unannotated(sequence, notes, rule)
    groundtruth, boxes = sequence.groundtruth, alignment.evaluated_rows(sequence, boxes, notes)
    missing = len(groundtruth) - len(boxes)
    boxes = cut_surplus_rows(boxes, len(groundtruth), notes)
    boxes = repair_boxes(boxes, (boxes[:, 2:] == 0).any(axis=1), groundtruth[: len(boxes)], notes)
    if missing > 0:
        notes.add_frames("rows missing at the end taken as empty boxes", missing)
        boxes = np.vstack([boxes, np.zeros((missing, 4))])
    truth, answer = success.columns(groundtruth), success.columns(boxes)
    valid = valid_rows(truth)
    hidden = np.full(len(groundtruth), -1.0)
    if present is not None:
        valid &= present
        hidden[~present] = np.inf if family == "lasot" else -1.0
    overlap, error, normalized = frame_errors(truth, answer)
    return Errors(
        np.where(valid, overlap, -1.0),
        np.where(valid, error, -1.0 if family == "uav" else np.inf),
        np.where(valid, normalized, hidden),
        len(groundtruth),
    )


def check_values(evaluation: Evaluation, toolkit: str = "pytracking") -> None:
    """Refuse the values that the toolkit refuses.

    Args:
        toolkit: Its name, for the message.

    Raises:
        ProfileNotApplicable: Boxes hold NaN or negative sizes; names the sequences.
    """
    wrong = sorted(
        {sequence.name for sequence, boxes in _results(evaluation) if np.isnan(boxes).any() or (boxes[:, 2:] < 0).any()}
    )
    if wrong:
        raise ProfileNotApplicable(
            f"{toolkit} does not score NaN or negative sizes, which results of {len(wrong)} sequences have",
            where=evaluation.dataset.name,
            found=", ".join(wrong),
            hint="Other profiles have a rule for such rows",
            sequences=dict.fromkeys(wrong, "NaN or negative sizes"),
        )


def _results(evaluation: Evaluation) -> Iterator[tuple[Sequence, Boxes]]:
    for sequence in evaluation.sequences():
        for trajectory in evaluation.runs[sequence.name]:
            yield sequence, trajectory.boxes


def length_rule(family: str | None) -> alignment.LengthRule:
    """Return the length rule: longer results are cut, shorter ones padded with empty boxes but refused on LaSOT."""
    return alignment.longer_results if family == "lasot" else alignment.any_length


@registry.profile(
    "pytracking",
    summary="success, precision and normalised precision as pytracking computes them",
    protocols=ONE_PASS,
    metrics=METRICS,
    source="visionml/pytracking 7eb9e74",
    reason="as the Matlab toolkits, but invalid groundtruth is a miss of precision too (except on UAV123), and NaN or "
    "negative sizes are refused",
    applies=registry.only_where_listed,
)
def pytracking(evaluation: Evaluation) -> list[Measure]:
    """Compute success, precision and normalised precision by the rules for the dataset's family."""
    check_values(evaluation)
    family = evaluation.dataset.family
    return Toolkit(partial(errors, family=family), METRICS, length_rule(family)).measures(evaluation)
