"""The content of every report as one type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from evalkit.metrics.statistics import Difference
from evalkit.results.run_record import RunRecord
from evalkit.search.stored import StoredSearch
from evalkit.types import Cost, Dataset, Score, Trajectory

Key: TypeAlias = tuple[str, str]
"""Name of a dataset and label of a tracker."""

Runs: TypeAlias = Mapping[str, list[Trajectory]]
"""By sequence name; repetitions, or the runs from each anchor."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results, scores and costs of several trackers on several datasets.

    Attributes:
        trackers: Labels in the requested order, also those without results.
        datasets: The datasets in the requested order.
        scores: Scores of every tracker on every dataset that it has results for, including those by attribute.
        costs: MACs, parameters and times of the trackers.
        runs: The trajectories that the scores were computed from.
        records: Content of ``run.json``: what the results were made by; results without one have no entry.
        differences: By dataset and pair of labels, the first tracker minus the second one in the leading metric of the
            first profile; p-values are adjusted for the number of pairs.
        auc_by_frame_rate: Pairs of a stream's frame rate and the AUC at it, as far as the stored times determine them.
        skipped: Why a tracker has no results on a dataset.
        unscored: By dataset, why it has no scores although there are results, e.g. a withheld groundtruth.
        notices: Sentences that name the results that were found, and those that were skipped with the reason.
        replay: Names of the sequences to show frame by frame.
        names: The tracker that a label stands for, where the label is not its name.
        searches: Searches for architectures to show.
    """

    trackers: tuple[str, ...]
    datasets: tuple[Dataset, ...] = ()
    scores: tuple[Score, ...] = ()
    costs: tuple[Cost, ...] = ()
    runs: Mapping[Key, Runs] = field(default_factory=dict)
    records: Mapping[Key, RunRecord] = field(default_factory=dict)
    differences: Mapping[str, Mapping[tuple[str, str], Difference]] = field(default_factory=dict)
    auc_by_frame_rate: Mapping[Key, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    skipped: Mapping[Key, str] = field(default_factory=dict)
    unscored: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    searches: tuple[StoredSearch, ...] = ()

    def dataset(self, name: str) -> Dataset | None:
        """Return the dataset with this name; None if it is not part of the comparison."""
        return next((one for one in self.datasets if one.name == name), None)

    def runs_on(self, dataset: str) -> dict[str, Runs]:
        """Return, by label, the trajectories of every tracker on a dataset, in the order of the trackers."""
        order = {label: place for place, label in enumerate(self.trackers)}
        labels = [label for name, label in self.runs if name == dataset]
        return {
            label: self.runs[dataset, label] for label in sorted(labels, key=lambda one: order.get(one, len(order)))
        }
