"""Metric profiles: the named conventions by which toolkits compute scores, one file a toolkit.

A profile is a function that takes an ``Evaluation`` and returns a list of ``Measure``, registered by
``@registry.profile``. The functions here find profiles and score trajectories by them.
"""

from __future__ import annotations

from evalkit.metrics.profile_lookup import applicable, find, fitting, metric_named, metrics, official
from evalkit.metrics.scores import MeasuredRun, measure, measure_run, score

__all__ = [
    "MeasuredRun",
    "applicable",
    "find",
    "fitting",
    "measure",
    "measure_run",
    "metric_named",
    "metrics",
    "official",
    "score",
]
