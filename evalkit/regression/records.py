"""What running a suite yields: contributions of sequences to scores, counts, hashes, latency and environment.

Records are small, so that a baseline made of them can be reviewed as a diff.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit.cost.latency import BUSY_BELOW
from evalkit.metrics.measures import Measure, between
from evalkit.regression.box_hashes import BoxHashes
from evalkit.types import Floats, Metric

Columns: TypeAlias = tuple[float, ...]

DIGITS = 6
STRETCHES = 12
"""Number of columns in which the curve of expected average overlap is kept, each the mean over some lengths."""


def significant(value: float) -> float:
    """Round to the 6 significant digits that a baseline holds, so that both sides of a comparison are rounded alike.

    >>> significant(0.123456789), significant(1234567.0), significant(2.0)
    (0.123457, 1234570.0, 2.0)
    """
    return float(f"{value:.{DIGITS}g}")


@dataclass(frozen=True)
class SequenceContribution:
    """What one sequence contributes to one score.

    The score is the mean over columns of (sum of numerators) / (sum of denominators), where the sums are over
    sequences; without denominators it is the sum of numerators. There is one column, except for expected average
    overlap and its like.
    """

    numerator: Columns
    denominator: Columns

    def value(self) -> float | None:
        """Return the score of this sequence alone; None if it does not exist."""
        if not self.denominator:
            return self.numerator[0]
        known = [a / b for a, b in zip(self.numerator, self.denominator, strict=True) if b]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class MetricRecord:
    """A metric and its score when the record was made.

    Attributes:
        value: Over all sequences; None if it does not exist.
        version: Of the metric; scores of different versions are not compared.
        total: The score is a sum over sequences, not a mean.
    """

    value: float | None
    version: int
    unit: str
    higher_is_better: bool
    total: bool = False


@dataclass(frozen=True)
class SequenceRecord:
    """The results of one sequence.

    Attributes:
        contributions: By metric.
    """

    hashes: BoxHashes
    contributions: Mapping[str, SequenceContribution]


@dataclass(frozen=True)
class DatasetRecord:
    """The results of one tracker on one dataset.

    Attributes:
        version: Of the dataset.
        description: Hyperparameters and settings that the tracker reports, flat.
        metrics: By name, those that are gated.
        sequences: By name.
        failed: Error by sequence that could not be tracked; never part of a baseline.
        seconds: Wall-clock time that tracking took; never part of a baseline.
    """

    version: str
    protocol: str
    profile: str
    description: Mapping[str, Any]
    metrics: Mapping[str, MetricRecord]
    sequences: Mapping[str, SequenceRecord]
    failed: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class LatencyRecord:
    """CPU time of a frame divided by CPU time of the reference workload, timed alternately in two processes.

    Attributes:
        ratios: One per pair of processes, in the order of measurement.
        reference: Version of the reference workload.
        seconds_p50, seconds_p90: Percentiles of the wall-clock time of a frame, for information.
        cpu_share: CPU time divided by wall-clock time.
    """

    ratios: Columns
    reference: str
    seconds_p50: float
    seconds_p90: float
    cpu_share: float

    @property
    def ratio(self) -> float:
        """The geometric mean of the ratios."""
        return statistics.geometric_mean(self.ratios)

    @property
    def busy(self) -> bool:
        """Whether other processes had the CPU for so long that wall-clock times are not valid."""
        return self.cpu_share < BUSY_BELOW


@dataclass(frozen=True)
class TrackerRecord:
    """The results of one tracker under one runtime.

    Attributes:
        environment: What boxes depend on besides code and weights, flat: processor, versions, threads, runtime.
        weights: sha256 of the checkpoint; None if there is none.
        cost: Counts by "quantity convention".
        datasets: By name.
        stochastic: The tracker is registered as one whose answers differ from run to run.
    """

    environment: Mapping[str, Any]
    weights: str | None
    cost: Mapping[str, int]
    datasets: Mapping[str, DatasetRecord]
    latency: LatencyRecord | None = None
    stochastic: bool = False


TrackerRecords: TypeAlias = Mapping[str, TrackerRecord]
"""By label."""


def contribution_measure(metric: str, contributions: Mapping[str, SequenceContribution]) -> Measure:
    """Return a measure that has the contributions as its rows, so that their score can be resampled.

    Args:
        contributions: By sequence, at least one.
    """
    numerator = np.array([one.numerator for one in contributions.values()], dtype=np.float64)
    denominators = [one.denominator for one in contributions.values() if one.denominator]
    return Measure(
        metric=Metric(metric, "the score of a baseline"),
        sequences=tuple(contributions),
        numerator=numerator,
        denominator=np.array(denominators, dtype=np.float64) if denominators else None,
        reduce=between(0, numerator.shape[1] - 1),
    )


def record_metric(measure: Measure) -> tuple[MetricRecord, dict[str, SequenceContribution]]:
    """Return the record of a metric, and the contribution of each sequence."""
    metric, value = measure.metric, measure.value()
    contributions = _contributions(measure, value)
    kept = None if value is None else significant(value)
    total = measure.denominator is None
    return (
        MetricRecord(kept, metric.version, metric.unit, metric.higher_is_better, total),
        dict(zip(measure.sequences, contributions, strict=True)),
    )


def _contributions(measure: Measure, value: float | None) -> list[SequenceContribution]:
    alone = measure.reduce(measure.curves())
    if measure.denominator is None:
        return [SequenceContribution((significant(float(one)),), ()) for one in alone]
    weight = measure.denominator
    if (weight == weight[:, :1]).all() and _close(value, _weighted_mean(alone, weight[:, 0])):
        pairs = zip(alone.tolist(), weight[:, 0].tolist(), strict=True)
        return [SequenceContribution((significant(one) * w if w else 0.0,), (w,)) for one, w in pairs]
    columns = _linear_columns(measure, value)
    if columns is None:
        # Neither a weighted mean nor a mean of ratios, such as an F-score: kept as the plain mean over sequences.
        none = SequenceContribution((0.0,), (0.0,))
        return [none if math.isnan(one) else SequenceContribution((significant(one),), (1.0,)) for one in alone]
    rows = zip(*_average_stretches(measure, weight, columns), strict=True)
    return [
        SequenceContribution(tuple(map(significant, above)), tuple(map(significant, below))) for above, below in rows
    ]


def _average_stretches(measure: Measure, weight: Floats, columns: NDArray[np.intp]) -> tuple[list[list[float]], ...]:
    """Average numerators and denominators of each sequence over stretches of the curve.

    Numerators are scaled so that each stretch, over all sequences, contributes to the score exactly what it does in
    the full curve; in a resample it does so approximately.
    """
    parts = np.array_split(columns, min(STRETCHES, len(columns)))
    above, below = (
        np.stack([rows[:, part].mean(axis=1) for part in parts], axis=1) for rows in (measure.numerator, weight)
    )
    curve = measure.curve()
    exact = np.array([curve[part].sum() for part in parts]) * len(parts) / len(columns)
    approximate = above.sum(axis=0) / np.maximum(below.sum(axis=0), np.finfo(float).tiny)
    scale = np.divide(exact, approximate, out=np.ones(len(parts)), where=approximate != 0)
    return (above * scale).tolist(), below.tolist()


def _linear_columns(measure: Measure, value: float | None) -> NDArray[np.intp] | None:
    """Return the columns of the curve whose plain mean is the score; None if the score is something else."""
    curve = measure.curve()
    influence = measure.reduce(np.eye(len(curve)))
    columns = np.flatnonzero(influence)
    if not len(columns) or not _close(value, float(np.nanmean(curve[columns]))):
        return None
    return columns[~np.isnan(curve[columns])]


def _weighted_mean(values: Floats, weights: Floats) -> float | None:
    known = weights != 0
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum()) / total if total else None


def _close(a: float | None, b: float | None) -> bool:
    return a == b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
