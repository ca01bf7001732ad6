"""The metrics that results are ranked by, and those that are shown next to a benchmark's official ones."""

from __future__ import annotations

from collections.abc import Iterable

LEADING = ("eao", "auc", "ao", "f_score", "quality")
"""Metrics that rankings, tests of significance and default accuracy gates use, in order of preference."""

BESIDE = {"pysot": frozenset({"norm_precision"}), "got10k": frozenset({"ao", "sr50", "sr75"})}
"""Metrics that readers expect in addition to the official ones, by the profile that computes them."""


def leading(metrics: Iterable[str]) -> str | None:
    """Return the preferred one of these metrics; otherwise the first; None if there are none."""
    available = list(metrics)
    return next((name for name in LEADING if name in available), available[0] if available else None)
