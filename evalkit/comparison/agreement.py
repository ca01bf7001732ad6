"""Agreement between trackers: the overlap of their boxes with one another, which needs no groundtruth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.geometry import overlap
from evalkit.types import FrameState, Trajectory

if TYPE_CHECKING:
    from evalkit.comparison.model import Runs


@dataclass(frozen=True)
class Agreement:
    """Mean overlap of the boxes of two trackers on the sequences that both have results for.

    Attributes:
        value: Mean over sequences, in [0, 1]; every sequence has the same weight.
        per_sequence: By sequence name, the mean over frames.
    """

    value: float
    per_sequence: Mapping[str, float]


def agreements(runs: Mapping[str, Runs]) -> dict[tuple[str, str], Agreement]:
    """Return the agreement of every pair of trackers, computed from their first repetitions.

    Args:
        runs: By label of the tracker, its trajectories by sequence.

    Returns:
        By pair of labels in the order of ``runs``; pairs without a sequence in common have no entry.
    """
    found = {}
    for first, second in combinations(runs, 2):
        values = _by_sequence(runs[first], runs[second])
        if values:
            found[first, second] = Agreement(float(np.mean(list(values.values()))), values)
    return found


def frame_agreement(first: Trajectory, second: Trajectory) -> NDArray[np.float64]:
    """Return the overlap of two trackers' boxes on every frame that both trajectories have.

    Returns:
        Shape (N,), in [0, 1]. NaN on frames that say nothing about agreement: where a tracker was initialized, and
        where neither answered. 0 where one of them answered and the other one did not.
    """
    length = min(len(first), len(second))
    boxes = first.boxes[:length], second.boxes[:length]
    answered = [~np.isnan(one).any(axis=1) for one in boxes]
    values = np.where(answered[0] & answered[1], overlap(*boxes), 0.0)
    initialized = [one.states[:length] == FrameState.INITIALIZED for one in (first, second)]
    left_out = initialized[0] | initialized[1] | ~(answered[0] | answered[1])
    left_out[:1] = True
    values[left_out] = np.nan
    return values


def _by_sequence(first: Runs, second: Runs) -> dict[str, float]:
    found = {}
    for name in first:
        if first[name] and second.get(name):
            values = frame_agreement(first[name][0], second[name][0])
            if not np.isnan(values).all():
                found[name] = float(np.nanmean(values))
    return found
