"""Read recorded costs: from ``run.json``, from the times stored with results, and from files of ``evalkit profile``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit.cost.latency import BUSY_BELOW
from evalkit.errors import EvalkitError
from evalkit.io.json import load_strict_json
from evalkit.results.run_record import RunRecord, is_imported, is_program
from evalkit.types import Cost, Trajectory

_WRITE = "Write it with `evalkit profile --tracker NAME --format json > FILE`"


Trajectories: TypeAlias = Mapping[str, list[Trajectory]]
"""By sequence name: all repetitions, or the runs from each anchor."""

Timed: TypeAlias = tuple[str, RunRecord | None, float]
"""Label, content of ``run.json``, and frames per second by the wall clock, of a timed result."""


def recorded_counts(tracker: str, record: RunRecord | None) -> list[Cost]:
    """Return the MACs and parameters that were counted during the run; empty for imported results.

    Raises:
        EvalkitError: The costs in ``run.json`` are damaged.
    """
    entries = [] if record is None else record.get("costs", [])
    try:
        return [_cost({**entry, "tracker": tracker}) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise EvalkitError(
            "the costs in run.json are damaged", where=tracker, found=f"{type(error).__name__}: {error}",
            hint="Remove them from it, and the same `evalkit run` counts again",
        ) from error  # fmt: skip


def known_costs(tracker: str, trajectories: Trajectories, record: RunRecord | None) -> list[Cost]:
    """Return the costs that a table of scores shows: MACs, parameters, and frames per second of evalkit's own runs.

    Imported times are left out: the device that they were measured on is unknown.
    """
    if is_imported(record):
        return []
    speeds = recorded_times(tracker, [(trajectories, record)])
    return [*recorded_counts(tracker, record), *(cost for cost in speeds if cost.quantity == "fps")]


def recorded_times(tracker: str, found: Iterable[tuple[Trajectories, RunRecord | None]]) -> list[Cost]:
    """Return frames per second and percentiles of the seconds per frame, from the times stored with the results.

    The first frame of a run initialises the tracker and is timed separately: ``initialize_p50``, not ``latency_p50``.

    Args:
        found: By dataset; datasets that were run with the same execution are timed together.
    """
    alike: dict[tuple[Any, ...], list[NDArray[np.float64]]] = {}
    circumstances: dict[tuple[Any, ...], dict[str, Any]] = {}
    for runs, record in found:
        under = _circumstances(record)
        key = tuple(under.values())
        circumstances[key] = under
        alike.setdefault(key, []).extend(run.seconds for trajectories in runs.values() for run in trajectories)
    return [
        Cost(tracker=tracker, quantity=name, convention="tracking", value=value, unit=unit, **circumstances[key])
        for key, seconds in alike.items()
        for name, (value, unit) in _speeds(seconds).items()
    ]


def _speeds(seconds: list[NDArray[np.float64]]) -> dict[str, tuple[float, str]]:
    """Return value and unit by quantity; empty where no frame was timed."""
    every = _finite(np.concatenate(seconds)) if seconds else np.empty(0)
    if every.size == 0 or every.sum() <= 0:
        return {}
    update = _finite(np.concatenate([one[1:] for one in seconds]))
    first = _finite(np.array([one[0] for one in seconds if one.size]))
    values = {"fps": (every.size / float(every.sum()), "1/s")}
    if update.size:
        for percent in (50, 90, 99):
            values[f"latency_p{percent}"] = (float(np.percentile(update, percent)) * 1e3, "ms")
    if first.size:
        values["initialize_p50"] = (float(np.median(first)) * 1e3, "ms")
    return values


def busy_remarks(records: Iterable[RunRecord | None]) -> tuple[str, ...]:
    """Return the remarks that mark times as invalid where the machine was busy in one of these runs; empty if not."""
    shares = [share for one in records if one is not None and (share := _busy_share(one)) is not None]
    return (f"invalid: machine was busy (CPU/wall {min(shares):.2f})",) if shares else ()


def clock_notice(timed: Iterable[Timed]) -> str:
    """Return the sentence that says on which devices frames per second were measured; empty where none were.

    Speeds that were measured while the machine was busy are marked as invalid.
    """
    known = [(label, one, fps) for label, one, fps in timed if one is not None and "device" in one["identity"]]
    if not known:
        return ""
    devices = dict.fromkeys(_clock(record) for _, record, _ in known)
    busy = dict.fromkeys(found for one in known if (found := _busy(*one)) is not None)
    return "; ".join(["fps: " + "; ".join(devices), "initialisation included, decoding not", *busy])


def _busy(label: str, record: RunRecord, fps: float) -> str | None:
    """Return the words that mark frames per second that were measured while the machine was busy; None if not."""
    share = _busy_share(record)
    if share is None:
        return None
    return f"{label} invalid: machine was busy (CPU/wall {share:.2f}), {fps / share:,.1f} by CPU time"


def _busy_share(record: RunRecord) -> float | None:
    """Return CPU time over wall-clock time of a run that was timed while the machine was busy; None if it was not.

    In one thread of the CPU, a tracker needs as much CPU time as wall-clock time unless other programs use the
    processor. Trackers that compute elsewhere (more threads, a GPU, a program of their own) are not judged.
    """
    clock = record.get("clock", {})
    if not clock.get("wall"):
        return None
    identity = record.get("identity", {})
    elsewhere = is_program(record)
    share = float(clock.get("cpu", 0.0) / clock["wall"])
    if identity.get("device") != "cpu" or identity.get("threads") != 1 or elsewhere or not 0 < share < BUSY_BELOW:
        return None
    return share


def _clock(record: RunRecord) -> str:
    identity = record["identity"]
    device, threads = str(identity["device"]), int(identity.get("threads", 0))
    names = dict.fromkeys(
        str(one.get("processor") if device == "cpu" else one.get("gpu") or "unnamed device")
        for one in record["environments"]
    )
    return f"{' and '.join(names)}, {device}, {threads} thread{'s' if threads > 1 else ''}"


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _circumstances(record: RunRecord | None) -> dict[str, Any]:
    """Return runtime, precision, device (the processor's name where it is recorded) and threads of a run."""
    if record is None or "device" not in record["identity"]:  # imported: the device is unknown
        return {"runtime": "unknown", "precision": "unknown", "device": "unknown", "threads": 0}
    identity = record["identity"]
    environments = record.get("environments") or [{}]
    named = environments[0].get("gpu" if str(identity["device"]).startswith("cuda") else "processor")
    return {
        "runtime": str(identity.get("runtime", "unknown")),
        "precision": str(identity.get("precision", "unknown")),
        "device": str(named or identity["device"]),
        "threads": int(identity.get("threads", 0)),
    }


def read_costs(path: Path) -> list[Cost]:
    """Read costs from the JSON that ``evalkit profile`` prints.

    Raises:
        EvalkitError: The file is missing, or is not such a file.
    """
    try:
        content = load_strict_json(path)
        records = content["records"]
        costs = [_cost(record) for record in records if "quantity" in record]
    except OSError as error:
        raise EvalkitError(f"this file cannot be read: {error.strerror}", where=path, hint=_WRITE) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise EvalkitError(
            "not a file of costs written by `evalkit profile`", where=path, found=f"{type(error).__name__}: {error}",
            hint=_WRITE,
        ) from error  # fmt: skip
    if not costs:
        raise EvalkitError(
            "not a file of costs written by `evalkit profile`",
            where=path,
            found=f"{len(records)} other records",
            hint=_WRITE,
        )
    return costs


def _cost(record: Mapping[str, Any]) -> Cost:
    value = record["value"]
    return Cost(
        tracker=str(record["tracker"]),
        quantity=str(record["quantity"]),
        convention=str(record["convention"]),
        value=None if value is None or not math.isfinite(value) else float(value),
        unit=str(record["unit"]),
        input=str(record.get("input", "")),
        runtime=str(record.get("runtime", "torch")),
        precision=str(record.get("precision", "fp32")),
        device=str(record.get("device", "cpu")),
        threads=int(record.get("threads", 1)),
        not_counted=tuple(map(str, record.get("not_counted", ()))),
    )
