"""Latency of every LightTrack path in a runtime on this machine, as the sum of a table of parts.

The parts of a network are exported and timed alone, in turn with whole networks of random paths. A line through the
whole networks corrects the sums, and what remains is the error of the table, from networks that the line was not
fitted to. The latency of a path is an upper estimate: its sum on the line, plus the error that 90 % of the networks
do not exceed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit import runtimes
from evalkit.cost.latency import RULES, Query, Rules, Stopwatch, Timing, time_alternately
from evalkit.errors import EvalkitError
from evalkit.results import run_record
from evalkit.search.space import Genes
from evalkit.trackers._lighttrack.architecture import STAGE_STRIDES
from evalkit.trackers._lighttrack.search.costs import CROP, TEMPLATE_CROP
from evalkit.trackers._lighttrack.search.space import (
    BLOCK_CHOICES,
    BLOCKS,
    LightTrackSpace,
    built_blocks,
    output_of,
    path_string,
    tower_genes,
    uniform_genes,
)
from evalkit.types import Execution, NetworkPart

SUBNETS = 12
"""Whole networks that the line is fitted to."""
MAX_ERROR = 0.1
"""Largest error, at the 90th percentile of the whole networks, of a table that can be used."""

_PLACES = tuple((stage, block) for stage, count in enumerate(BLOCKS) for block in range(count))


@dataclass(frozen=True)
class LatencyTable:
    """The latencies of the parts in one execution on one machine.

    Attributes:
        machine: Model of the processor.
        execution: Runtime, precision, device and threads.
        runtime_version: Version of the runtime, if it is known.
        parts: Milliseconds by part; see ``part_names``.
        slope: Factor on the sum of a path's parts.
        intercept: Milliseconds added to it.
        mean_error: Mean of the errors of the whole networks, relative to what was measured.
        error: Their 90th percentile.
        subnets: Milliseconds of the whole networks by path.
    """

    machine: str
    execution: Execution
    runtime_version: str | None
    parts: Mapping[str, float]
    slope: float
    intercept: float
    mean_error: float
    error: float
    subnets: Mapping[str, float] = field(default_factory=dict)

    def estimate(self, genes: Sequence[int]) -> float:
        """Return the expected milliseconds of canonical genes."""
        return self.intercept + self.slope * sum(self.parts[name] for name in part_names(genes))

    def latency(self, genes: Sequence[int]) -> float:
        """Return the upper estimate of the milliseconds of canonical genes."""
        return self.estimate(genes) * (1 + self.error)

    def record(self) -> dict[str, Any]:
        """Return the table as JSON."""
        return asdict(self)

    def identity(self) -> dict[str, Any]:
        """Return what determines the latencies, without the times themselves."""
        return {"machine": self.machine, "runtime_version": self.runtime_version, **asdict(self.execution)}


def table_from_record(record: Mapping[str, Any], *, where: object) -> LatencyTable:
    """Return the table of a JSON file.

    Raises:
        EvalkitError: The file is damaged.
    """
    try:
        table = LatencyTable(**{**record, "execution": Execution(**record["execution"])})
        numbers = (table.slope, table.intercept, table.error, *table.parts.values())
        valid = all(isinstance(one, (int, float)) and np.isfinite(one) for one in numbers)
    except (KeyError, TypeError, AttributeError):
        valid = False
    if not valid:
        raise EvalkitError(
            "this is not a table of latencies", where=where, expected="latency.json of another search's folder",
            hint="Leave out --latency-table to measure a new one",
        )  # fmt: skip
    return table


def check_table(table: LatencyTable, execution: Execution, space: LightTrackSpace, *, where: object) -> None:
    """Check that a table holds on this machine, for an execution, and for a space.

    Raises:
        EvalkitError: It was measured in another execution or on another machine, is too inaccurate, or lacks a part.
    """
    own = {"machine": processor_model(), **asdict(execution)}
    for name, value in own.items():
        found = table.identity()[name]
        if found != value:
            raise EvalkitError(
                f"this table of latencies is of another {name}", where=where, found=found, expected=value,
                hint="Leave out --latency-table to measure a new one",
            )  # fmt: skip
    lacking = sorted(set(_needed_parts(space)) - table.parts.keys())
    if lacking:
        raise EvalkitError(
            f"this table of latencies lacks {len(lacking)} parts of the search space", where=where, found=lacking[0],
            hint="Leave out --latency-table to measure a new one, or choose the same --outputs",
        )  # fmt: skip
    if table.error > MAX_ERROR:
        raise EvalkitError(
            "the sums of this table are too far from the latencies of whole networks", where=where,
            found=f"{table.error:.1%} at the 90th percentile", expected=f"at most {MAX_ERROR:.0%}", exit_code=1,
            hint="Measure again while the machine is not busy",
        )  # fmt: skip


def processor_model() -> str:
    """Return the model of this machine's processor."""
    found = run_record.environment()
    return str(found["processor_model"] or found["processor"])


def part_names(genes: Sequence[int]) -> Iterator[str]:
    """Yield the parts of a network: stem, blocks, neck with correlation, layers of the head."""
    stage, _ = output_of(genes)
    stride = STAGE_STRIDES[stage]
    yield "stem"
    yield f"output {stage}"
    for (block_stage, block), choice in zip(_PLACES[: built_blocks(genes)], genes, strict=False):
        yield f"block {block_stage} {'other' if block else 'first'} {choice}"
    for branch, tower in zip(("cls", "reg"), tower_genes(genes), strict=True):
        yield f"{branch} {stride} {tower[0]}"
        yield f"first {stride} {tower[0]} {tower[2]}"
        for kernel in tower[3 : 3 + tower[1]]:
            yield f"layer {stride} {tower[0]} {kernel}"


def _needed_parts(space: LightTrackSpace) -> Iterator[str]:
    for genes in _covering_genes(space):
        yield from part_names(genes)


def _covering_genes(space: LightTrackSpace) -> Iterator[Genes]:
    """Yield genes that together have every part of the space's networks."""
    for stage in sorted({stage for stage, _ in space.outputs}, reverse=True):
        for choice in range(BLOCK_CHOICES):
            yield space.canonical(uniform_genes(choice, (stage, BLOCKS[stage] - 1)))


def measure_table(
    space: LightTrackSpace, execution: Execution, *, subnets: int = SUBNETS, rules: Rules = RULES["quick"]
) -> LatencyTable:
    """Time the parts of a space's networks, and whole networks, on this machine.

    Args:
        space: Its outputs decide which parts there are; random members of it are the whole networks.
        execution: Runtime, precision, device and threads.
        subnets: Number of whole networks, at least 4.
        rules: How long to measure.

    Raises:
        EvalkitError: The runtime is not installed or does not support the execution.
    """
    parts = {name: runtimes.load(part, execution) for name, part in _parts(space).items()}
    random = np.random.default_rng(0)
    members = list(dict.fromkeys(space.draw(random) for _ in range(subnets)))
    whole = {path_string(genes): runtimes.load(_whole_part(path_string(genes)), execution) for genes in members}
    times = _time_networks({**parts, **whole}, execution, rules)
    sums = np.array([sum(times[name] for name in part_names(genes)) for genes in members])
    measured = np.array([times[path_string(genes)] for genes in members])
    intercept, slope = fit_line(sums, measured)
    errors = left_out_errors(sums, measured)
    return LatencyTable(
        processor_model(), execution, next(iter(parts.values())).runtime.version,
        {name: float(f"{times[name]:.6g}") for name in parts}, slope, intercept, float(errors.mean()),
        float(np.percentile(errors, 90)), {path: float(f"{times[path]:.6g}") for path in whole},
    )  # fmt: skip


def measure_network(path: str, execution: Execution, rules: Rules = RULES["quick"]) -> float:
    """Return the milliseconds of a path's whole network, timed as ``evalkit profile`` does.

    Raises:
        EvalkitError: As ``measure_table``.
    """
    network = runtimes.load(_whole_part(path), execution)
    return _time_networks({path: network}, execution, rules)[path]


def fit_line(sums: NDArray[np.float64], measured: NDArray[np.float64]) -> tuple[float, float]:
    """Return intercept and slope of the line with the least squared relative errors."""
    matrix = np.stack([np.ones_like(sums), sums], axis=1) / measured[:, None]
    (intercept, slope), *_ = np.linalg.lstsq(matrix, np.ones_like(measured), rcond=None)
    return float(intercept), float(slope)


def left_out_errors(sums: NDArray[np.float64], measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative error of each network on a line through the others."""
    errors = []
    for index in range(len(sums)):
        others = np.arange(len(sums)) != index
        intercept, slope = fit_line(sums[others], measured[others])
        errors.append(abs(intercept + slope * sums[index] - measured[index]) / measured[index])
    return np.array(errors)


def _time_networks(
    networks: Mapping[str, runtimes.LoadedNetwork], execution: Execution, rules: Rules
) -> dict[str, float]:
    """Return the milliseconds of each network, all timed in turn."""
    queries = {name: _query(network) for name, network in networks.items()}
    timings, _ = time_alternately(queries, rules)
    return {name: _milliseconds(stages["network"], execution) for name, stages in timings.items()}


def _milliseconds(timing: Timing, execution: Execution) -> float:
    # The CPU time of several threads is not the time until the answer.
    return (timing.work if execution.threads == 1 else timing.percentile(2)) * 1e3


def _query(network: runtimes.LoadedNetwork) -> Query:
    inputs = network.part.example

    def query(watch: Stopwatch) -> None:
        network(*inputs)  # the other networks have used the processor's caches; while it tracks, a network is alone
        watch.start()
        network(*inputs)
        watch.lap("network")

    return query


def _whole_part(path: str) -> NetworkPart:
    """Return the search network of a path's tracker, with random weights."""
    import torch

    from evalkit.trackers._lighttrack.training.subnet_training import initial_network
    from evalkit.trackers._lighttrack.training.validation import as_tracker

    torch.manual_seed(0)
    search: NetworkPart = as_tracker(initial_network(path, momentum=0.1)).parts()[0]
    return search


def _parts(space: LightTrackSpace) -> dict[str, NetworkPart]:
    """Return the parts of the networks of a space as networks of their own, with random weights."""
    import torch

    from evalkit.trackers._lighttrack.training.subnet_training import initial_network

    found: dict[str, NetworkPart] = {}
    for genes in _covering_genes(space):
        torch.manual_seed(0)
        network = initial_network(path_string(genes), momentum=0.1).eval()
        for name, (module, inputs) in _split_network(network, genes).items():
            if name not in found:
                names = tuple(f"input{index}" for index in range(len(inputs)))
                found[name] = NetworkPart(name.replace(" ", "-"), module, inputs, names, ("output",))
    return found


def _split_network(network: Any, genes: Sequence[int]) -> dict[str, tuple[Any, tuple[NDArray[Any], ...]]]:
    """Return the modules of a network by part, each with its inputs."""
    import torch
    from torch import nn

    class Fusion(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.neck, self.fusor = network.neck, network.feature_fusor

        def forward(self, x: torch.Tensor, zf: torch.Tensor) -> torch.Tensor:
            fused: torch.Tensor = self.fusor(self.neck.BN_z(zf), self.neck.BN_x(x))
            return fused

    found: dict[str, tuple[Any, tuple[NDArray[Any], ...]]] = {}

    def add(name: str, module: nn.Module, *inputs: torch.Tensor) -> torch.Tensor:
        found.setdefault(name, (module, tuple(one.numpy() for one in inputs)))
        output: torch.Tensor = module(*inputs)
        return output

    stage, _ = output_of(genes)
    stride = STAGE_STRIDES[stage]
    features, head = network.features, network.head
    with torch.no_grad():
        stem = nn.Sequential(features.conv_stem, features.bn1, nn.SiLU(), features.blocks[0])
        x = add("stem", stem, torch.randn(1, 3, CROP, CROP))
        for (block_stage, block), choice in zip(_PLACES[: built_blocks(genes)], genes, strict=False):
            kind = "other" if block else "first"
            x = add(f"block {block_stage} {kind} {choice}", features.blocks[block_stage + 1][block], x)
        zf = network.template(torch.randn(1, 3, TEMPLATE_CROP, TEMPLATE_CROP))
        fused = add(f"output {stage}", Fusion(), x, zf)
        layers, predictions = (head.cls_tower, head.reg_tower), (head.cls_perd, head.reg_pred)
        for branch, tower, own, prediction in zip(("cls", "reg"), tower_genes(genes), layers, predictions, strict=True):
            y = fused
            for layer, kernel in zip(own, tower[2:], strict=True):
                y = add(f"{'first' if y is fused else 'layer'} {stride} {tower[0]} {kernel}", layer, y)
            add(f"{branch} {stride} {tower[0]}", prediction, y)
    return found
