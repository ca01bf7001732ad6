"""The analyses of vot-toolkit 0.9.0 for VOTS: several objects per video, masks, absent targets."""

from __future__ import annotations

from evalkit import registry
from evalkit.metrics import multi_object
from evalkit.metrics.measures import Evaluation, Measure


@registry.profile(
    "vots",
    summary="quality, accuracy, robustness and errors of VOTS, as vot-toolkit computes them",
    protocols=("multi_object",),
    metrics=multi_object.METRICS,
    source="vot-toolkit 0.9.0",
    reason="objects are averaged within their video and videos without weights; the first frame counts with overlap 0; "
    "pixels of the ignored regions do not count",
    tags=True,
    applies=registry.only_where_listed,
)
def vots(evaluation: Evaluation) -> list[Measure]:
    """Compute quality with its plot, accuracy, robustness, the two errors and the quality of absence detection."""
    return multi_object.multi_object_measures(evaluation)
