"""Contributions of sequences: what a baseline keeps of a metric."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalkit.metrics.measures import MEAN, Measure, Reduction, at, between
from evalkit.regression.checks.accuracy import resampling_weights
from evalkit.regression.records import STRETCHES, SequenceContribution, contribution_measure, record_metric
from evalkit.types import Metric

METRIC = Metric("auc", "a test's")


def measure_of(numerator: np.ndarray, denominator: np.ndarray | None, reduce: Reduction) -> Measure:
    names = tuple(f"s{index}" for index in range(len(numerator)))
    return Measure(METRIC, names, numerator, denominator, reduce)


def resampled(measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the same resamples, by the metric itself and by what a baseline keeps of it."""
    _, kept = record_metric(measure)
    weights = resampling_weights(len(measure.sequences))[:50]
    return measure.values(weights), contribution_measure("auc", kept).values(weights)


@pytest.mark.parametrize("reduce", [MEAN, at(3)])
def test_resampling_a_mean_over_sequences_is_exact(reduce: Reduction) -> None:
    curves = np.random.default_rng(0).random((9, 21))
    expected, kept = resampled(measure_of(curves, np.ones((9, 1)), reduce))
    assert kept == pytest.approx(expected, abs=1e-6)


def test_resampling_pooled_frames_is_exact() -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(50, 400, (9, 1)).astype(float)
    expected, kept = resampled(measure_of(rng.random((9, 4)) * frames, frames, MEAN))
    assert kept == pytest.approx(expected, abs=1e-6)


def test_resampling_a_sum_over_sequences_is_exact() -> None:
    expected, kept = resampled(measure_of(np.random.default_rng(4).integers(0, 9, (9, 1)).astype(float), None, MEAN))
    assert kept == pytest.approx(expected, abs=1e-6)


def test_resampling_expected_average_overlap_recomputes_it_from_a_dozen_stretches() -> None:
    rng = np.random.default_rng(2)
    lengths = np.arange(1, 401)
    fragments = rng.integers(60, 600, (30, 1))
    counts = (fragments >= lengths).astype(float) + rng.integers(0, 3, (30, 1))
    falling = np.exp(-lengths / rng.uniform(100, 500, (30, 1)))
    measure = measure_of(counts * falling, counts, between(99, 355))
    expected, kept = resampled(measure)
    assert kept == pytest.approx(expected, abs=2e-3)
    assert np.corrcoef(expected, kept)[0, 1] > 0.999
    assert {len(one.numerator) for one in record_metric(measure)[1].values()} == {STRETCHES}


def test_a_score_of_another_kind_is_kept_as_its_values_per_sequence() -> None:
    def peak(curves: np.ndarray) -> np.ndarray:
        best: np.ndarray = np.nanmax(curves, axis=-1)
        return best

    rng = np.random.default_rng(3)
    denominators = rng.random((6, 5)) + 1
    _, kept = record_metric(measure_of(rng.random((6, 5)), denominators, Reduction(slice(None), peak)))
    assert all(one.denominator == (1.0,) for one in kept.values())


def test_the_value_of_one_sequence_is_the_mean_over_columns_that_have_a_weight() -> None:
    assert SequenceContribution((0.0,), (0.0,)).value() is None
    assert SequenceContribution((3.0,), ()).value() == 3.0
    assert math.isclose(SequenceContribution((1.5, 3.0), (3.0, 4.0)).value() or 0, 0.625)
    assert SequenceContribution((1.5, 0.0), (3.0, 0.0)).value() == 0.5
