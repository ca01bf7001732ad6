"""Metrics, scores and costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Metric:
    """Name, unit and direction of a metric.

    Attributes:
        name: As in JSON records and suites, e.g. ``auc``.
        summary: Its definition in one line.
        unit: ``fraction``, ``%``, ``count``, ``failures/100 frames``, ``1/s``, ...
        higher_is_better: Direction.
        version: Version of the computation; it rises when the same files give another number.
        head: Column head in tables; the name by default.
        curve: Title, label of the abscissa and label of the ordinate, where the metric summarises a curve.
    """

    name: str
    summary: str
    unit: str = "fraction"
    higher_is_better: bool = True
    version: int = 1
    head: str = ""
    curve: tuple[str, str, str] | None = None


@dataclass(frozen=True, eq=False)
class Score:
    """One number with everything needed to say what it is.

    Attributes:
        metric: E.g. ``auc``.
        profile: The toolkit convention it was computed by, e.g. ``otb-matlab``.
        version: Of the metric's computation; rises when the same files give another number.
        value: None where it does not exist (a tag without frames).
        unit: ``fraction``, ``%``, ``count``, ``failures/100 frames``, ``1/s``, ...
        higher_is_better: Direction.
        sequences: Number of sequences scored.
        expected_sequences: Number the benchmark has.
        low, high: Confidence interval of ``value``; None where none was computed.
        per_sequence: Value by sequence; None where it does not exist.
        curve: Abscissa and ordinate, each of shape (K,), where the metric summarises a curve.
        attribute: Attribute or tag it is restricted to; None for all.
        notes: Official rules that were applied to damaged rows, with counts, one sentence each.
        fps: Frame rate of a video that does not wait for the tracker; None where it waits.
        repetitions: Number of runs of a stochastic tracker that ``value`` is the mean of.
        repetition_deviation: Standard deviation of the scores of the single runs (n - 1); None for one run.
    """

    tracker: str
    dataset: str
    protocol: str
    metric: str
    profile: str
    version: int
    value: float | None
    unit: str
    higher_is_better: bool
    sequences: int
    expected_sequences: int
    low: float | None = None
    high: float | None = None
    per_sequence: Mapping[str, float | None] = field(default_factory=dict)
    curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    attribute: str | None = None
    notes: tuple[str, ...] = ()
    fps: float | None = None
    repetitions: int = 1
    repetition_deviation: float | None = None

    def record(self) -> dict[str, Any]:
        """The flat JSON record; its fields are a contract of the command line."""
        record = {
            "tracker": self.tracker,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "metric": self.metric,
            "profile": self.profile,
            "metric_version": self.version,
            "value": finite_or_none(self.value),
            "low": finite_or_none(self.low),
            "high": finite_or_none(self.high),
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "sequences": self.sequences,
            "expected_sequences": self.expected_sequences,
        }
        if self.repetitions > 1:
            record["repetitions"] = self.repetitions
            record["repetition_deviation"] = finite_or_none(self.repetition_deviation)
        asked_for = {"attribute": self.attribute, "fps": self.fps}
        return {**record, **{field: value for field, value in asked_for.items() if value is not None}}


@dataclass(frozen=True)
class Cost:
    """One cost of one tracker, with the circumstances it holds under.

    Attributes:
        quantity: ``macs``, ``parameters``, ``latency_p50``, ``fps``, ...
        convention: How it was counted or timed, e.g. ``conv``, ``all``, ``thop-2020``.
        value: None where it could not be had; ``not_counted`` then says why.
        input: Shapes of the input it holds for.
        not_counted: Operators or stages left out.
    """

    tracker: str
    quantity: str
    convention: str
    value: float | None
    unit: str
    input: str = ""
    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1
    not_counted: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The flat JSON record; its fields are a contract of the command line."""
        return {**asdict(self), "value": finite_or_none(self.value), "not_counted": list(self.not_counted)}


def finite_or_none(value: float | None) -> float | None:
    """Return a number for JSON, which has neither NaN nor infinity: None in their place.

    >>> finite_or_none(0.5), finite_or_none(float("nan")), finite_or_none(None)
    (0.5, None, None)
    """
    return None if value is None or not math.isfinite(value) else float(value)
