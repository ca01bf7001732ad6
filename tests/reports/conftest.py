"""A small comparison made by hand, also with names that try to break the markup."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.types import Cost, Score

NASTY = ("<script>alert(1)</script>", "../../etc/passwd", "50%_a&b#{x}$y^~\\", "跟踪器", "=1+1", "long-" * 20)
SEQUENCES = ("Alpha", "Beta", "Gamma")
THRESHOLDS = np.linspace(0.0, 1.0, 21)


def score(tracker: str, rank: int, *, attribute: str | None = None, metric: str = "auc") -> Score:
    """A score of a tracker that is the ``rank``-th best."""
    curve = np.clip(1.0 - THRESHOLDS * (1.0 + 0.2 * rank), 0.0, 1.0)
    value = float(curve.mean()) if metric == "auc" else 0.8 - 0.05 * rank
    return Score(
        tracker=tracker,
        dataset="toy",
        protocol="one_pass",
        metric=metric,
        profile="otb-matlab",
        version=1,
        value=value,
        unit="fraction",
        higher_is_better=True,
        sequences=3,
        expected_sequences=3,
        low=value - 0.05,
        high=value + 0.05,
        per_sequence={name: value + 0.1 * (place - 1) for place, name in enumerate(SEQUENCES)},
        curve=(THRESHOLDS, curve) if metric == "auc" else None,
        attribute=attribute,
    )


def cost(tracker: str, quantity: str, convention: str, value: float, unit: str) -> Cost:
    return Cost(tracker, quantity, convention, value, unit, device="a processor")


@pytest.fixture(scope="session")
def compare() -> Callable[..., Comparison]:
    """A function that makes a comparison of trackers with these names, best first."""

    @cache
    def make(*names: str) -> Comparison:
        scores, costs = [], []
        for rank, name in enumerate(names):
            scores += [score(name, rank), score(name, rank, metric="precision")]
            scores += [score(name, rank + extra, attribute=tag) for extra, tag in ((0, "OCC"), (1, "SV"), (2, "BC"))]
            costs += [
                cost(name, "macs", "thop-2020", 5e8 * (rank + 1), "MAC"),
                cost(name, "parameters", "all", 2e6 * (rank + 1), "count"),
                cost(name, "fps", "tracking", 100.0 / (rank + 1), "1/s"),
                cost(name, "latency_p50", "tracking", 10.0 * (rank + 1), "ms"),
            ]
        return Comparison(names, (), tuple(scores), tuple(costs), notices=("toy: found",))

    return make


@pytest.fixture(scope="session")
def nasty(compare: Callable[..., Comparison]) -> Comparison:
    return compare(*NASTY)


@pytest.fixture(scope="session")
def page_of() -> Callable[[Comparison], str]:
    """The HTML page of a comparison, made once for each."""
    made: dict[int, tuple[Comparison, str]] = {}

    def page(comparison: Comparison) -> str:
        if id(comparison) not in made:
            entry = registry.report.find("html")
            made[id(comparison)] = (comparison, str(entry.build(comparison=comparison)))
        return made[id(comparison)][1]

    return page
