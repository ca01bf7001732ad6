"""Measure how often the confidence intervals of scores and differences contain the true value.

    python benchmarks/intervals.py --data ANNOTATIONS --results RESULTS --tracker CSK --tracker Struck --tracker TLD

The scores by sequence of real results are the population, and their mean is the true value. Sequences are drawn from it
at random, as a benchmark draws from all videos, and their interval is computed as ``evalkit score`` does. Of two
trackers, the difference by sequence is the population. A one-sided false alarm is a lower bound above the true
difference. Percentiles of the same resamples show what the interval would be without Student's t.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalkit.factories import open_dataset
from evalkit.metrics import profiles, statistics
from evalkit.metrics.measures import MEAN, Measure
from evalkit.stored import load_run
from evalkit.types import Floats, Metric

COUNTS = (6, 12, 30, 60)
"""Numbers of sequences."""
LEVEL = 0.95


@dataclass(frozen=True)
class Coverage:
    """How often bounds of samples were right.

    Attributes:
        cautious: Part of the intervals that contain the true value.
        percentile: The same for percentiles alone.
        alarms: Part of the one-sided lower bounds that are above the true value.
        percentile_alarms: The same for percentiles alone.
    """

    cautious: float
    percentile: float
    alarms: float
    percentile_alarms: float


def main() -> None:
    """Print a table of coverages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--dataset", default="otb100")
    parser.add_argument("--metric", default="auc")
    parser.add_argument("--tracker", action="append", required=True)
    parser.add_argument("--samples", type=int, default=1000)
    arguments = parser.parse_args()
    scores = {
        label: scores_by_sequence(arguments.dataset, arguments.data, arguments.results, label, arguments.metric)
        for label in arguments.tracker
    }
    differences = [scores[one] - scores[other] for one, other in itertools.combinations(scores, 2)]
    heads = ("sequences", "score", "percentiles", "difference", "percentiles", "false alarms", "percentiles")
    print("| " + " | ".join(heads) + " |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for count in COUNTS:
        score = coverage(scores.values(), count, arguments.samples)
        difference = coverage(differences, count, arguments.samples)
        columns = (
            *(score.cautious, score.percentile, difference.cautious, difference.percentile),
            *(difference.alarms, difference.percentile_alarms),
        )
        print(f"| {count} |" + "".join(f" {100 * value:.1f} % |" for value in columns))


def scores_by_sequence(dataset: str, data: Path, results: Path, label: str, metric: str) -> Floats:
    """Return the score of every sequence by the dataset's official profile."""
    opened = open_dataset(dataset, data)
    run = load_run(results, opened, label)
    profile = profiles.official(opened, run.protocol)
    measures, _ = profiles.measure(profile, opened, run.protocol, run.trajectories)
    found = next(one for one in measures if one.metric.name == metric).per_sequence()
    return np.array([np.nan if value is None else value for value in found.values()])


def coverage(populations: Iterable[Floats], count: int, samples: int) -> Coverage:
    """Draw samples from each population and return how often their bounds are right."""
    rng, weights = np.random.default_rng(0), statistics.resample(count)
    right = []
    for population in populations:
        known = population[~np.isnan(population)]
        truth = known.mean()
        right += [_check(_measure(rng.choice(known, count)), weights, truth) for _ in range(samples)]
    return Coverage(*np.mean(right, axis=0))


def _measure(values: Floats) -> Measure:
    names = tuple(map(str, range(len(values))))
    # Differences may be negative, unlike fractions.
    return Measure(Metric("score", "mean", unit="difference"), names, values[:, None], np.ones((len(values), 1)), MEAN)


def _check(sample: Measure, weights: Floats, truth: float) -> tuple[bool, bool, bool, bool]:
    value = float(sample.numerator.mean())
    values = sample.values(weights)
    count, tail = len(sample.sequences), 1 - LEVEL
    low, high = statistics.interval(sample, weights, level=LEVEL) or (value, value)
    lower, _ = statistics.cautious_bounds(value, values, count, tail=tail)
    percentiles = np.quantile(values, (tail / 2, 1 - tail / 2, tail))
    inside = bool(percentiles[0] <= truth <= percentiles[1])
    return low <= truth <= high, inside, lower > truth, bool(percentiles[2] > truth)


if __name__ == "__main__":
    main()
