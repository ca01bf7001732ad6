"""Costs of trackers on a phone: the network alone, as the program on the phone times it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from evalkit import config
from evalkit import runtimes as engines
from evalkit.cost import latency, macs
from evalkit.cost.devices import Device, read
from evalkit.cost.latency import Timing
from evalkit.cost.phone import Phone, Session
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.runtimes import calibration
from evalkit.types import Cost, SplitTracker, Tracker

SECONDS_PER_QUERY = 2.0
"""Patience: a run may take so long per query before it is given up."""
HOT_ABOVE = 5.0
"""Rise of the temperature in degrees from the begin to the end that is worth a note."""


def profile(
    trackers: Sequence[str],
    create: Callable[..., Tracker],
    device: Path,
    *,
    runtimes: Sequence[str] = ("torch",),
    weights: Path | None = None,
    precision: str = "fp32",
    threads: int = 1,
    rules: latency.Rules,
    settings: Mapping[str, str] | None = None,
) -> list[Cost]:
    """Export each tracker's search network, time it on the phone, and count it here.

    The times of each are stored in ``devices/`` of the cache folder as soon as they are there.

    Args:
        runtimes: What was asked for; the default, or the one that the device's file names.

    Raises:
        EvalkitError: See ``Phone``; the export disagrees with torch; the device's runtime has no format.
    """
    described = read(device)
    runtime = engines.find(described.runtime)
    if tuple(runtimes) not in {("torch",), (runtime.name,)}:
        raise EvalkitError(
            "the program on this phone reads another runtime's format", where="--runtime",
            found=", ".join(runtimes), expected=f"{runtime.name}, as {device} says",
        )  # fmt: skip
    if not runtime.format:
        raise EvalkitError("a phone needs a runtime with a format of its own", where=device, found=runtime.name)
    phone = Phone(described)
    records: list[Cost] = []
    for name in trackers:
        tracker = create(
            name, weights=weights, runtime="torch", precision="fp32", device="cpu", threads=1,
            settings=settings or {}, seed=0,
        )  # fmt: skip
        if not isinstance(tracker, SplitTracker):
            raise EvalkitError("this tracker has no network to put on a phone", where=name)
        part = tracker.parts()[0]
        program = engines.load(runtime.name, part, precision=precision, samples=partial(calibration.inputs, tracker))
        session = _measured(phone, program.folder, rules, threads)
        _keep(session, described, f"{name}-{precision}")
        records += macs.costs(tracker, name=name)
        blank = Cost(name, "", "network", None, "", macs.shapes(part.example), runtime.name, precision)
        records += _timed(replace(blank, device=_label(described, session), threads=threads), session, rules)
    return records


def _measured(phone: Phone, network: Path, rules: latency.Rules, threads: int) -> Session:
    """As many queries as the rules ask for; again with more of them if that did not take long enough."""
    queries = rules.warmup + rules.queries
    session = phone.measure(network, queries=queries, threads=threads, seconds=60.0 + SECONDS_PER_QUERY * queries)
    total = float(session.seconds.sum())
    if total >= rules.seconds:
        return session
    queries = math.ceil(1.1 * queries * rules.seconds / total)
    return phone.measure(network, queries=queries, threads=threads, seconds=60.0 + SECONDS_PER_QUERY * queries)


def _keep(session: Session, device: Device, name: str) -> None:
    """Store the times at once, so that a phone that is unplugged later takes nothing with it."""
    safe = re.sub(r"[^\w.-]+", "_", name)
    content = {"seconds": session.seconds.tolist(), "before": session.before, "after": session.after}
    atomic.write_json(config.cache_folder() / "devices" / device.name / f"{safe}.json", content)


def _label(device: Device, session: Session) -> str:
    facts = [session.before.get(name, "") for name in ("model", "soc")]
    return f"{device.name} ({', '.join(filter(None, facts))})" if any(facts) else device.name


def _timed(blank: Cost, session: Session, rules: latency.Rules) -> Iterator[Cost]:
    seconds = session.seconds[rules.warmup :]
    timing = Timing(seconds, seconds)
    blank = replace(blank, not_counted=_notes(timing, session))
    for rank in latency.PERCENTILES:
        yield replace(blank, quantity=f"latency_p{rank}", value=timing.percentile(rank) * 1e3, unit="ms")
    yield replace(blank, quantity="fps", value=1.0 / float(seconds.mean()), unit="1/s")
    yield replace(blank, quantity="drift", convention="last fifth over first", value=timing.drift, unit="")
    yield replace(blank, quantity="queries", convention=rules.name, value=float(len(seconds)), unit="")
    yield from _temperatures(blank, session)


def _temperatures(blank: Cost, session: Session) -> Iterator[Cost]:
    for when, facts in (("before", session.before), ("after", session.after)):
        if _degrees(facts) is not None:
            yield replace(blank, quantity="temperature", convention=when, value=_degrees(facts), unit="degrees Celsius")


def _notes(timing: Timing, session: Session) -> tuple[str, ...]:
    notes = []
    if "governor" in session.before:
        notes.append(f"governor: {session.before['governor']}")
    if timing.drift > latency.DRIFT_ABOVE:
        notes.append(f"drift: the last fifth took {timing.drift:.0%} longer than the first")
    before, after = _degrees(session.before), _degrees(session.after)
    if before is not None and after is not None and after - before > HOT_ABOVE:
        notes.append(f"heat: {before:.0f} to {after:.0f} degrees")
    return tuple(notes)


def _degrees(facts: Mapping[str, Any]) -> float | None:
    try:
        return float(facts["temperature"])
    except (KeyError, ValueError):
        return None
