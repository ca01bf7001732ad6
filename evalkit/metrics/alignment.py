"""Bringing the rows of a result to the rows of the annotation, by official rules only."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.errors import EvalkitError
from evalkit.metrics.measures import Evaluation, Notes
from evalkit.types import Boxes, Sequence

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
        and not _begins_early(sequence, len(trajectory))
        and not fits(len(trajectory), len(sequence))
    ]
    if wrong:
        raise EvalkitError(
            f"results of {len(wrong)} do not have as many rows as the annotation",
            where=evaluation.dataset.name,
            found=", ".join(wrong[:20]) + (f" and {len(wrong) - 20} more" if len(wrong) > 20 else ""),
            hint="Each is rows found/expected; track these sequences again, or leave them out with --allow-partial",
        )


def evaluated(sequence: Sequence, boxes: Boxes, notes: Notes) -> Boxes:
    """Rows of the frames that the benchmark evaluates, where the result begins before them (Tiger1 of OTB)."""
    omitted = sequence.omitted_rows
    notes.add(f"first rows of {sequence.name} left out, as the benchmark does", omitted)
    return boxes[omitted:] if len(boxes) == len(sequence) + omitted else boxes


def _begins_early(sequence: Sequence, rows: int) -> bool:
    return rows == len(sequence) + sequence.omitted_rows
