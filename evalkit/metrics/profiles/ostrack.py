"""The analysis of OSTrack, STARK, SUTrack and the other trackers of their family (``lib/test/analysis``).

It was made from pytracking's and differs in valid groundtruth: width and height are positive, whatever x and y are.
The scores on LaSOT, TNL2K and LaSOT-ext that this family publishes follow it.
"""

from __future__ import annotations

from functools import partial

from evalkit import registry
from evalkit.metrics.measures import Evaluation, Measure, Notes
from evalkit.metrics.one_pass import ONE_PASS, Errors, Toolkit
from evalkit.metrics.one_pass_rules import frames_with_target, positive_size
from evalkit.metrics.profiles.pytracking import METRICS, analysis_errors, check_values, length_rule
from evalkit.types import Boxes, Sequence


def errors(sequence: Sequence, boxes: Boxes, notes: Notes, *, family: str | None = None) -> Errors:
    """Compute the errors of one result. Its loaders read absence flags on LaSOT only, so TNL2K's are not used.

    Args:
        family: Benchmark family of the dataset.

    Source: ``calc_seq_err_robust`` in ``lib/test/analysis/extract_results.py``.
    """
    present = frames_with_target(sequence) if family == "lasot" else None
    return analysis_errors(sequence, boxes, notes, family, positive_size, present)


@registry.profile(
    "ostrack",
    summary="success, precision and normalised precision as OSTrack, STARK and their family compute them",
    protocols=ONE_PASS,
    metrics=METRICS,
    source="botaoye/OSTrack 33b5e12",
    reason="as pytracking, but groundtruth is valid where width and height are positive, also where x or y is not, and "
    "absence is taken into account on LaSOT only",
    applies=registry.only_where_listed,
)
def ostrack(evaluation: Evaluation) -> list[Measure]:
    """Compute success, precision and normalised precision by the rules for the dataset's family."""
    check_values(evaluation, "the analysis of OSTrack")
    family = evaluation.dataset.family
    return Toolkit(partial(errors, family=family), METRICS, length_rule(family)).measures(evaluation)
