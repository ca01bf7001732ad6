"""Records of the front: costs, fitness, and overlap on scenes that did not steer the search, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from evalkit.metrics.resampling import resample
from evalkit.search.ledger import Evaluation
from evalkit.search.record import MEMBERS

LEVEL = 0.95
"""Level of the confidence intervals."""


def front_records(
    front: Sequence[Evaluation],
    final: Sequence[Evaluation],
    *,
    members: Collection[str],
    reference: str | None,
    tracker: Callable[[str], str],
) -> list[dict[str, Any]]:
    """Return one flat record per architecture, the best first, a reference outside of the front last.

    Args:
        front: Evaluations during the search.
        final: Evaluations of the same architectures after it; empty if there are none.
        members: Paths that belong to the front; others are references.
        reference: Path that differences are taken to; None if there is none.
        tracker: Returns the tracker name of a path.
    """
    validated = {one.path: one for one in final}
    basis = validated.get(reference) if reference is not None else None
    records = [_record(one, validated.get(one.path), basis, tracker(one.path)) for one in front]
    by_value = sorted(records, key=lambda record: -_ranking_value(record))
    ranked = [record for record in by_value if record["path"] in members]
    others = [record for record in by_value if record["path"] not in members]
    for rank, record in enumerate(ranked, start=1):
        record |= {"rank": rank, "weights": f"{MEMBERS}/{rank}.safetensors"}
    return [*ranked, *others]


def _ranking_value(record: Mapping[str, Any]) -> float:
    value = record["fitness"] if record["value"] is None else record["value"]
    return float(value)


def _record(searched: Evaluation, final: Evaluation | None, basis: Evaluation | None, tracker: str) -> dict[str, Any]:
    low, high = (None, None) if final is None else mean_interval(final.values)
    difference = None if final is None or basis is None else _difference(final.values, basis.values)
    return {
        "rank": None,
        "tracker": tracker,
        "path": searched.path,
        **searched.costs,
        "measure": searched.measure,
        "fitness": searched.value,
        "value": None if final is None else final.value,
        "low": low,
        "high": high,
        "difference": None if difference is None else difference[0],
        "difference_low": None if difference is None else difference[1],
        "difference_high": None if difference is None else difference[2],
        "sequences": None if final is None else len(final.values),
        "generation": searched.generation,
        "weights": None,
    }


def mean_interval(values: Mapping[str, float]) -> tuple[float | None, float | None]:
    """Return the percentile bootstrap interval of the mean over sequences; None twice for fewer than two sequences."""
    if len(values) < 2:
        return None, None
    numbers = np.array(list(values.values()))
    means = resample(len(numbers)) @ numbers / len(numbers)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _difference(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[float, float, float] | None:
    """Return the mean difference over common sequences with its paired interval; None for fewer than two."""
    differences = {name: value - other[name] for name, value in one.items() if name in other}
    low, high = mean_interval(differences)
    if low is None or high is None:
        return None
    return float(np.mean(list(differences.values()))), low, high
