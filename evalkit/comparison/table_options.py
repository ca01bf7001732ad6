"""What a table for a paper shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TableOptions:
    """Choices for one table with a row per tracker and a group of columns per dataset.

    Attributes:
        metrics: Names of metrics (``auc``, ``precision``, ...), and of the costs ``macs``, ``parameters``, ``fps`` and
            ``latency_p50``, in the order of the columns.
        percent: Whether values between 0 and 1 are shown as percentages, with one decimal.
        intervals: Whether confidence intervals are shown.
        order: ``given`` for the order of the comparison's trackers; ``best`` for the best one first, by the first
            column.
    """

    metrics: tuple[str, ...]
    percent: bool = False
    intervals: bool = True
    order: Literal["given", "best"] = "best"
