"""What a suite yields, small enough to be read in a diff: per-sequence contributions, counts, hashes, environment."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from evalkit.cost.latency import BUSY_BELOW
from evalkit.errors import EvalkitError
from evalkit.regression.digests import Digest

Columns: TypeAlias = tuple[float, ...]

DIGITS = 6


def significant(value: float) -> float:
    """The value as a baseline keeps it: 6 significant digits, so that rounding is the same on both sides.

    >>> significant(0.123456789), significant(1234567.0), significant(2.0)
    (0.123457, 1234570.0, 2.0)
    """
    return float(f"{value:.{DIGITS}g}")


@dataclass(frozen=True)
class Share:
    """What one sequence contributes to one score.

    The score is the mean over columns of (sum of numerators) / (sum of denominators); without denominators it is the
    sum of numerators. One column is enough for all but expected average overlap.
    """

    numerator: Columns
    denominator: Columns

    def value(self) -> float | None:
        """The score of this sequence alone."""
        if not self.denominator:
            return self.numerator[0]
        known = [a / b for a, b in zip(self.numerator, self.denominator, strict=True) if b]
        return sum(known) / len(known) if known else None

    def plain(self) -> Any:
        """The value alone where it has weight 1; value and weight; or two rows of columns."""
        if not self.denominator:
            return self.numerator[0]
        if len(self.denominator) > 1:
            return [list(self.numerator), list(self.denominator)]
        value, weight = self.value(), self.denominator[0]
        if value is None:
            return None
        return significant(value) if weight == 1 else [significant(value), weight]

    @classmethod
    def parse(cls, plain: Any, *, total: bool) -> Share:
        """The inverse of ``plain``; ``total`` says that the score is a sum."""
        if total:
            return cls((float(plain),), ())
        if plain is None:
            return cls((0.0,), (0.0,))
        if not isinstance(plain, list):
            return cls((float(plain),), (1.0,))
        first, second = plain
        if isinstance(first, list):
            return cls(tuple(map(float, first)), tuple(map(float, second)))
        return cls((float(first) * float(second),), (float(second),))


@dataclass(frozen=True)
class MetricRecord:
    """A metric as it stood when it was computed.

    Attributes:
        value: Over all sequences.
        version: Of the metric; numbers of different versions are not compared.
        total: The score is a sum over sequences, not a mean.
    """

    value: float | None
    version: int
    unit: str
    higher_is_better: bool
    total: bool = False


@dataclass(frozen=True)
class SequenceRecord:
    """One sequence."""

    digest: Digest
    shares: Mapping[str, Share]


@dataclass(frozen=True)
class DatasetRecord:
    """One tracker on one benchmark.

    Attributes:
        card: What the tracker says of itself there, flat: hyperparameters, settings.
        failed: Sequences that could not be tracked, with the error; never part of a baseline.
    """

    version: str
    protocol: str
    profile: str
    card: Mapping[str, Any]
    metrics: Mapping[str, MetricRecord]
    sequences: Mapping[str, SequenceRecord]
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LatencyRecord:
    """CPU time of a frame over CPU time of the reference workload, in processes that take turns.

    Attributes:
        ratios: One a pair of processes, in the order they ran.
        reference: Which workload, with its version.
        seconds_p50, seconds_p90: Wall clock of a frame, for information.
        cpu_share: CPU time over wall time.
    """

    ratios: Columns
    reference: str
    seconds_p50: float
    seconds_p90: float
    cpu_share: float

    @property
    def ratio(self) -> float:
        """The geometric mean."""
        return statistics.geometric_mean(self.ratios)

    @property
    def busy(self) -> bool:
        """Whether others had the processor for a noticeable part of the time."""
        return self.cpu_share < BUSY_BELOW


@dataclass(frozen=True)
class TrackerRecord:
    """One tracker under one runtime.

    Attributes:
        environment: What its boxes depend on besides code and weights, flat: processor, versions, threads, runtime.
        weights: sha256 of its checkpoint; None where it has none.
        cost: Counts by "quantity convention".
        stochastic: It declares that it answers differently each time.
    """

    environment: Mapping[str, Any]
    weights: str | None
    cost: Mapping[str, int]
    datasets: Mapping[str, DatasetRecord]
    latency: LatencyRecord | None = None
    stochastic: bool = False


Trackers: TypeAlias = Mapping[str, TrackerRecord]
"""By label."""


def to_plain(trackers: Trackers) -> dict[str, Any]:
    """JSON values."""
    return {label: _tracker(record) for label, record in trackers.items()}


def from_plain(plain: Mapping[str, Any], *, where: object) -> dict[str, TrackerRecord]:
    """The inverse of ``to_plain``.

    Raises:
        EvalkitError: Something is missing or of the wrong kind.
    """
    try:
        return {label: _parse_tracker(entry) for label, entry in plain.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvalkitError(
            f"this baseline is damaged: {type(error).__name__}: {error}", where=where, hint=RESTORE
        ) from error


RESTORE = "Restore it from version control, or move it away and write a new one with --update --reason"


def _tracker(record: TrackerRecord) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "environment": dict(record.environment),
        "weights": record.weights,
        "cost": dict(record.cost),
        "stochastic": record.stochastic,
        "datasets": {name: _dataset(one) for name, one in record.datasets.items()},
    }
    if record.latency is not None:
        one = record.latency
        plain["latency"] = {
            "processes": " ".join(f"{ratio:.4g}" for ratio in one.ratios),
            "reference": one.reference,
            "seconds_p50": significant(one.seconds_p50),
            "seconds_p90": significant(one.seconds_p90),
            "cpu_share": significant(one.cpu_share),
        }
    return plain


def _dataset(record: DatasetRecord) -> dict[str, Any]:
    return {
        "version": record.version,
        "protocol": record.protocol,
        "profile": record.profile,
        "card": dict(record.card),
        "metrics": {name: vars(metric) for name, metric in record.metrics.items()},
        "sequences": {name: _sequence(one) for name, one in record.sequences.items()},
    }


def _sequence(record: SequenceRecord) -> dict[str, Any]:
    digest = {"frames": record.digest.frames, "boxes": record.digest.boxes, "marks": record.digest.marks}
    return {**digest, **{f"score {name}": share.plain() for name, share in record.shares.items()}}


def _parse_tracker(plain: Mapping[str, Any]) -> TrackerRecord:
    latency = plain.get("latency")
    return TrackerRecord(
        environment=dict(plain["environment"]),
        weights=plain["weights"],
        cost={name: int(value) for name, value in plain["cost"].items()},
        datasets={name: _parse_dataset(one) for name, one in plain["datasets"].items()},
        latency=None if latency is None else _parse_latency(latency),
        stochastic=bool(plain["stochastic"]),
    )


def _parse_latency(plain: Mapping[str, Any]) -> LatencyRecord:
    # The first format kept blocks of one process, which say nothing of others: together they are one ratio.
    blocks = tuple(map(float, plain["ratios"].split())) if "ratios" in plain else ()
    ratios = (statistics.median(blocks),) if blocks else tuple(map(float, plain["processes"].split()))
    numbers = {key: float(plain[key]) for key in ("seconds_p50", "seconds_p90", "cpu_share")}
    return LatencyRecord(ratios, str(plain["reference"]), **numbers)


def _parse_dataset(plain: Mapping[str, Any]) -> DatasetRecord:
    metrics = {name: MetricRecord(**entry) for name, entry in plain["metrics"].items()}
    sequences = {name: _parse_sequence(entry, metrics) for name, entry in plain["sequences"].items()}
    return DatasetRecord(plain["version"], plain["protocol"], plain["profile"], dict(plain["card"]), metrics, sequences)


def _parse_sequence(plain: Mapping[str, Any], metrics: Mapping[str, MetricRecord]) -> SequenceRecord:
    digest = Digest(int(plain["frames"]), str(plain["boxes"]), str(plain["marks"]))
    shares = {name: Share.parse(plain[f"score {name}"], total=metrics[name].total) for name in metrics}
    return SequenceRecord(digest, shares)
