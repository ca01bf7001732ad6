"""The scores that rank trackers, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.metrics.leading import leading
from evalkit.types import Score


def leading_scores(scores: Sequence[Score]) -> list[Score]:
    """Return the scores that rank trackers: the leading metric (``evalkit.metrics.leading``), in its first profile."""
    metric = leading(score.metric for score in scores)
    chosen = [score for score in scores if score.metric == metric]
    return [score for score in chosen if score.profile == chosen[0].profile]


def ranked(scores: Iterable[Score]) -> list[Score]:
    """Return scores of one metric, best first; those without a value last."""
    return sorted(scores, key=_rank)


def _rank(score: Score) -> tuple[bool, float]:
    value = score.value or 0.0
    return score.value is None, -value if score.higher_is_better else value
