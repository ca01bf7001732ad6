"""A suite: which trackers run on which sequences, and how much worse they may become.

A TOML file::

    baseline = "mine.json"            # beside the suite by default: <suite>.json

    [gates]                           # what is left out has these values
    exact = true                      # the same boxes to the last bit, where the environment is the same
    cost = true                       # the same MACs and parameters
    weights = true                    # the same checkpoint
    latency = 0.05                    # CPU time beside the baseline's code; false for none
    accuracy = {auc = 0.005}          # margins; the benchmark's leading metric at 0.005 by default, {} for none

    [[tracker]]
    name = "lighttrack-m"             # or "path/to/file.py:Class", seen from the suite
    weights = "lighttrack_m.pth"      # seen from the suite; looked up as usual if left out
    sha256 = "6916a3a4..."            # at least 8 digits of it
    runtimes = ["torch", "onnxruntime"]
    settings = {penalty_k = 0.007}    # also: label, precision, device, threads, seed

    [[dataset]]
    name = "synthetic"
    sequences = ["scale", "blur"]     # all by default; also: protocol, profile, data
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.engine.work import default_label
from evalkit.errors import EvalkitError
from evalkit.io.toml import StrictTable, load_table

EXAMPLE = 'A suite is a TOML file with [[tracker]] and [[dataset]] tables, each with a name, e.g. name = "mosse"'
LATENCY_MARGIN = 0.05
LATENCY_MARGIN_RECORDED = 0.3
LATENCY_MARGIN_ELSEWHERE = 0.5


@dataclass(frozen=True)
class LatencyGate:
    """How much slower a tracker may become, as a fraction.

    Attributes:
        margin: Beside the code that the baseline was made with.
        recorded: Where that is not at hand: of the ratio to the reference workload, which the baseline keeps.
        elsewhere: The same on another processor than the baseline's, where that ratio is only roughly the same.
        wall: Also of wall-clock time on the same processor; for machines that do nothing else. None: not gated.
    """

    margin: float = LATENCY_MARGIN
    recorded: float = LATENCY_MARGIN_RECORDED
    elsewhere: float = LATENCY_MARGIN_ELSEWHERE
    wall: float | None = None


@dataclass(frozen=True)
class Gates:
    """Which gates apply.

    Attributes:
        accuracy: Margin by metric, in the metric's unit; None for the benchmark's leading one.
    """

    exact: bool = True
    cost: bool = True
    weights: bool = True
    latency: LatencyGate | None = LatencyGate()
    accuracy: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Candidate:
    """One tracker under one runtime."""

    name: str
    label: str
    weights: Path | None = None
    sha256: str | None = None
    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """Sequences of one dataset; None stands for what the dataset says."""

    name: str
    sequences: tuple[str, ...] | None = None
    protocol: str | None = None
    profile: str | None = None
    data: Path | None = None


@dataclass(frozen=True)
class Suite:
    """See the module."""

    path: Path
    baseline: Path
    gates: Gates
    candidates: tuple[Candidate, ...]
    benchmarks: tuple[Benchmark, ...]

    @property
    def name(self) -> str:
        return self.path.stem


def load(path: Path) -> Suite:
    """Read a suite.

    Raises:
        EvalkitError: It is missing, not TOML, or holds something that is not understood; the key is named.
    """
    table = load_table(path, missing="there is no such suite", hint=EXAMPLE)
    home = path.parent
    suite = Suite(
        path=path,
        baseline=home / table.get("baseline", str, path.with_suffix(".json").name),
        gates=_gates(table.table("gates")),
        candidates=tuple(one for entry in table.tables("tracker") for one in _candidates(entry, home)),
        benchmarks=tuple(_benchmark(entry, home) for entry in table.tables("dataset")),
    )
    table.reject_unknown_keys()
    _check_unique([one.label for one in suite.candidates], "tracker", "Give each a label of its own", path)
    _check_unique([one.name for one in suite.benchmarks], "dataset", "Name all its sequences in one", path)
    return suite


def _gates(table: StrictTable) -> Gates:
    gates = Gates(
        exact=table.get("exact", bool, True),
        cost=table.get("cost", bool, True),
        weights=table.get("weights", bool, True),
        latency=_latency(table),
        accuracy=table.table("accuracy").all_numbers() if table.has("accuracy") else None,
    )
    table.reject_unknown_keys()
    return gates


def _latency(table: StrictTable) -> LatencyGate | None:
    if table.has("latency", bool):
        return LatencyGate() if table.get("latency", bool) else None
    if not table.has("latency", dict):
        margin = table.number("latency", LATENCY_MARGIN)
        return LatencyGate(margin, max(margin, LATENCY_MARGIN_RECORDED), max(margin, LATENCY_MARGIN_ELSEWHERE))
    inner = table.table("latency")
    gate = LatencyGate(
        margin=inner.number("margin", LATENCY_MARGIN),
        recorded=inner.number("recorded", LATENCY_MARGIN_RECORDED),
        elsewhere=inner.number("elsewhere", LATENCY_MARGIN_ELSEWHERE),
        wall=inner.number("wall") if inner.has("wall") else None,
    )
    inner.reject_unknown_keys()
    return gate


def _candidates(table: StrictTable, home: Path) -> list[Candidate]:
    name = _located(table.require("name", str), home)
    label = table.get("label", str)
    weights = table.get("weights", str)
    precision = table.get("precision", str, "fp32")
    sha256 = table.get("sha256", str)
    if sha256 is not None and len(sha256) < 8:
        raise EvalkitError("sha256 needs at least 8 digits", where=home, found=sha256)
    runtimes = table.names("runtimes") or ("torch",)
    settings = table.get("settings", dict, {})
    shared = {
        "weights": None if weights is None else home / weights,
        "sha256": None if sha256 is None else sha256.lower(),
        "device": table.get("device", str, "cpu"),
        "threads": table.get("threads", int, 1),
        "seed": table.get("seed", int, 0),
        "settings": {key: str(value) for key, value in settings.items()},
    }
    table.reject_unknown_keys()
    return [
        Candidate(
            name, _label(label, name, runtime, precision, alone=len(runtimes) == 1), runtime=runtime,
            precision=precision, **shared,
        )
        for runtime in runtimes
    ]  # fmt: skip


def _label(label: str | None, name: str, runtime: str, precision: str, *, alone: bool) -> str:
    if label is None:
        return default_label(name, runtime, precision)
    return label if alone else f"{label}@{runtime}"


def _located(name: str, home: Path) -> str:
    """A file's path as seen from here, where the name is a file's as seen from the suite."""
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        return f"{home / path}:{attribute}"
    return name


def _benchmark(table: StrictTable, home: Path) -> Benchmark:
    data = table.get("data", str)
    benchmark = Benchmark(
        name=table.require("name", str),
        sequences=table.names("sequences"),
        protocol=table.get("protocol", str),
        profile=table.get("profile", str),
        data=None if data is None else home / data,
    )
    table.reject_unknown_keys()
    return benchmark


def _check_unique(names: Sequence[str], kind: str, hint: str, path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EvalkitError(f"two [[{kind}]] are called {twice[0]!r}", where=path, hint=hint)
