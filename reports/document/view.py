"""Answers what all sections ask of a comparison: trackers, datasets, leading scores, costs and published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from evalkit import registry
from evalkit.comparison import Comparison, is_imported
from evalkit.comparison.cost_choice import MACS_CONVENTIONS, PARAMETER_CONVENTIONS, TRACKING, chosen_cost
from evalkit.comparison.ranking import leading_scores, ranked
from evalkit.errors import EvalkitError
from evalkit.reports.document.model import PAGE_BYTES, ReportedTracker
from evalkit.reports.document.published import PublishedNumber, find_published, load_published, published_cost
from evalkit.types import Cost, Dataset, Score


class CostValue(NamedTuple):
    """A cost of a tracker.

    Attributes:
        value: In single MACs, parameters or milliseconds.
        cited: Whether the value was published, not measured or counted by evalkit.
    """

    value: float
    cited: bool


class View:
    """A comparison together with the published numbers.

    Args:
        comparison: What the report is about.
        numbers: Published numbers; those that come with evalkit by default.
        page_bytes: Size of the HTML page, at most, which decides how many frames it shows.
    """

    def __init__(
        self,
        comparison: Comparison,
        numbers: tuple[PublishedNumber, ...] | None = None,
        page_bytes: int = PAGE_BYTES,
    ) -> None:
        self.comparison = comparison
        self.page_bytes = page_bytes
        self.published = load_published() if numbers is None else numbers

    @cached_property
    def trackers(self) -> tuple[ReportedTracker, ...]:
        """All trackers of the report, in the order asked for.

        Raises:
            EvalkitError: A tracker has neither results nor published numbers.
        """
        labels = self.comparison.trackers or self._scored_or_measured()
        found = [self._reported(index, label) for index, label in enumerate(labels)]
        shared = len({one.origin for one in found}) < 2
        return tuple(replace(one, marked=one.origin != "evalkit" and not shared) for one in found)

    @property
    def shared_origin(self) -> str:
        """``imported`` or ``published`` if that is the origin of all trackers; empty otherwise."""
        origins = {one.origin for one in self.trackers}
        return origins.pop() if len(origins) == 1 and origins != {"evalkit"} else ""

    def _scored_or_measured(self) -> tuple[str, ...]:
        scored = [score.tracker for score in self.comparison.scores]
        return tuple(dict.fromkeys([*scored, *(cost.tracker for cost in self.comparison.costs)]))

    def tracker(self, label: str) -> ReportedTracker:
        """Return the tracker with this label."""
        return next(one for one in self.trackers if one.label == label)

    def _reported(self, index: int, label: str) -> ReportedTracker:
        name = self._tracker_name(label)
        if not (self._has_results(label) or self._has_costs(label) or self._is_published(name)):
            raise EvalkitError(
                "there are neither results nor published numbers", where=f"--tracker {label}",
                found=self._why_skipped(label), hint="Labels are the folders' names in <results>/<BENCHMARK>/",
            )  # fmt: skip
        return ReportedTracker(index, label, self._origin(label), name)

    def _tracker_name(self, label: str) -> str:
        """Return evalkit's name for the tracker that made the results with a label."""
        records = (record for (_, tracker), record in self.comparison.records.items() if tracker == label)
        recorded = next((str(record["identity"].get("tracker", label)) for record in records), label)
        return self.comparison.names.get(label) or _registered_name(recorded)

    def _has_results(self, label: str) -> bool:
        scored = any(score.tracker == label for score in self.comparison.scores)
        return scored or any(tracker == label for _, tracker in self.comparison.runs)

    def _has_costs(self, label: str) -> bool:
        return any(cost.tracker == label for cost in self.comparison.costs)

    def _is_published(self, name: str) -> bool:
        return any(number.tracker == name for number in self.published)

    def _why_skipped(self, label: str) -> str | None:
        skipped = self.comparison.skipped.items()
        return "; ".join(f"{dataset}: {reason}" for (dataset, tracker), reason in skipped if tracker == label) or None

    def _origin(self, label: str) -> str:
        if not self._has_results(label):
            return "published"
        imported = [is_imported(self.comparison.records.get(key)) for key in self.comparison.runs if key[1] == label]
        return "imported" if imported and all(imported) else "evalkit"

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets, in the order asked for; those of the scores if none were asked for."""
        asked = [dataset.name for dataset in self.comparison.datasets]
        return tuple(dict.fromkeys([*asked, *(score.dataset for score in self.comparison.scores)]))

    def dataset(self, name: str) -> Dataset | None:
        """Return the dataset with this name; None if only scores of it are known."""
        return self.comparison.dataset(name)

    def scores(self, dataset: str, *, metric: str | None = None, profile: str | None = None) -> list[Score]:
        """Return the scores on a dataset over all attributes, optionally those of one metric or profile."""
        return [
            score
            for score in self.comparison.scores
            if score.dataset == dataset
            and score.attribute is None
            and metric in (None, score.metric)
            and profile in (None, score.profile)
        ]

    def leading(self, dataset: str) -> list[Score]:
        """Return one score per tracker, best first, by the leading metric of a dataset in its first profile."""
        return ranked(leading_scores(self.scores(dataset)))

    def cost(self, label: str, quantity: str, *, conventions: Sequence[str]) -> Cost | None:
        """Return a measured cost of a tracker, by the first of these conventions that it has a value for.

        Measurements that were declared invalid are used only if there are no others.
        """
        return chosen_cost(self._costs.get((label, quantity), ()), label, quantity, conventions)

    @cached_property
    def _costs(self) -> dict[tuple[str, str], list[Cost]]:
        """Costs by label and quantity."""
        found: dict[tuple[str, str], list[Cost]] = {}
        for cost in self.comparison.costs:
            found.setdefault((cost.tracker, cost.quantity), []).append(cost)
        return found

    def macs(self, tracker: ReportedTracker) -> CostValue | None:
        """Return the multiply-accumulates per frame; published ones if none were counted."""
        return self._counted(tracker, "macs", MACS_CONVENTIONS) or self._cited_cost(tracker, "flops")

    def parameters(self, tracker: ReportedTracker) -> CostValue | None:
        """Return the number of parameters; the published one if they were not counted."""
        return self._counted(tracker, "parameters", PARAMETER_CONVENTIONS) or self._cited_cost(tracker, "params")

    def latency(self, tracker: ReportedTracker) -> CostValue | None:
        """Return the median milliseconds of an update."""
        return self._counted(tracker, "latency_p50", (TRACKING,))

    def _counted(self, tracker: ReportedTracker, quantity: str, conventions: Sequence[str]) -> CostValue | None:
        cost = self.cost(tracker.label, quantity, conventions=conventions)
        return None if cost is None or cost.value is None else CostValue(cost.value, cited=False)

    def _cited_cost(self, tracker: ReportedTracker, quantity: str) -> CostValue | None:
        number = published_cost(self.published, tracker.name, quantity)
        return None if number is None else CostValue(number.plain, cited=True)

    def cited(self, tracker: ReportedTracker, dataset: str, metric: str) -> PublishedNumber | None:
        """Return the most certain published score of a tracker."""
        found = find_published(self.published, tracker.name, dataset, metric)
        return found[0] if found else None


def _registered_name(label: str) -> str:
    """Return a tracker's name without runtime and precision, and with a registered alias replaced by its name."""
    plain = label.partition("@")[0]
    try:
        entry, variant = registry.tracker.find_variant(plain)
    except EvalkitError:
        return plain
    return entry.name if variant is None else plain
