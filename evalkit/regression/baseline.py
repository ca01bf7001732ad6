"""The baseline: a versioned JSON file with the records that were accepted, and the reason of every update.

The file is written for review as a diff: one line per sequence. It is replaced as a whole, by one process at a time.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit import __version__
from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_text
from evalkit.io.file_lock import FileLockedError, exclusive_lock
from evalkit.io.json import load_strict_json
from evalkit.regression.box_hashes import BoxHashes
from evalkit.regression.records import (
    DatasetRecord,
    LatencyRecord,
    MetricRecord,
    SequenceContribution,
    SequenceRecord,
    TrackerRecord,
    TrackerRecords,
    significant,
)

VERSION = 2
"""Version of the format. 2 holds a ratio of CPU times per pair of processes; 1 held ratios within one process."""
OLDEST_VERSION = 1
"""Oldest version of the format that can be read."""
MAX_FLAT_VALUES = 16
"""Longest list or object without inner objects that is written on one line."""
_RESTORE = "Restore it from version control, or move it away and write a new one with --update --reason"


@dataclass(frozen=True)
class Baseline:
    """The accepted results of a suite.

    Attributes:
        suite: Name of the suite.
        trackers: Records by label.
        history: One entry per update, the oldest first: ``date``, ``reason``, ``evalkit``, ``changes``.
    """

    suite: str
    trackers: TrackerRecords
    history: tuple[Mapping[str, Any], ...] = ()

    def updated(self, trackers: TrackerRecords, reason: str, changes: list[str]) -> Baseline:
        """Return a baseline with new records and one more entry in its history.

        Args:
            changes: What the update accepts, one sentence each.
        """
        entry = {
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "reason": reason,
            "evalkit": __version__,
            "changes": changes,
        }
        return Baseline(self.suite, dict(trackers), (*self.history, entry))


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        EvalkitError: The file is missing, damaged, or has a version of the format that cannot be read.
    """
    content = _read_json(path)
    _check_version(content.get("version"), path)
    trackers, history = content.get("trackers"), content.get("history")
    if not isinstance(trackers, dict) or not isinstance(history, list):
        raise _damaged(path, "trackers or history are missing")
    try:
        records = {label: _parse_tracker(entry) for label, entry in trackers.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    return Baseline(str(content.get("suite")), records, tuple(history))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = load_strict_json(path)
    except FileNotFoundError:
        raise EvalkitError(
            "there is no baseline yet", where=path,
            hint='Write the first one with --update --reason "first baseline"',
        ) from None  # fmt: skip
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(content, dict):
        raise _damaged(path, "it is not a JSON object")
    return content


def _check_version(version: object, path: Path) -> None:
    if not isinstance(version, int) or isinstance(version, bool):
        raise _damaged(path, "it has no version")
    if version > VERSION:
        raise EvalkitError(
            "this baseline was written by a newer evalkit", where=path, found=f"version {version}",
            expected=f"version {VERSION}", hint="Update evalkit; the file is unchanged",
        )  # fmt: skip
    if version < OLDEST_VERSION:
        raise EvalkitError(
            "this baseline was written by an older evalkit", where=path, found=f"version {version}",
            expected=f"version {VERSION}",
            hint="Move it away and write a new one with --update --reason, from a commit known to be good",
        )  # fmt: skip


def _damaged(path: Path, cause: str) -> EvalkitError:
    return EvalkitError(f"this baseline is damaged: {cause}", where=path, hint=_RESTORE)


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Replace the file. If the process is interrupted, the old file is still there.

    Raises:
        EvalkitError: The file cannot be written.
    """
    content = {
        "version": VERSION,
        "suite": baseline.suite,
        "trackers": {label: _tracker_json(record) for label, record in baseline.trackers.items()},
        "history": list(baseline.history),
    }
    write_text(path, format_json(content) + "\n")


@contextlib.contextmanager
def lock_baseline(path: Path) -> Iterator[None]:
    """Keep other processes from updating a baseline meanwhile.

    Raises:
        EvalkitError: Another process is updating it, or its folder cannot be written to.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(path))
        except FileLockedError as error:
            raise EvalkitError(
                "another process is updating this baseline", where=path, found=str(error) or None,
                hint="Wait until it ends; its result may be what you want",
            ) from error  # fmt: skip
        except OSError as error:
            raise EvalkitError(
                f"cannot write this baseline: {error.strerror}", where=path, hint="Name another file with --baseline"
            ) from error
        yield


def format_json(value: Any, indent: int = 0) -> str:
    """Format a value as JSON with sorted keys, one key per line; short values without inner objects stay on one line.

    >>> print(format_json({"b": {"x": 1, "y": [1, 2]}, "a": None}))
    {
     "a": null,
     "b": {"x": 1, "y": [1, 2]}
    }
    """
    line = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, (dict, list)) or not value or (indent and _is_flat(value)):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {format_json(value[key], indent + 1)}"
            for key in sorted(value)
        ]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + format_json(item, indent + 1) for item in value) + "\n" + " " * indent + "]"


def _is_flat(value: dict[str, Any] | list[Any]) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return not any(isinstance(item, dict) for item in items) and len(value) <= MAX_FLAT_VALUES


def _tracker_json(record: TrackerRecord) -> dict[str, Any]:
    content: dict[str, Any] = {
        "environment": dict(record.environment),
        "weights": record.weights,
        "cost": dict(record.cost),
        "stochastic": record.stochastic,
        "datasets": {name: _dataset_json(one) for name, one in record.datasets.items()},
    }
    if record.latency is not None:
        content["latency"] = _latency_json(record.latency)
    return content


def _latency_json(record: LatencyRecord) -> dict[str, Any]:
    return {
        "processes": " ".join(f"{ratio:.4g}" for ratio in record.ratios),
        "reference": record.reference,
        "seconds_p50": significant(record.seconds_p50),
        "seconds_p90": significant(record.seconds_p90),
        "cpu_share": significant(record.cpu_share),
    }


def _dataset_json(record: DatasetRecord) -> dict[str, Any]:
    return {
        "version": record.version,
        "protocol": record.protocol,
        "profile": record.profile,
        "card": dict(record.description),
        "metrics": {name: vars(metric) for name, metric in record.metrics.items()},
        "sequences": {name: _sequence_json(one) for name, one in record.sequences.items()},
    }


def _sequence_json(record: SequenceRecord) -> dict[str, Any]:
    hashes = record.hashes
    scores = {f"score {name}": contribution_json(one) for name, one in record.contributions.items()}
    return {"frames": hashes.frames, "boxes": hashes.boxes, "marks": hashes.checkpoints, **scores}


def contribution_json(contribution: SequenceContribution) -> Any:
    """Return a contribution as JSON: a value if its weight is 1, else value and weight, or two rows of columns."""
    if not contribution.denominator:
        return contribution.numerator[0]
    if len(contribution.denominator) > 1:
        return [list(contribution.numerator), list(contribution.denominator)]
    value, weight = contribution.value(), contribution.denominator[0]
    if value is None:
        return None
    return significant(value) if weight == 1 else [significant(value), weight]


def parse_contribution(content: Any, *, total: bool) -> SequenceContribution:
    """Return the contribution that ``contribution_json`` wrote.

    Args:
        total: The score is a sum over sequences.
    """
    if total:
        return SequenceContribution((float(content),), ())
    if content is None:
        return SequenceContribution((0.0,), (0.0,))
    if not isinstance(content, list):
        return SequenceContribution((float(content),), (1.0,))
    first, second = content
    if isinstance(first, list):
        return SequenceContribution(tuple(map(float, first)), tuple(map(float, second)))
    return SequenceContribution((float(first) * float(second),), (float(second),))


def _parse_tracker(content: Mapping[str, Any]) -> TrackerRecord:
    latency = content.get("latency")
    return TrackerRecord(
        environment=dict(content["environment"]),
        weights=content["weights"],
        cost={name: int(value) for name, value in content["cost"].items()},
        datasets={name: _parse_dataset(one) for name, one in content["datasets"].items()},
        latency=None if latency is None else _parse_latency(latency),
        stochastic=bool(content["stochastic"]),
    )


def _parse_latency(content: Mapping[str, Any]) -> LatencyRecord:
    # Version 1 held ratios within one process, which tell nothing about other processes: together they are one ratio.
    within = tuple(map(float, content["ratios"].split())) if "ratios" in content else ()
    ratios = (statistics.median(within),) if within else tuple(map(float, content["processes"].split()))
    numbers = {key: float(content[key]) for key in ("seconds_p50", "seconds_p90", "cpu_share")}
    return LatencyRecord(ratios, str(content["reference"]), **numbers)


def _parse_dataset(content: Mapping[str, Any]) -> DatasetRecord:
    metrics = {name: _parse_metric(entry) for name, entry in content["metrics"].items()}
    return DatasetRecord(
        version=content["version"],
        protocol=content["protocol"],
        profile=content["profile"],
        description=dict(content["card"]),
        metrics=metrics,
        sequences={name: _parse_sequence(entry, metrics) for name, entry in content["sequences"].items()},
    )


def _parse_metric(content: Mapping[str, Any]) -> MetricRecord:
    record = MetricRecord(**content)
    value = None if record.value is None else float(record.value)
    return replace(record, value=value, version=int(record.version), unit=str(record.unit))


def _parse_sequence(content: Mapping[str, Any], metrics: Mapping[str, MetricRecord]) -> SequenceRecord:
    hashes = BoxHashes(int(content["frames"]), str(content["boxes"]), str(content["marks"]))
    contributions = {name: parse_contribution(content[f"score {name}"], total=metrics[name].total) for name in metrics}
    return SequenceRecord(hashes, contributions)
