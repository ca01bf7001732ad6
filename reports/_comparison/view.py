"""The questions every section asks of a comparison, answered in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from evalkit import registry
from evalkit.comparison import LEADING, Comparison, is_imported
from evalkit.errors import EvalkitError
from evalkit.reports._comparison import published
from evalkit.reports._comparison.document import Contender
from evalkit.reports._comparison.published import Published
from evalkit.types import Cost, Score

HEADS = {
    "auc": "AUC",
    "precision": "P",
    "norm_precision": "P_norm",
    "norm_precision_auc": "P_norm AUC",
    "ao": "AO",
    "sr50": "SR50",
    "sr75": "SR75",
    "accuracy": "A",
    "robustness": "R",
    "failures": "failures",
    "eao": "EAO",
    "f_score": "F",
    "lt_precision": "Pr",
    "lt_recall": "Re",
    "fps": "fps by got10k",
}
TRACKING = "tracking"
"""What a run's clock covers: initialize and update, not decoding."""

MACS_CONVENTIONS = ("thop-2020", "conv", "all")
"""In order of preference; the first is the one papers of this field print."""


def head(metric: str, unit: str = "fraction") -> str:
    """A metric as the head of a column or the label of an axis."""
    name = HEADS.get(metric, metric)
    return name if unit in {"fraction", "1/s"} else f"{name} ({unit})"


def digits(unit: str) -> int:
    return {"fraction": 3, "failures/100 frames": 3, "count": 0}.get(unit, 2)


class View:
    """A comparison with the published numbers beside it."""

    def __init__(self, comparison: Comparison, numbers: tuple[Published, ...] | None = None) -> None:
        self.comparison = comparison
        self.published = published.load() if numbers is None else numbers

    @cached_property
    def contenders(self) -> tuple[Contender, ...]:
        """Everybody in the report, in the order asked for.

        Raises:
            EvalkitError: A tracker has neither results nor published numbers.
        """
        labels = self.comparison.trackers or tuple(dict.fromkeys(one.tracker for one in self._rows()))
        return tuple(self._contender(index, label) for index, label in enumerate(labels))

    def _rows(self) -> Iterable[Score | Cost]:
        return (*self.comparison.scores, *self.comparison.costs)

    def _contender(self, index: int, label: str) -> Contender:
        cards = [card for (_, tracker), card in self.comparison.cards.items() if tracker == label]
        measured = any(one.tracker == label for one in self.comparison.scores)
        filed = str(cards[0]["identity"].get("tracker", label)) if cards else label
        tracker = self.comparison.names.get(label) or _name(filed)
        known = any(row.tracker == tracker for row in self.published)
        if not measured and not known and not any(cost.tracker == label for cost in self.comparison.costs):
            raise EvalkitError(
                "there are neither results nor published numbers", where=f"--tracker {label}",
                hint="Labels are the folders' names in <results>/<BENCHMARK>/",
            )  # fmt: skip
        imported = [is_imported(self.comparison.cards.get(key)) for key in self.comparison.runs if key[1] == label]
        origin = "published" if not measured else "imported" if imported and all(imported) else "evalkit"
        return Contender(index, label, origin, tracker)

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Names, in the order asked for; those that scores speak of where none were asked for."""
        asked = [dataset.name for dataset in self.comparison.datasets]
        return tuple(dict.fromkeys([*asked, *(score.dataset for score in self.comparison.scores)]))

    def contender(self, label: str) -> Contender:
        return next(one for one in self.contenders if one.label == label)

    def scores(self, dataset: str, *, metric: str | None = None, profile: str | None = None) -> list[Score]:
        """Scores over all attributes, in order."""
        return [
            score
            for score in self.comparison.scores
            if score.dataset == dataset
            and score.attribute is None
            and metric in (None, score.metric)
            and profile in (None, score.profile)
        ]

    def leading(self, dataset: str) -> list[Score]:
        """One score per tracker, best first: by the metric a benchmark ranks by, in its first profile."""
        return ranked(leading(self.scores(dataset)))

    def cost(self, label: str, quantity: str, *, conventions: Sequence[str]) -> Cost | None:
        """A measured cost of a tracker, by the first convention that is there; valid ones before invalid ones."""
        found = [
            cost
            for cost in self.comparison.costs
            if (cost.tracker, cost.quantity) == (label, quantity) and cost.value is not None
        ]
        found.sort(key=invalid)
        for convention in conventions:
            matching = [cost for cost in found if cost.convention == convention]
            if matching:
                return matching[0]
        return None

    def macs(self, contender: Contender) -> tuple[float, bool] | None:
        """Multiply-accumulates a frame, and whether the number is only cited."""
        return self._cost_or_cited(contender, "macs", MACS_CONVENTIONS, "flops")

    def parameters(self, contender: Contender) -> tuple[float, bool] | None:
        """Number of parameters, and whether the number is only cited."""
        return self._cost_or_cited(contender, "parameters", ("distinct", "all"), "params")

    def _cost_or_cited(
        self, contender: Contender, quantity: str, conventions: Sequence[str], cited_as: str
    ) -> tuple[float, bool] | None:
        measured = self.cost(contender.label, quantity, conventions=conventions)
        if measured is not None and measured.value is not None:
            return measured.value, False
        cited = published.cost(self.published, contender.tracker, cited_as)
        return None if cited is None else (cited.plain, True)

    def cited(self, contender: Contender, dataset: str, metric: str) -> Published | None:
        """A published number of a tracker that has no results of its own."""
        found = published.of(self.published, contender.tracker, dataset, metric)
        return found[0] if found else None


def invalid(cost: Cost) -> bool:
    """Whether whoever measured it says that it must not be relied on (a busy machine)."""
    return any(remark.startswith("invalid") for remark in cost.not_counted)


def leading(scores: Sequence[Score]) -> list[Score]:
    """The scores that a ranking goes by: of the metric a benchmark ranks by, in its first profile."""
    metrics = [name for name in LEADING if any(score.metric == name for score in scores)]
    metric = metrics[0] if metrics else next((score.metric for score in scores), "")
    chosen = [score for score in scores if score.metric == metric]
    return [score for score in chosen if score.profile == chosen[0].profile]


def ranked(scores: Iterable[Score]) -> list[Score]:
    """Best first; values that do not exist last."""
    return sorted(
        scores,
        key=lambda score: (
            score.value is None,
            -(score.value or 0.0) if score.higher_is_better else score.value or 0.0,
        ),
    )


def _name(label: str) -> str:
    """evalkit's name for a tracker: without runtime and precision, aliases resolved where somebody registered them."""
    plain = label.partition("@")[0]
    try:
        entry, variant = registry.tracker.find_variant(plain)
    except EvalkitError:
        return plain
    return entry.name if variant is None else plain
