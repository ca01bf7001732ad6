"""VOT's plot of accuracy against robustness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from evalkit.types import Score

SENSITIVITY = 30.0
"""Number of frames for which VOT's accuracy-robustness plot shows the reliability."""


def reliability(failures_per_100_frames: float) -> float:
    """Return the probability of tracking ``SENSITIVITY`` frames without a failure.

    >>> reliability(0.0)
    1.0
    """
    return math.exp(-SENSITIVITY * failures_per_100_frames / 100.0)


_ROBUSTNESS: dict[str, tuple[str, Callable[[float], float]]] = {
    "vot-supervised": (f"reliability (S = {SENSITIVITY:.0f})", reliability),
    "vot-multistart": ("robustness", float),
}
"""By profile, the label of the axis and the position of a robustness on it; better values lie further right."""


def accuracy_robustness_points(scores: Iterable[Score]) -> tuple[str, list[tuple[str, float, float]]] | None:
    """Return the points of the plot, by the first profile that measures accuracy and robustness.

    Args:
        scores: Scores on one dataset over all attributes.

    Returns:
        The label of the horizontal axis, and for each tracker its label, position on that axis and accuracy. None if
        no tracker has both.
    """
    known = [score for score in scores if score.profile in _ROBUSTNESS and score.value is not None]
    if not known:
        return None
    profile = known[0].profile
    values = {(score.metric, score.tracker): score.value or 0.0 for score in known if score.profile == profile}
    x_label, position = _ROBUSTNESS[profile]
    points = [
        (label, position(values["robustness", label]), accuracy)
        for (metric, label), accuracy in values.items()
        if metric == "accuracy" and ("robustness", label) in values
    ]
    return (x_label, points) if points else None
