"""Search in LightTrack's space: its paths, costs, shared weights, and the fitness of a path.

``evalkit search`` calls ``prepare``; its workers call ``create_evaluator``.
"""

from __future__ import annotations

from evalkit.trackers._lighttrack.search.prepare import create_fitness as create_evaluator
from evalkit.trackers._lighttrack.search.prepare import prepare

__all__ = ["create_evaluator", "prepare"]
