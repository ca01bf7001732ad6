"""What the functions of ``evalkit.plot`` draw: scores, from a comparison or given alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from evalkit.arguments import Names, names
from evalkit.comparison import Comparison
from evalkit.comparison.ranking import leading_scores, ranked
from evalkit.errors import EvalkitError, MissingResults, UnknownName, listed, suggestion
from evalkit.types import Score

Source: TypeAlias = Comparison | Iterable[Score]
"""A comparison (``evalkit.compare``), or scores (``evalkit.api.scores(...).scores``)."""

Shown: TypeAlias = Mapping[str, str]
"""By label of a tracker, the name to show instead."""


@dataclass(frozen=True)
class Selection:
    """The scores of some trackers on one dataset.

    Attributes:
        dataset: Name of the dataset.
        scores: Scores of the dataset, those by attribute included.
        indices: By label of a tracker, its index, which decides its colour, dashes and marker.
        shown: By label, the name that the plot shows.
    """

    dataset: str
    scores: tuple[Score, ...]
    indices: Mapping[str, int]
    shown: Shown

    def overall(self) -> list[Score]:
        """Return the scores over all attributes."""
        return [score for score in self.scores if score.attribute is None and score.fps is None]

    def leading(self, metric: str | None = None) -> list[Score]:
        """Return one score per tracker, best first: those of a metric, or of the leading one of the dataset.

        Raises:
            MissingResults: No tracker has a value.
        """
        known = [score for score in self.overall() if score.value is not None and metric in (None, score.metric)]
        return self._found(ranked(leading_scores(known)), metric or "any metric")

    def curves(self, metrics: Iterable[str], profile: str | None) -> list[Score]:
        """Return one score with a curve per tracker, best first, of the first of these metrics that has one.

        Raises:
            MissingResults: No tracker has such a curve.
        """
        wanted = tuple(metrics)
        curved = [
            score
            for score in self.overall()
            if score.curve is not None and score.value is not None and profile in (None, score.profile)
        ]
        for metric in wanted:
            same = [score for score in curved if score.metric == metric]
            if same:
                return ranked(score for score in same if score.profile == same[0].profile)
        return self._found([], f"a curve of {' or '.join(wanted)}")

    def name(self, label: str) -> str:
        """Return the name that the plot shows for a tracker."""
        return self.shown.get(label, label)

    def _found(self, scores: list[Score], what: str) -> list[Score]:
        if scores:
            return scores
        known = sorted({score.metric for score in self.overall() if score.value is not None})
        raise MissingResults(
            f"no tracker has {what}", where=self.dataset, found=listed(known),
            hint="Score by the profile that computes it, e.g. evalkit.compare(..., profiles=[...])",
        )  # fmt: skip


def select(source: Source, *, dataset: str | None, trackers: Names | None, shown: Shown | None) -> Selection:
    """Return the scores to draw.

    Args:
        source: A comparison, or scores.
        dataset: Name of the dataset; by default the only one that there are scores of.
        trackers: Labels of the trackers; all by default.
        shown: By label, the name to show instead.

    Raises:
        UnknownName: A dataset or tracker has no scores.
        EvalkitError: There are scores of several datasets and none was named.
    """
    scores = source.scores if isinstance(source, Comparison) else tuple(source)
    order = source.trackers if isinstance(source, Comparison) else ()
    labels = list(dict.fromkeys((*order, *(score.tracker for score in scores))))
    chosen = _dataset(scores, dataset)
    wanted = labels if trackers is None else [_known(label, labels, "tracker") for label in names(trackers)]
    found = tuple(score for score in scores if score.dataset == chosen and score.tracker in wanted)
    return Selection(chosen, found, {label: place for place, label in enumerate(labels)}, dict(shown or {}))


def _dataset(scores: Iterable[Score], asked: str | None) -> str:
    known = list(dict.fromkeys(score.dataset for score in scores))
    if asked is not None:
        return _known(asked, known, "dataset")
    if len(known) != 1:
        raise EvalkitError(
            "name the dataset to draw", where="dataset", found=listed(known), expected="one of them" if known else None
        )
    return known[0]


def _known(name: str, known: list[str], kind: str) -> str:
    if name not in known:
        raise UnknownName(
            f"there are no scores of this {kind}", where=name, found=listed(known), hint=suggestion(name, known)
        )
    return name
