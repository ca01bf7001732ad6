"""Simulate how often the accuracy gate and the latency gate give a wrong verdict.

    python benchmarks/gates.py [--runs 2000] [--sequences 12,60,100,280] [--metrics 3]
    python benchmarks/gates.py latency [--runs 2000]

Accuracy. Without a change, scores vary as in repeated runs of real trackers: 95 of 100 sequences change with sigma
0.002, and 5 diverge and change with sigma 0.2. In addition, every sequence loses the same true drop. The margin is
0.005.

Columns: how often the gate fails, passes and is inconclusive; and how often two other rules would fail: the percentile
interval alone, and a plain threshold on the mean.

Latency. Ratios of CPU times vary between pairs of processes with a measured standard deviation (0.5 to 1 % for equal
code in ONNX Runtime and NumPy, 1 to 2 % in PyTorch, more if ten processes compete for two cores). In a comparison with
a recorded multiple of the reference workload, each of the two sessions has an additional deviation. Margins are the
defaults.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.statistics import holm
from evalkit.regression.checks.accuracy import MAX_P_VALUE, resampling_weights, summarize_gains, verdict_of
from evalkit.regression.checks.latency import SESSION_SPREAD, check_latency, passes_early
from evalkit.regression.findings import Verdict
from evalkit.regression.latency.measure import (
    MAX_PAIRS,
    MIN_PAIRS,
    RECORDED_PAIRS,
    LatencyMeasurement,
    RelativeLatency,
)
from evalkit.regression.records import LatencyRecord, TrackerRecord
from evalkit.regression.suite import LatencyGate

MARGIN = 0.005
DROPS = (0.0, 0.005, 0.02)
SPREADS = (0.005, 0.01, 0.02, 0.04)
SLOWDOWNS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)


def differences(rng: np.random.Generator, count: int, drop: float) -> NDArray[np.float64]:
    """Return the gain of every sequence, shape (count,)."""
    diverging = rng.random(count) < 0.05
    return np.where(diverging, rng.normal(0.0, 0.2, count), rng.normal(0.0, 0.002, count)) - drop


def simulate_accuracy(
    rng: np.random.Generator, count: int, drop: float, metrics: int
) -> tuple[list[Verdict], bool, bool]:
    """Return the verdicts of all metrics, of which only the first lost, and whether the two other rules would fail."""
    weights = resampling_weights(count) / count
    changes, percentile, bare = [], False, False
    for number in range(metrics):
        values = differences(rng, count, drop if number == 0 or drop == MARGIN else 0.0)
        gains = weights @ values
        changes.append(summarize_gains(float(values.mean()), gains, count, margin=MARGIN))
        if number == 0:
            percentile = bool(np.quantile(gains, 0.95) < -MARGIN)
            bare = bool(values.mean() < -MARGIN)
    fails = [p <= MAX_P_VALUE for p in holm([change.p for change in changes])]
    verdicts = [verdict_of(change, MARGIN, fails=failed) for change, failed in zip(changes, fails, strict=True)]
    return verdicts, percentile, bare


def simulate_paired(rng: np.random.Generator, spread: float, slowdown: float) -> tuple[Verdict, int]:
    """Return the verdict relative to the baseline's code, and the number of pairs measured."""
    gate = LatencyGate()
    ratios = tuple(np.exp(rng.normal(math.log1p(slowdown), spread, MAX_PAIRS)).tolist())
    decided = passes_early(gate)
    count = next((count for count in range(MIN_PAIRS, MAX_PAIRS) if decided(ratios[:count])), MAX_PAIRS)
    measured = LatencyMeasurement(RelativeLatency(ratios[:count], "", 0.01, 0.01, 1.0, 1.0))
    record = TrackerRecord({}, None, {}, {})
    return check_latency("", record, record, measured, gate)[0].verdict, count


def simulate_recorded(rng: np.random.Generator, spread: float, slowdown: float) -> Verdict:
    """Return the verdict relative to the multiple that a baseline recorded in another session."""

    def record(center: float) -> LatencyRecord:
        session = rng.normal(center, SESSION_SPREAD)
        ratios = np.exp(rng.normal(session, spread, RECORDED_PAIRS)).tolist()
        return LatencyRecord(tuple(ratios), "", 0.01, 0.01, 1.0)

    old = TrackerRecord({}, None, {}, {}, record(0.0))
    measured = LatencyMeasurement(recorded=record(math.log1p(slowdown)))
    return check_latency("", old, old, measured, LatencyGate())[0].verdict


def print_latency_table(runs: int) -> None:
    print("deviation  slower   paired: fail   pass  inconclusive  pairs   recorded: fail   pass  inconclusive")
    for spread in SPREADS:
        for slowdown in SLOWDOWNS:
            rng = np.random.default_rng(0)
            rows = [simulate_paired(rng, spread, slowdown) for _ in range(runs)]
            others = [simulate_recorded(rng, spread, slowdown) for _ in range(runs)]
            order = (Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE)
            near = [sum(one is verdict for one, _ in rows) / runs for verdict in order]
            far = [sum(one is verdict for one in others) / runs for verdict in order]
            pairs = sum(count for _, count in rows) / runs
            print(f"{spread:9.1%} {slowdown:7.0%} {near[0]:14.3f} {near[1]:6.3f} {near[2]:13.3f} {pairs:6.1f}"
                  f" {far[0]:16.3f} {far[1]:6.3f} {far[2]:13.3f}")  # fmt: skip


def print_accuracy_table(counts: list[int], metrics: int, runs: int) -> None:
    print("sequences  true drop   fail   pass  inconclusive  any metric fails  percentile alone  mean threshold")
    for count in counts:
        for drop in DROPS:
            rng = np.random.default_rng(count)
            rows = [simulate_accuracy(rng, count, drop, metrics) for _ in range(runs)]
            first = [verdicts[0] for verdicts, _, _ in rows]
            shares = [sum(one is verdict for one in first) / len(rows) for verdict in list(Verdict)[:3]]
            anywhere = sum(Verdict.FAIL in verdicts for verdicts, _, _ in rows) / len(rows)
            others = [sum(row[index] for row in rows) / len(rows) for index in (1, 2)]
            numbers = [shares[1], shares[0], shares[2], anywhere, *others]
            widths = (7, 7, 14, 18, 18, 16)
            cells = "".join(f"{number:{width}.3f}" for number, width in zip(numbers, widths, strict=True))
            print(f"{count:9d}  {drop:9.3f}{cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gate", nargs="?", choices=("accuracy", "latency"), default="accuracy")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--sequences", default="12,24,60,100,280")
    parser.add_argument(
        "--metrics", type=int, default=1, help="number of metrics of the suite, adjusted by Holm's method"
    )
    arguments = parser.parse_args()
    if arguments.gate == "latency":
        print_latency_table(arguments.runs)
    else:
        print_accuracy_table(list(map(int, arguments.sequences.split(","))), arguments.metrics, arguments.runs)


if __name__ == "__main__":
    main()
