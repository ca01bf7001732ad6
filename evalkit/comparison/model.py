"""The content of every report as one type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from evalkit.metrics.statistics import Difference
from evalkit.results.run_record import RunRecord
from evalkit.types import Cost, Dataset, Score, Trajectory

Key: TypeAlias = tuple[str, str]
"""Name of a dataset, label of a tracker."""

Card: TypeAlias = RunRecord
"""Content of ``run.json``: what a tracker's results on a dataset were made by."""

Runs: TypeAlias = Mapping[str, list[Trajectory]]
"""By sequence name; repetitions, or the runs from each anchor."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Trackers beside one another, as far as their results go.

    Attributes:
        trackers: Labels, in the order asked for; also those that have no results.
        scores: Of every tracker on every benchmark it has results for, attributes included.
        runs: The trajectories the scores were computed from.
        cards: What ``run.json`` says; results without one have no entry.
        differences: By dataset and pair of labels, the first minus the second in the leading metric of the first
            profile; p-values are adjusted for the number of pairs.
        rates: Frames per second of a video that does not wait, and the AUC in it, as far as stored times tell.
        skipped: Why a tracker has no results on a dataset.
        unscored: By dataset, why it has no scores although there are results (its groundtruth is withheld).
        notices: What was found, and what was skipped and why, one sentence each.
        replay: Names of sequences to show frame by frame.
        names: The tracker that a label stands for, where the label does not say it.
    """

    trackers: tuple[str, ...]
    datasets: tuple[Dataset, ...] = ()
    scores: tuple[Score, ...] = ()
    costs: tuple[Cost, ...] = ()
    runs: Mapping[Key, Runs] = field(default_factory=dict)
    cards: Mapping[Key, Card] = field(default_factory=dict)
    differences: Mapping[str, Mapping[tuple[str, str], Difference]] = field(default_factory=dict)
    rates: Mapping[Key, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    skipped: Mapping[Key, str] = field(default_factory=dict)
    unscored: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def dataset(self, name: str) -> Dataset | None:
        return next((one for one in self.datasets if one.name == name), None)
