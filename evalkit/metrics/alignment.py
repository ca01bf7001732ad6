"""Compare the number of rows of a result with the annotation's, and align them by the rules of the toolkits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalkit.errors import ProfileNotApplicable, listed
from evalkit.metrics.measures import Evaluation, Notes
from evalkit.types import Boxes, Sequence

LengthRule = Callable[[int, int], bool]
"""Returns whether a toolkit scores a result of the first number of rows, where the annotation has the second."""


def longer_results(found: int, expected: int) -> bool:
    """Length rule of OTB Matlab, LaSOT Matlab and pytracking: surplus rows are cut."""
    return found > expected


def no_other_length(found: int, expected: int) -> bool:
    """Length rule of pysot and VOT: the numbers of rows must be equal."""
    return False


def any_length(found: int, expected: int) -> bool:
    """Length rule of the got10k toolkit: both are cut to the shorter one."""
    return found > 0


def check_lengths(evaluation: Evaluation, accepts: LengthRule = no_other_length, *, short_files: bool = False) -> None:
    """Refuse results that do not have as many rows as the annotation.

    Args:
        accepts: Other numbers of rows for which the toolkit has a rule.
        short_files: Also accept files of OTB's toolkit with fewer rows.

    Raises:
        ProfileNotApplicable: Names the sequences, with rows found and expected.
    """
    wrong = {
        sequence.name: f"{len(trajectory)} of {len(sequence)} rows"
        for sequence in evaluation.sequences()
        for trajectory in evaluation.runs[sequence.name]
        if len(trajectory) != len(sequence)
        and not _has_omitted_rows(sequence, len(trajectory))
        and not accepts(len(trajectory), len(sequence))
        and not (short_files and trajectory.may_be_short)
    }
    if wrong:
        raise ProfileNotApplicable(
            f"{_counted(len(wrong))} as many rows as the annotation",
            where=evaluation.dataset.name,
            found=listed([f"{name}: {rows}" for name, rows in wrong.items()], 20),
            hint="Track these sequences again, or leave them out with --allow-partial",
            sequences=wrong,
        )


def _counted(results: int) -> str:
    return "1 result does not have" if results == 1 else f"{results} results do not have"


def evaluated_rows(sequence: Sequence, boxes: Boxes, notes: Notes) -> Boxes:
    """Return the rows of the evaluated frames, where a result also has the omitted ones (OTB's Tiger1)."""
    omitted = sequence.omitted_rows
    notes.add_frames(f"first rows of {sequence.name} left out, as the benchmark does", omitted)
    return boxes[omitted:] if len(boxes) == len(sequence) + omitted else boxes


def _has_omitted_rows(sequence: Sequence, rows: int) -> bool:
    return rows == len(sequence) + sequence.omitted_rows


MISS_AND_HIT = "counted as misses of success and hits of precision, as the toolkit does"
"""What the toolkits that treat invalid groundtruth as error -1 do with frames without annotation."""


def note_unannotated(sequence: Sequence, notes: Notes, rule: str, *, first: int = 0) -> None:
    """Note how many frames have no annotation; frames that are marked as without the target do not count.

    Args:
        rule: What the profile does with these frames.
        first: Index of the first frame that is scored.
    """
    unannotated = np.atleast_1d(np.isnan(sequence.groundtruth).any(axis=1))
    absent = sequence.flags.get("absent")
    if absent is not None and len(absent) == len(unannotated):
        unannotated &= ~np.asarray(absent, bool)
    notes.add_annotated_frames(f"frames without annotation {rule}", sequence.name, int(unannotated[first:].sum()))
