"""What trackers cost: operations, parameters, time by stage, memory; each number with its circumstances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from evalkit import runtimes as engines
from evalkit.cost import devices, latency, macs, memory, phone_profile, reference
from evalkit.cost.latency import Timing
from evalkit.cost.stages import Video, Walk
from evalkit.errors import EvalkitError
from evalkit.runtimes import parity
from evalkit.types import Cost, SplitTracker, Tracker

ALL = "all"
"""Instead of a runtime's name: every one that is installed and can do what is asked; the others with the reason."""


@dataclass(frozen=True, eq=False)
class _Case:
    """One tracker under one runtime.

    Attributes:
        cost: A record with the circumstances filled in.
    """

    walk: Walk
    cost: Cost


def profile(
    trackers: Sequence[str],
    create: Callable[..., Tracker],
    *,
    weights: Path | None = None,
    runtimes: Sequence[str] = ("torch",),
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    rules: str = "quick",
    settings: Mapping[str, str] | None = None,
) -> list[Cost]:
    """Count and time trackers, all runtimes of one in turn so that they compare.

    Args:
        trackers: Names.
        create: Builds a tracker from its name and keyword arguments; ``factories.create_tracker``.
        runtimes: Names, or ``("all",)``. A tracker without a network is timed once.
        device: ``cpu``, ``cuda:0``, ..., or the file of another device (see ``devices``).
        rules: ``quick``, or ``mobile`` for at least 1,024 queries and 60 s.

    Returns:
        Flat records. Wall times and what follows from them carry a line beginning with ``invalid`` where the machine
        was busy; CPU times and their ratios hold all the same.

    Raises:
        EvalkitError: A tracker or runtime is unknown, missing, or disagrees with torch.
    """
    if rules not in latency.RULES:
        raise EvalkitError("no such rules", where="--rules", found=rules, expected=", ".join(latency.RULES))
    if devices.is_device_file(device):
        return phone_profile.profile(
            trackers, create, Path(device), runtimes=runtimes, weights=weights, precision=precision, threads=threads,
            rules=latency.RULES[rules], settings=settings,
        )  # fmt: skip
    chosen, refused = _runtimes(runtimes, precision=precision, device=device, threads=threads)
    build = partial(
        create, weights=weights, precision=precision, device=device, threads=threads, settings=settings or {}, seed=0
    )
    records: list[Cost] = []
    for name in trackers:
        cases = _cases(name, build, chosen, Cost(name, "", "", None, "", "", "", precision, device, threads))
        first = cases[0].walk.tracker
        if isinstance(first, SplitTracker):
            records += macs.costs(first, name=name)
            records += [replace(cost, tracker=name) for cost in refused]
        records += _measured(cases, latency.RULES[rules])
    return records


def _runtimes(asked: Sequence[str], **wanted: Any) -> tuple[list[str], list[Cost]]:
    """The runtimes to use; and of ``all``, a record with the reason for each that cannot be."""
    if tuple(asked) != (ALL,):
        for name in asked:
            engines.demand(name, **wanted).adapter()
        return list(asked), []
    usable, refused = [], []
    for runtime in engines.listing():
        try:
            engines.demand(runtime.name, **wanted).adapter()
            usable.append(runtime.name)
        except EvalkitError as error:
            refused.append(
                Cost("", "latency_p50", "network", None, "ms", "", runtime.name, not_counted=(str(error),), **wanted)
            )
    return usable, refused


def _cases(name: str, build: Callable[..., Tracker], runtimes: Sequence[str], circumstances: Cost) -> list[_Case]:
    video = Video()
    cases = []
    for runtime in runtimes:
        tracker = build(name, runtime=runtime)
        walk = Walk(tracker, video)
        if not isinstance(tracker, SplitTracker):
            return [_Case(walk, replace(circumstances, input=video.size, precision="", device="cpu"))]
        cases.append(_Case(walk, replace(circumstances, runtime=runtime, input=video.size)))
    return cases


def _measured(cases: Sequence[_Case], rules: latency.Rules) -> Iterator[Cost]:
    yield from (record for case in cases for record in _parity(case))
    memory.restart()
    synchronize = _synchronizers(cases)
    queries = {case.cost.runtime: case.walk for case in cases}
    timings, own = latency.measure(queries, rules, synchronize=synchronize)
    peak = memory.peak()
    for case in cases:
        yield from _timed(case, timings[case.cost.runtime], own, timings.get("torch"), rules)
        yield replace(
            case.cost, quantity="memory_peak", convention=f"process, {len(cases)} runtime(s)", value=peak, unit="MiB"
        )
    yield replace(
        cases[0].cost, quantity="cpu_time", convention=f"reference-{reference.VERSION}",
        value=own.work * 1e3, unit="ms", runtime="", precision="", input="", threads=1,
    )  # fmt: skip


def _parity(case: _Case) -> Iterator[Cost]:
    """How far the network's outputs are from torch's in fp32, on what the tracker really feeds it."""
    tracker = case.walk.tracker
    if not isinstance(tracker, SplitTracker) or (case.cost.runtime == "torch" and case.cost.precision == "fp32"):
        return
    from evalkit.runtimes._torch import reference as in_torch

    part = tracker.parts()[0]
    probes = [inputs for inputs in case.walk.inputs(3) if [i.shape for i in inputs] == [e.shape for e in part.example]]
    found = parity.compare(tracker.network, in_torch(part), probes or [parity.probe(part.example)])
    yield replace(case.cost, quantity="parity", convention="max difference over max", value=max(found), unit="")


def _timed(
    case: _Case, stages: dict[str, Timing], own: Timing, torch: dict[str, Timing] | None, rules: latency.Rules
) -> Iterator[Cost]:
    flags = latency.complaints(
        latency.total(list(stages.values())), own, threads=case.cost.threads, device=case.cost.device
    )
    for name, timing in _combined(case, stages).items():
        wall = replace(case.cost, convention=name, not_counted=flags)
        work = replace(case.cost, convention=name)
        for rank in latency.PERCENTILES:
            yield replace(wall, quantity=f"latency_p{rank}", value=timing.percentile(rank) * 1e3, unit="ms")
        yield replace(work, quantity="cpu_time", value=timing.work * 1e3, unit="ms")
        yield replace(work, quantity="cpu_ratio", value=timing.work / own.work, unit=f"reference-{reference.VERSION}")
        if torch is not None and name == "network":
            yield replace(work, quantity="cpu_speedup", value=torch["network"].work / timing.work, unit="torch")
        if name in ("network", "tracking", "end-to-end"):
            yield replace(wall, quantity="fps", value=1.0 / float(timing.wall.mean()), unit="1/s")
    yield from _circumstances(case, stages, rules)


def _combined(case: _Case, stages: dict[str, Timing]) -> dict[str, Timing]:
    """The stages, all but decoding together (what a run's clock covers), and all together."""
    tracking = [stages[name] for name in case.walk.stages if name != "decode"]
    return {**stages, "tracking": latency.total(tracking), "end-to-end": latency.total([stages["decode"], *tracking])}


def _circumstances(case: _Case, stages: dict[str, Timing], rules: latency.Rules) -> Iterator[Cost]:
    whole = latency.total(list(stages.values()))
    yield replace(case.cost, quantity="cpu_per_wall", convention="end-to-end", value=whole.cpu_per_wall, unit="")
    yield replace(case.cost, quantity="drift", convention="last fifth over first", value=whole.drift, unit="")
    yield replace(case.cost, quantity="queries", convention=rules.name, value=float(len(whole.wall)), unit="")


def _synchronizers(cases: Sequence[_Case]) -> dict[str, Callable[[], None]]:
    on_cuda = [case.cost for case in cases if case.cost.device.startswith("cuda")]
    if not on_cuda:
        return {}
    import torch

    return {cost.runtime: partial(torch.cuda.synchronize, cost.device) for cost in on_cuda}
