"""The leading metric by tracker and attribute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalkit.types import Score


@dataclass(frozen=True)
class AttributeScores:
    """One metric by tracker and attribute.

    Attributes:
        best: The best tracker's score over all attributes; names metric, unit and direction.
        names: Attributes in alphabetical order.
        counts: Number of sequences with each attribute.
        values: By label of the tracker, its values in the order of ``names``; None where there is no value.
    """

    best: Score
    names: list[str]
    counts: list[int]
    values: dict[str, list[float | None]]

    @property
    def labels(self) -> list[str]:
        """Labels of the trackers, best first."""
        return list(self.values)

    @property
    def complete(self) -> bool:
        """True if every tracker has a value for every attribute."""
        return all(value is not None for row in self.values.values() for value in row)


def attribute_scores(scores: Iterable[Score], leaders: Sequence[Score]) -> AttributeScores:
    """Return the values of one metric by attribute.

    Args:
        scores: All scores, those by attribute included.
        leaders: Scores of the metric over all attributes, best first; at least one.
    """
    best = leaders[0]
    parts = [score for score in scores if _is_part_of(score, best)]
    names = sorted({score.attribute for score in parts if score.attribute})
    found = {(score.tracker, score.attribute): score.value for score in parts}
    return AttributeScores(
        best,
        names,
        [max(score.sequences for score in parts if score.attribute == name) for name in names],
        {score.tracker: [found.get((score.tracker, name)) for name in names] for score in leaders},
    )


def _is_part_of(score: Score, whole: Score) -> bool:
    """Return whether a score is restricted to an attribute, and of the same dataset, metric and profile as another."""
    kind = (whole.dataset, whole.metric, whole.profile)
    return bool(score.attribute) and score.value is not None and (score.dataset, score.metric, score.profile) == kind
