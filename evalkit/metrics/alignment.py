"""Bringing the rows of a result to the rows of the annotation, by official rules only."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.errors import EvalkitError
from evalkit.metrics.measures import Evaluation
from evalkit.types import Boxes, Sequence

_TIGER1_OMITTED = 5
"""OTB's evaluation drops the first rows of Tiger1 (``initOmit/tiger1.txt``), so 349 of 354 are scored."""

Fit = Callable[[int, int], bool]
"""Given rows found and rows expected: does the toolkit have a rule for this?"""


def longer(found: int, expected: int) -> bool:
    """Surplus rows are cut: OTB Matlab, LaSOT Matlab, pytracking."""
    return found > expected


def never(found: int, expected: int) -> bool:
    return False


def any_length(found: int, expected: int) -> bool:
    """Both are cut to the shorter: the got10k toolkit."""
    return found > 0


def check_lengths(evaluation: Evaluation, fits: Fit = never) -> None:
    """Refuse results whose rows are neither as many as the annotation's nor covered by a rule.

    Raises:
        EvalkitError: Names every such sequence, with rows found and expected.
    """
    wrong = [
        f"{sequence.name} {len(trajectory)}/{len(sequence)}"
        for sequence in evaluation.sequences()
        for trajectory in evaluation.runs[sequence.name]
        if len(trajectory) != len(sequence)
        and not _is_tiger1(sequence, len(trajectory))
        and not fits(len(trajectory), len(sequence))
    ]
    if wrong:
        raise EvalkitError(
            f"results of {len(wrong)} do not have as many rows as the annotation",
            where=evaluation.dataset.name,
            found=", ".join(wrong[:20]) + (f" and {len(wrong) - 20} more" if len(wrong) > 20 else ""),
            hint="Each is rows found/expected; track these sequences again, or leave them out with --allow-partial",
        )


def omit_start(sequence: Sequence, groundtruth: Boxes, boxes: Boxes) -> tuple[Boxes, Boxes]:
    """Drop what OTB's evaluation drops of Tiger1; results of 349 rows begin at row 6 of 354."""
    if not _is_tiger1(sequence, len(boxes)):
        return groundtruth, boxes
    return groundtruth[-349:], boxes[-349:]


def _is_tiger1(sequence: Sequence, rows: int) -> bool:
    lengths = (349, 349 + _TIGER1_OMITTED)
    return sequence.name.casefold() == "tiger1" and len(sequence) in lengths and rows in lengths
