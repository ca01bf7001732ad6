"""Time networks apart from a tracker, in every runtime that executes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from evalkit import registry, runtimes
from evalkit.cost import latency, macs, onnx_file, reference
from evalkit.cost.latency import Stopwatch, Timing
from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.runtimes import Arrays, Execute, create_adapter, find_runtime, onnx_export, parity
from evalkit.types import BareNetwork, Cost, Execution, NetworkPart


@dataclass(frozen=True, eq=False)
class _StartedCase:
    """One network in one runtime.

    Attributes:
        cost: A record with the conditions filled in.
        execute: Executes the network.
        inputs: What it is executed with.
        difference: Largest difference of an output from torch's in fp32, for an ONNX file from ONNX Runtime's, over the
            largest value.
    """

    cost: Cost
    execute: Execute
    inputs: Arrays
    difference: float

    def __call__(self, watch: Stopwatch) -> None:
        """Execute the network once and record its time."""
        watch.start()
        self.execute(*self.inputs)
        watch.lap("network")


def bare_network_costs(
    name: str, network: BareNetwork, executions: Sequence[Execution], rules: latency.Rules, *, tolerant: bool
) -> Iterator[Cost]:
    """Count networks that belong to no tracker, and time them.

    Args:
        name: Name in the records.
        network: The networks.
        executions: How they are executed.
        rules: How long to measure.
        tolerant: Whether a runtime that cannot execute a network is a record with the reason, not an error.

    Raises:
        EvalkitError: A runtime cannot execute a network and ``tolerant`` is False.
    """
    if network.file is not None:
        (part,) = network.parts
        yield from _file_costs(name, network.file, part, executions, rules, tolerant=tolerant)
        return
    for part in network.parts:
        counted = macs.count(part.module, part.example)
        yield from macs.count_costs(counted, name=name)
        yield Cost(name, "parameters", "distinct", counted.parameters, "parameters")
    yield from network_latency_costs(name, network.parts, executions, rules, tolerant=tolerant)


def network_latency_costs(
    name: str, parts: Sequence[NetworkPart], executions: Sequence[Execution], rules: latency.Rules,
    *, tolerant: bool, samples: Mapping[str, Sequence[Arrays]] | None = None,
) -> Iterator[Cost]:  # fmt: skip
    """Time networks; see ``bare_network_costs`` for the arguments and errors.

    Args:
        samples: Inputs of networks by their names, to calibrate int8.
    """
    started = []
    for part in parts:
        stage = "network" if len(parts) == 1 else part.name
        inputs = (samples or {}).get(part.name, ())
        for execution in executions:
            template = _template(name, stage, part, execution)
            try:
                network = runtimes.load(part, execution, samples=partial(tuple, inputs))
            except EvalkitError as error:
                if not tolerant:
                    raise
                yield _refusal(template, error)
                continue
            worst = max(network.differences.values(), default=0.0)
            started.append(_StartedCase(template, network, part.example, worst))
    yield from _timed_costs(started, rules)


def _file_costs(
    name: str, file: Path, part: NetworkPart, executions: Sequence[Execution], rules: latency.Rules, *, tolerant: bool
) -> Iterator[Cost]:
    """Count an ONNX file and time it in the runtimes that read ONNX."""
    counted = onnx_file.count_operations(file, part)
    yield from macs.count_costs(counted, name=name, conventions=onnx_file.CONVENTIONS)
    yield Cost(name, "parameters", "distinct", counted.parameters, "parameters")
    started: list[_StartedCase] = []
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        onnx_file.copy_network(file, folder / onnx_export.FILE)
        expected = _start_file(part, folder, Execution("onnxruntime"))(*part.example)
        for execution in _readers_of_onnx(executions):
            template = _template(name, "network", part, execution)
            try:
                execute = _start_file(part, folder, execution)
                worst = max(parity.differences(execute(*part.example), expected), default=0.0)
            except Exception as error:  # an engine may not know an operator
                if not tolerant:
                    raise EvalkitError(str(error), where=execution.runtime, exit_code=1) from error
                yield _refusal(template, error)
                continue
            started.append(_StartedCase(template, execute, part.example, worst))
        yield from _timed_costs(started, rules)


def _readers_of_onnx(executions: Sequence[Execution]) -> list[Execution]:
    """Return the executions by runtimes that read ONNX files; ``torch``, the default, stands for ONNX Runtime.

    Raises:
        EvalkitError: Another runtime was chosen.
    """
    if [one.runtime for one in executions] == ["torch"]:
        return [replace(executions[0], runtime="onnxruntime")]
    chosen = [one for one in executions if registry.runtime.find(one.runtime).format == "onnx"]
    if not chosen:
        readers = [one.name for one in registry.runtime.entries() if one.format == "onnx"]
        raise EvalkitError(
            "this runtime does not read ONNX files", where="--runtime", found=executions[0].runtime,
            expected=", ".join(readers),
        )  # fmt: skip
    return chosen


def _start_file(part: NetworkPart, folder: Path, execution: Execution) -> Execute:
    execute: Execute = create_adapter(find_runtime(execution)).start(part, folder, execution)
    return execute


def _template(name: str, stage: str, part: NetworkPart, execution: Execution) -> Cost:
    """Return a record without value, with the conditions filled in."""
    conditions = {**asdict(execution), "runtime": registry.runtime.find(execution.runtime).name}
    return Cost(name, "", stage, None, "", macs.shapes(part.example), **conditions)


def _refusal(template: Cost, error: Exception) -> Cost:
    return replace(template, quantity="latency_p50", unit="ms", not_counted=(str(error),))


def _timed_costs(cases: Sequence[_StartedCase], rules: latency.Rules) -> Iterator[Cost]:
    """Time all cases alternately."""
    if not cases:
        return
    queries = {str(number): case for number, case in enumerate(cases)}
    waiting = latency.synchronizers({key: case.cost.device for key, case in queries.items()})
    timings, reference_timing = latency.time_alternately(queries, rules, synchronize=waiting)
    by_torch = {
        (case.cost.convention, case.cost.input): timings[key]["network"]
        for key, case in queries.items()
        if (case.cost.runtime, case.cost.precision) == ("torch", "fp32")
    }
    for key, case in queries.items():
        timing = timings[key]["network"]
        notes = latency.timing_notes(timing, reference_timing, threads=case.cost.threads, device=case.cost.device)
        torch = by_torch.get((case.cost.convention, case.cost.input))
        yield from stage_costs(case.cost, timing, reference_timing, notes=notes, torch=torch, rate=True)
        if (case.cost.runtime, case.cost.precision) != ("torch", "fp32"):
            how = "max difference over max"
            yield replace(case.cost, quantity="parity", convention=how, value=case.difference, unit="")


def stage_costs(
    template: Cost, timing: Timing, reference_timing: Timing, *, notes: tuple[str, ...], torch: Timing | None,
    rate: bool,
) -> Iterator[Cost]:  # fmt: skip
    """Yield the percentiles, the CPU time and its ratios of one stage.

    Args:
        template: A record with the conditions and the stage filled in.
        timing: Times of the stage.
        reference_timing: Times of the reference workload.
        notes: Remarks on wall times.
        torch: Times of the same stage in torch; None where there are none.
        rate: Whether frames per second are also given.
    """
    for rank in latency.PERCENTILES:
        value = timing.percentile(rank) * 1e3
        yield replace(template, quantity=f"latency_p{rank}", value=value, unit="ms", not_counted=notes)
    yield replace(template, quantity="cpu_time", value=timing.work * 1e3, unit="ms")
    ratio = timing.work / reference_timing.work
    yield replace(template, quantity="cpu_ratio", value=ratio, unit=f"reference-{reference.VERSION}")
    if torch is not None:
        yield replace(template, quantity="cpu_speedup", value=torch.work / timing.work, unit="torch")
    if rate:
        value = 1.0 / float(timing.wall.mean())
        yield replace(template, quantity="fps", value=value, unit="1/s", not_counted=notes)
