"""How often the accuracy gate is wrong, by simulation.

    python benchmarks/gates.py [--runs 2000] [--sequences 12,60,100,280] [--metrics 3]

Scores of a change that is none follow what reruns of real trackers look like: 95 of 100 sequences move by sigma 0.002,
5 diverge and move by sigma 0.2. On top of that, every sequence loses the same true drop. The margin is 0.005.

Columns: how often the gate fails, passes and is inconclusive; and what two other rules would have done: the interval
of percentiles alone, and a bare threshold on the mean.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.statistics import holm
from evalkit.regression import accuracy
from evalkit.regression.outcome import Verdict
from evalkit.regression.statistical import verdict_of

MARGIN = 0.005
DROPS = (0.0, 0.005, 0.02)


def differences(rng: np.random.Generator, count: int, drop: float) -> NDArray[np.float64]:
    """Shape (count,): gain of every sequence."""
    diverging = rng.random(count) < 0.05
    return np.where(diverging, rng.normal(0.0, 0.2, count), rng.normal(0.0, 0.002, count)) - drop


def judged(rng: np.random.Generator, count: int, drop: float, metrics: int) -> tuple[list[Verdict], bool, bool]:
    """Verdicts of all metrics, of which only the first one lost; and whether the two other rules would fail it."""
    weights = accuracy.resampling(count) / count
    changes, percentile, bare = [], False, False
    for number in range(metrics):
        values = differences(rng, count, drop if number == 0 or drop == MARGIN else 0.0)
        gains = weights @ values
        changes.append(accuracy.summary(float(values.mean()), gains, count, margin=MARGIN))
        if number == 0:
            percentile = bool(np.quantile(gains, 0.95) < -MARGIN)
            bare = bool(values.mean() < -MARGIN)
    fails = [p <= accuracy.ALARM for p in holm([change.p for change in changes])]
    verdicts = [verdict_of(change, MARGIN, fails=failed) for change, failed in zip(changes, fails, strict=True)]
    return verdicts, percentile, bare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--sequences", default="12,24,60,100,280")
    parser.add_argument("--metrics", type=int, default=1, help="metrics of one suite, adjusted by Holm")
    arguments = parser.parse_args()
    print("sequences  true drop   fail   pass  inconclusive  any metric fails  percentile alone  bare threshold")
    for count in map(int, arguments.sequences.split(",")):
        for drop in DROPS:
            rng = np.random.default_rng(count)
            rows = [judged(rng, count, drop, arguments.metrics) for _ in range(arguments.runs)]
            first = [verdicts[0] for verdicts, _, _ in rows]
            shares = [sum(one is verdict for one in first) / len(rows) for verdict in list(Verdict)[:3]]
            anywhere = sum(Verdict.FAIL in verdicts for verdicts, _, _ in rows) / len(rows)
            others = [sum(row[index] for row in rows) / len(rows) for index in (1, 2)]
            numbers = [shares[1], shares[0], shares[2], anywhere, *others]
            widths = (7, 7, 14, 18, 18, 16)
            cells = "".join(f"{number:{width}.3f}" for number, width in zip(numbers, widths, strict=True))
            print(f"{count:9d}  {drop:9.3f}{cells}")


if __name__ == "__main__":
    main()
