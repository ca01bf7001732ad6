"""What trackers cost: from their run cards, the times beside their boxes, and files that ``evalkit profile`` wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.model import Card, Runs, is_imported
from evalkit.errors import EvalkitError
from evalkit.types import Cost

_WRITE = "Write it with `evalkit profile --tracker NAME --format json > FILE`"


def counted(tracker: str, card: Card | None) -> list[Cost]:
    """MACs and parameters as ``run.json`` holds them, from when the network was at hand; empty for imported results.

    Raises:
        EvalkitError: What it holds are no costs.
    """
    records = [] if card is None else card.get("costs", [])
    try:
        return [_cost({**record, "tracker": tracker}) for record in records]
    except (ValueError, KeyError, TypeError) as error:
        raise EvalkitError(
            "the costs in run.json are damaged", where=tracker, found=f"{type(error).__name__}: {error}",
            hint="Remove them from it, and the same `evalkit run` counts again",
        ) from error  # fmt: skip


def known_costs(tracker: str, runs: Runs, card: Card | None) -> list[Cost]:
    """What a table of scores shows beside them: what was counted, and frames per second where evalkit took the times.

    Times of others say nothing without the device that they were taken on.
    """
    if is_imported(card):
        return []
    return [*counted(tracker, card), *(cost for cost in timing(tracker, [(runs, card)]) if cost.quantity == "fps")]


def timing(tracker: str, found: Iterable[tuple[Runs, Card | None]]) -> list[Cost]:
    """Frames per second and percentiles of the seconds per frame, from the times stored beside the boxes.

    The first frame of a run initialises and is counted apart: ``initialize_p50`` against ``latency_p50``.

    Args:
        found: By benchmark; those that were run in the same circumstances are timed as one.
    """
    alike: dict[tuple[Any, ...], list[NDArray[np.float64]]] = {}
    circumstances: dict[tuple[Any, ...], dict[str, Any]] = {}
    for runs, card in found:
        under = _circumstances(card)
        key = tuple(under.values())
        circumstances[key] = under
        alike.setdefault(key, []).extend(run.seconds for trajectories in runs.values() for run in trajectories)
    return [
        Cost(tracker=tracker, quantity=name, convention="tracking", value=value, unit=unit, **circumstances[key])
        for key, seconds in alike.items()
        for name, (value, unit) in _speeds(seconds).items()
    ]


def _speeds(seconds: list[NDArray[np.float64]]) -> dict[str, tuple[float, str]]:
    """Value and unit by quantity; nothing where no frame was timed."""
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


def clock_notice(cards: Iterable[Card | None]) -> str:
    """What the frames per second of these runs are frames per second of; empty where none was run by evalkit."""
    found = dict.fromkeys(_clock(card) for card in cards if card is not None and "device" in card["identity"])
    return f"fps: {'; '.join(found)}; initialisation included, decoding not" if found else ""


def _clock(card: Card) -> str:
    identity = card["identity"]
    device, threads = str(identity["device"]), identity["threads"]
    names = dict.fromkeys(
        str(one.get("processor") if device == "cpu" else one.get("gpu") or "a device without name")
        for one in card["environments"]
    )
    return f"{' and '.join(names)}, {device}, {threads} thread{'s' if threads > 1 else ''}"


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _circumstances(card: Card | None) -> dict[str, Any]:
    """Runtime, precision, device and threads that a run was timed with; the processor's name where it is known."""
    if card is None or "device" not in card["identity"]:  # imported: nobody knows how it was timed
        return {"runtime": "unknown", "precision": "unknown", "device": "unknown", "threads": 0}
    identity = card["identity"]
    environments = card.get("environments") or [{}]
    named = environments[0].get("gpu" if str(identity["device"]).startswith("cuda") else "processor")
    return {
        "runtime": identity["runtime"],
        "precision": identity["precision"],
        "device": named or identity["device"],
        "threads": identity["threads"],
    }


def read_costs(path: Path) -> list[Cost]:
    """Costs from the JSON that ``evalkit profile`` prints.

    Raises:
        EvalkitError: The file is missing, or it is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        records = content["records"]
        costs = [_cost(record) for record in records if "quantity" in record]
    except OSError as error:
        raise EvalkitError(f"this file cannot be read: {error.strerror}", where=path, hint=_WRITE) from error
    except (ValueError, KeyError, TypeError) as error:
        raise EvalkitError(
            "these are no costs", where=path, found=f"{type(error).__name__}: {error}",
            hint=_WRITE,
        ) from error  # fmt: skip
    if not costs:
        raise EvalkitError("these are no costs", where=path, found=f"{len(records)} other records", hint=_WRITE)
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
