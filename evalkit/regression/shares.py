"""From a metric's sums per sequence to the few numbers of them that a baseline keeps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.measures import Measure
from evalkit.regression.records import MetricRecord, Share, significant

Floats = NDArray[np.float64]

COLUMNS = 12
"""Stretches of sequence lengths that the curve of expected average overlap is kept in."""


def record(measure: Measure) -> tuple[MetricRecord, dict[str, Share]]:
    """The metric's score, and what each sequence contributes to it."""
    metric, value = measure.metric, measure.value()
    shares = _shares(measure, value)
    kept = None if value is None else significant(value)
    total = measure.denominator is None
    return (
        MetricRecord(kept, metric.version, metric.unit, metric.higher_is_better, total),
        dict(zip(measure.sequences, shares, strict=True)),
    )


def _shares(measure: Measure, value: float | None) -> list[Share]:
    alone = measure.reduce(measure.curves())
    if measure.denominator is None:
        return [Share((significant(float(one)),), ()) for one in alone]
    weight = measure.denominator
    if (weight == weight[:, :1]).all() and _same(value, _weighted_mean(alone, weight[:, 0])):
        pairs = zip(alone.tolist(), weight[:, 0].tolist(), strict=True)
        return [Share((significant(one) * w if w else 0.0,), (w,)) for one, w in pairs]
    columns = _linear_columns(measure, value)
    if columns is None:
        # Neither a weighted mean nor a mean of ratios (an F-score): the plain mean over sequences stands for it.
        return [Share((0.0,), (0.0,)) if math.isnan(one) else Share((significant(one),), (1.0,)) for one in alone]
    rows = zip(*_stretches(measure, weight, columns), strict=True)
    return [Share(tuple(map(significant, above)), tuple(map(significant, below))) for above, below in rows]


def _stretches(measure: Measure, weight: Floats, columns: NDArray[np.intp]) -> tuple[list[list[float]], ...]:
    """Numerators and denominators of each sequence, averaged over stretches of the curve.

    Numerators are scaled so that each stretch, over all sequences, contributes to the score exactly what it does in
    full; in a resample it does so nearly.
    """
    parts = np.array_split(columns, min(COLUMNS, len(columns)))
    above, below = (
        np.stack([rows[:, part].mean(axis=1) for part in parts], axis=1) for rows in (measure.numerator, weight)
    )
    curve = measure.curve()
    exact = np.array([curve[part].sum() for part in parts]) * len(parts) / len(columns)
    rough = above.sum(axis=0) / np.maximum(below.sum(axis=0), np.finfo(float).tiny)
    scale = np.divide(exact, rough, out=np.ones(len(parts)), where=rough != 0)
    return (above * scale).tolist(), below.tolist()


def _linear_columns(measure: Measure, value: float | None) -> NDArray[np.intp] | None:
    """Columns of the curve whose plain mean is the score; None where the score is something else."""
    curve = measure.curve()
    influence = measure.reduce(np.eye(len(curve)))
    columns = np.flatnonzero(influence)
    if not len(columns) or not _same(value, float(np.nanmean(curve[columns]))):
        return None
    return columns[~np.isnan(curve[columns])]


def _weighted_mean(values: Floats, weights: Floats) -> float | None:
    known = weights != 0
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum()) / total if total else None


def _same(a: float | None, b: float | None) -> bool:
    return a == b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
