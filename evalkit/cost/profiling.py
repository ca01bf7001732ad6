"""Costs of trackers: operations, parameters, time by stage, memory, each with the conditions it was measured under."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from evalkit import progress, registry
from evalkit.cost import devices, latency, macs, memory, phone_profile, reference
from evalkit.cost.latency import Timing
from evalkit.cost.network_calls import observe_networks
from evalkit.cost.network_latency import bare_network_costs, network_latency_costs, stage_costs
from evalkit.cost.staged_tracker import StagedTracker, Video
from evalkit.cost.update_costs import update_costs
from evalkit.errors import EvalkitError
from evalkit.factories import create_tracker_or_network
from evalkit.runtimes import create_adapter, find_runtime, parity
from evalkit.runtimes.availability import first_start_notice
from evalkit.types import BareNetwork, Cost, Execution, SplitTracker, Tracker

ALL = "all"
"""Stands for every runtime that supports an execution here; the others are listed with the reason."""


@dataclass(frozen=True, eq=False)
class _Case:
    """One tracker in one execution.

    Attributes:
        execution: The execution that was requested.
        staged: The tracker.
        cost: A record with the conditions filled in, as a template for others.
    """

    execution: Execution
    staged: StagedTracker
    cost: Cost


def profile_trackers(
    trackers: Sequence[str],
    executions: Sequence[Execution] = (Execution(),),
    *,
    weights: Path | None = None,
    rules: str = "quick",
    settings: Mapping[str, str] | None = None,
) -> list[Cost]:
    """Count and time trackers. All executions of a tracker are timed alternately, so that they are comparable.

    Args:
        trackers: Names of trackers, or of networks (``network:``). A tracker without a network is timed once. The
            networks of a tracker that executes them itself are also timed apart from it, in every runtime.
        executions: How the networks are executed. The runtime can be ``all``; the device can be the file of a phone,
            see ``evalkit.cost.devices``, for a single execution.
        weights: Checkpoint, or a folder of them.
        rules: ``quick``, or ``mobile`` for at least 1,024 queries and 60 s.
        settings: Settings of the trackers.

    Returns:
        Flat records. Wall times, and numbers derived from them, carry a note that begins with ``invalid`` where the
        machine was busy; CPU times and their ratios are valid nevertheless.

    Raises:
        EvalkitError: A tracker or runtime does not exist, is not installed, or its outputs differ too much from
            torch's.
    """
    if rules not in latency.RULES:
        raise EvalkitError("no such rules", where="--rules", found=rules, expected=", ".join(latency.RULES))
    chosen = latency.RULES[rules]
    if any(devices.is_device_file(one.device) for one in executions):
        return phone_profile.profile_on_phone(trackers, executions, weights=weights, rules=chosen, settings=settings)
    supported, refused = _split_by_support(executions)
    if (notice := first_start_notice(supported)) is not None:
        progress.announce(notice)
    build = partial(create_tracker_or_network, weights=weights, settings=settings or {}, seed=0)
    tolerant = any(one.runtime == ALL for one in executions)
    records: list[Cost] = []
    for name in trackers:
        not_supported = [replace(cost, tracker=name) for cost in refused]
        records += _costs_of(name, build, supported, not_supported, chosen, tolerant=tolerant)
    return records


def _costs_of(
    name: str, build: Callable[..., Any], executions: Sequence[Execution], refused: Sequence[Cost],
    rules: latency.Rules, *, tolerant: bool,
) -> Iterator[Cost]:  # fmt: skip
    """Yield the costs of one tracker or network; ``refused`` names the runtimes that do not support it."""
    progress.tell(f"{name}: loading it into {executions[0].runtime}")
    built = build(name, **asdict(executions[0]))
    if isinstance(built, BareNetwork):
        yield from bare_network_costs(name, built, executions, rules, tolerant=tolerant)
        yield from refused
        return
    cases = _build_cases(name, built, build, executions)
    if isinstance(built, SplitTracker):
        progress.tell(f"{name}: counting operations")
        yield from macs.costs(built, name=name)
        yield from refused
        yield from _measured_costs(cases, rules)
        return
    yield from update_costs(built, name=name)
    yield from _measured_costs(cases, rules)
    yield from _network_costs(name, built, executions, refused, rules, tolerant=tolerant)


def _network_costs(
    name: str, tracker: Tracker, executions: Sequence[Execution], refused: Sequence[Cost], rules: latency.Rules,
    *, tolerant: bool,
) -> Iterator[Cost]:  # fmt: skip
    """Yield the times of the networks that a tracker executes itself, apart from the tracker."""
    used = observe_networks(tracker)
    if used is None:
        return
    yield from network_latency_costs(name, used.search, executions, rules, tolerant=tolerant, samples=used.samples)
    yield from refused
    for reason in used.not_executable:
        yield Cost(name, "latency_p50", "network", None, "ms", not_counted=(reason,))


def _split_by_support(executions: Sequence[Execution]) -> tuple[list[Execution], list[Cost]]:
    """Return the executions to measure and, for ``all``, a record with the reason for each unsupported runtime.

    Raises:
        EvalkitError: A runtime that was asked for by name does not support the execution, or no runtime at all does.
    """
    supported: list[Execution] = []
    refused: list[Cost] = []
    for execution in executions:
        if execution.runtime != ALL:
            progress.tell(f"loading {execution.runtime}")
            create_adapter(find_runtime(execution))
            supported.append(execution)
            continue
        for runtime in progress.each(registry.runtime.entries(), lambda runtime: f"looking for {runtime.name}"):
            one = replace(execution, runtime=runtime.name)
            try:
                create_adapter(find_runtime(one))
                supported.append(one)
            except EvalkitError as error:
                refused.append(_refusal(one, error))
    if not supported:
        raise EvalkitError("no runtime supports this here", where=f"--runtime {ALL}", found=refused[0].not_counted[0])
    return list(dict.fromkeys(supported)), refused


def _refusal(execution: Execution, error: EvalkitError) -> Cost:
    template = _template("", execution)
    return replace(template, quantity="latency_p50", convention="network", unit="ms", not_counted=(str(error),))


def _template(tracker: str, execution: Execution) -> Cost:
    """Return a record without value, with the conditions filled in."""
    name = registry.runtime.find(execution.runtime).name
    return Cost(tracker, "", "", None, "", "", **{**asdict(execution), "runtime": name})


def _build_cases(name: str, first: Tracker, build: Callable[..., Any], executions: Sequence[Execution]) -> list[_Case]:
    """Build a tracker once for each execution; ``first`` is built for the first of them already."""
    video = Video()
    cases = []
    numbered = list(enumerate(executions))
    for number, execution in progress.each(numbered, lambda one: f"{name}: loading it into {one[1].runtime}"):
        tracker = first if number == 0 else build(name, **asdict(execution))
        staged = StagedTracker(tracker, video)
        template = replace(_template(name, execution), input=video.size)
        if not isinstance(tracker, SplitTracker):
            return [_Case(execution, staged, replace(template, runtime="", precision="", device="cpu"))]
        cases.append(_Case(execution, staged, template))
    return cases


def _measured_costs(cases: Sequence[_Case], rules: latency.Rules) -> Iterator[Cost]:
    for case in progress.each(
        cases, lambda case: f"{case.cost.tracker}: comparing {case.execution.runtime} with torch"
    ):
        yield from _parity_costs(case)
    memory.reset_peak()
    queries = {_key(case): case.staged for case in cases}
    alternately = f" {len(cases)} runtimes alternately" if len(cases) > 1 else ""
    waiting = latency.synchronizers({_key(case): case.cost.device for case in cases})
    timings, reference_timing = latency.time_alternately(
        queries, rules, synchronize=waiting, text=f"{cases[0].cost.tracker}: timing{alternately}"
    )
    peak = memory.peak()
    torch = next((timings[_key(case)] for case in cases if case.cost.runtime == "torch"), None)
    for case in cases:
        yield from _time_costs(case, timings[_key(case)], reference_timing, torch)
        yield from _condition_costs(case, timings[_key(case)], rules)
        yield replace(
            case.cost, quantity="memory_peak", convention=f"process, {len(cases)} runtime(s)", value=peak, unit="MiB"
        )
    yield replace(
        cases[0].cost, quantity="cpu_time", convention=f"reference-{reference.VERSION}",
        value=reference_timing.work * 1e3, unit="ms", runtime="", precision="", input="", threads=1,
    )  # fmt: skip


def _key(case: _Case) -> str:
    return "/".join(map(str, asdict(case.execution).values()))


def _parity_costs(case: _Case) -> Iterator[Cost]:
    """Yield the difference of the network's outputs from torch's in fp32, on inputs that occur in tracking."""
    tracker = case.staged.tracker
    if not isinstance(tracker, SplitTracker) or (case.cost.runtime, case.cost.precision) == ("torch", "fp32"):
        return
    part = tracker.parts()[0]
    shapes = [value.shape for value in part.example]
    inputs = [row for row in case.staged.network_inputs(3) if [value.shape for value in row] == shapes]
    found = parity.largest_differences(
        tracker.network, parity.reference(part), inputs or [parity.random_inputs(part.example)]
    )
    yield replace(case.cost, quantity="parity", convention="max difference over max", value=max(found), unit="")


def _time_costs(
    case: _Case, stages: Mapping[str, Timing], reference_timing: Timing, torch: Mapping[str, Timing] | None
) -> Iterator[Cost]:
    whole = latency.total(list(stages.values()))
    notes = latency.timing_notes(whole, reference_timing, threads=case.cost.threads, device=case.cost.device)
    for name, timing in _with_totals(case, stages).items():
        yield from stage_costs(
            replace(case.cost, convention=name), timing, reference_timing, notes=notes,
            torch=torch["network"] if torch is not None and name == "network" else None,
            rate=name in ("network", "tracking", "end-to-end"),
        )  # fmt: skip


def _with_totals(case: _Case, stages: Mapping[str, Timing]) -> dict[str, Timing]:
    """Return the stages, ``tracking`` (all but decoding, which is what a run times) and ``end-to-end`` (all)."""
    tracking = [stages[name] for name in case.staged.stages if name != "decode"]
    return {**stages, "tracking": latency.total(tracking), "end-to-end": latency.total([stages["decode"], *tracking])}


def _condition_costs(case: _Case, stages: Mapping[str, Timing], rules: latency.Rules) -> Iterator[Cost]:
    whole = latency.total(list(stages.values()))
    yield replace(case.cost, quantity="cpu_per_wall", convention="end-to-end", value=whole.cpu_per_wall, unit="")
    yield replace(case.cost, quantity="drift", convention="last fifth over first", value=whole.drift, unit="")
    yield replace(case.cost, quantity="queries", convention=rules.name, value=float(len(whole.wall)), unit="")
