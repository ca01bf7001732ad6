"""Costs of trackers on a phone: the time of the network, measured by a program on the phone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from evalkit import config, registry, runtimes
from evalkit.cost import latency, macs
from evalkit.cost.devices import Device, read
from evalkit.cost.latency import Timing
from evalkit.cost.phone import Phone, PhoneTiming
from evalkit.errors import EvalkitError
from evalkit.factories import create_tracker, split_calibration
from evalkit.io import atomic
from evalkit.registry import RuntimeEntry
from evalkit.runtimes import calibration
from evalkit.runtimes.calibration_sequences import find_calibration_sequences
from evalkit.types import Cost, Execution, SplitTracker

TIMEOUT_PER_QUERY = 2.0
"""Timeout of a measurement, seconds per query."""
_TIMEOUT_START = 60.0
NOTED_TEMPERATURE_RISE = 5.0
"""Rise of the temperature during a measurement that is reported, in degrees."""


def profile_on_phone(
    trackers: Sequence[str],
    executions: Sequence[Execution],
    *,
    weights: Path | None = None,
    rules: latency.Rules,
    settings: Mapping[str, str] | None = None,
) -> list[Cost]:
    """Export each tracker's search network, time it on a phone, and count its operations on this machine.

    The times of each tracker are stored in ``devices/`` of the cache folder as soon as they are measured.

    Args:
        trackers: Names of trackers.
        executions: One execution, whose ``device`` is the device file. Its runtime is torch, which stands for the
            runtime of the device file, or that runtime.
        weights: Checkpoint, or a folder of them.
        rules: How long to measure.
        settings: Settings of the trackers.

    Returns:
        Flat records.

    Raises:
        EvalkitError: See ``Phone``; the phone reads another runtime's format; the outputs of the exported network
            differ too much from torch's; a tracker has no network.
    """
    execution = executions[0]
    device = read(Path(execution.device))
    runtime = _runtime_of(device, executions)
    phone = Phone(device)
    records: list[Cost] = []
    for name in trackers:
        plain, calibrated_on = split_calibration(registry.tracker.find_variant(name)[0], settings)
        named = find_calibration_sequences(calibrated_on, execution.precision)
        tracker = create_tracker(
            name, weights=weights, runtime="torch", precision="fp32", device="cpu", threads=1,
            settings=plain, seed=0,
        )  # fmt: skip
        if not isinstance(tracker, SplitTracker):
            raise EvalkitError("this tracker has no network to time on a phone", where=name)
        part = tracker.parts()[0]
        on_phone = Execution(runtime.name, execution.precision, "cpu", 1)
        network = runtimes.load(part, on_phone, samples=partial(calibration.inputs, tracker, named))
        times = _time_long_enough(phone, network.folder, rules, execution.threads)
        _store(times, device, f"{name}-{execution.precision}")
        records += macs.costs(tracker, name=name)
        template = Cost(name, "", "network", None, "", macs.shapes(part.example), runtime.name, execution.precision)
        template = replace(template, device=_label(device, times), threads=execution.threads)
        records += _latency_costs(template, times, rules)
    return records


def _runtime_of(device: Device, executions: Sequence[Execution]) -> RuntimeEntry:
    runtime = registry.runtime.find(device.runtime)
    asked = [one.runtime for one in executions]
    if asked not in (["torch"], [device.runtime], [runtime.name]):
        raise EvalkitError(
            "the program on this phone reads another runtime's format", where="--runtime", found=", ".join(asked),
            expected=f"{runtime.name}, which {executions[0].device} names",
        )  # fmt: skip
    if not runtime.format:
        raise EvalkitError(
            "the runtime of a phone needs a format of its own", where=executions[0].device, found=runtime.name
        )
    return runtime


def _time_long_enough(phone: Phone, network: Path, rules: latency.Rules, threads: int) -> PhoneTiming:
    """Execute as many queries as the rules require; if that was too short, measure again with more of them."""
    queries = rules.warmup + rules.queries
    times = _time(phone, network, queries, threads)
    total = float(times.seconds.sum())
    if total >= rules.seconds:
        return times
    return _time(phone, network, math.ceil(1.1 * queries * rules.seconds / total), threads)


def _time(phone: Phone, network: Path, queries: int, threads: int) -> PhoneTiming:
    timeout = _TIMEOUT_START + TIMEOUT_PER_QUERY * queries
    return phone.time_network(network, queries=queries, threads=threads, timeout=timeout)


def _store(times: PhoneTiming, device: Device, name: str) -> None:
    """Store the times immediately, so that they are not lost if the phone is unplugged later."""
    safe = re.sub(r"[^\w.-]+", "_", name)
    content = {"seconds": times.seconds.tolist(), "before": times.before, "after": times.after}
    atomic.write_json(config.cache_folder() / "devices" / device.name / f"{safe}.json", content)


def _label(device: Device, times: PhoneTiming) -> str:
    properties = [times.before.get(name, "") for name in ("model", "soc")]
    return f"{device.name} ({', '.join(filter(None, properties))})" if any(properties) else device.name


def _latency_costs(template: Cost, times: PhoneTiming, rules: latency.Rules) -> Iterator[Cost]:
    seconds = times.seconds[rules.warmup :]
    timing = Timing(seconds, seconds)
    template = replace(template, not_counted=_notes(timing, times))
    for rank in latency.PERCENTILES:
        yield replace(template, quantity=f"latency_p{rank}", value=timing.percentile(rank) * 1e3, unit="ms")
    yield replace(template, quantity="fps", value=1.0 / float(seconds.mean()), unit="1/s")
    yield replace(template, quantity="drift", convention="last fifth over first", value=timing.drift, unit="")
    yield replace(template, quantity="queries", convention=rules.name, value=float(len(seconds)), unit="")
    for when, properties in (("before", times.before), ("after", times.after)):
        if (degrees := _temperature(properties)) is not None:
            yield replace(template, quantity="temperature", convention=when, value=degrees, unit="degrees Celsius")


def _notes(timing: Timing, times: PhoneTiming) -> tuple[str, ...]:
    notes = []
    if "governor" in times.before:
        notes.append(f"governor: {times.before['governor']}")
    if timing.drift > latency.DRIFT_ABOVE:
        notes.append(latency.drift_note(timing))
    before, after = _temperature(times.before), _temperature(times.after)
    if before is not None and after is not None and after - before > NOTED_TEMPERATURE_RISE:
        notes.append(f"heat: {before:.0f} to {after:.0f} degrees")
    return tuple(notes)


def _temperature(properties: Mapping[str, Any]) -> float | None:
    try:
        return float(properties["temperature"])
    except (KeyError, ValueError):
        return None
