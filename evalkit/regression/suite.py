"""The suite of the regression gate: which trackers run on which sequences, and how much worse each may become.

A suite is a TOML file::

    baseline = "mine.json"            # relative to the suite; by default <suite>.json

    [gates]                           # a gate that is left out has these values
    exact = true                      # boxes are equal to the last bit, where the environment is the same
    cost = true                       # MACs and parameters are equal
    weights = true                    # the checkpoint is the same
    latency = 0.05                    # allowed relative increase of CPU time; false for none
    accuracy = {auc = 0.005}          # allowed loss by metric; by default 0.005 of the leading metric; {} for none

    [[tracker]]
    name = "lighttrack-m"             # or "path/to/file.py:Class", relative to the suite
    weights = "lighttrack_m.pth"      # relative to the suite; if left out, searched as by `evalkit run`
    sha256 = "6916a3a4..."            # hash of the checkpoint, at least 8 digits
    runtimes = ["torch", "onnxruntime"]
    settings = {penalty_k = 0.007}    # further keys: label, precision, device, threads, seed

    [[dataset]]
    name = "synthetic"                # or "path/to/file.py:factory", as well as protocol, profile and runtimes
    sequences = ["scale", "blur"]     # by default all; further keys: protocol, profile, data
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit import registry
from evalkit.engine.default_label import default_label
from evalkit.errors import EvalkitError
from evalkit.io.toml import StrictTable, load_table
from evalkit.types import Execution

LATENCY_MARGIN = 0.05
LATENCY_MARGIN_RECORDED = 0.3
LATENCY_MARGIN_ELSEWHERE = 0.5
_EXAMPLE = 'A suite is a TOML file with [[tracker]] and [[dataset]] tables, each with a name, e.g. name = "mosse"'


@dataclass(frozen=True)
class LatencyGate:
    """By how much a tracker may become slower, as a fraction of its former time.

    Attributes:
        margin: Of CPU time, relative to the code that the baseline was made with, timed now.
        recorded: Where that code is not available: of the ratio to the reference workload that the baseline holds.
        elsewhere: The same where the processor is not the baseline's, so that the ratio is only approximately equal.
        wall: Of wall-clock time on the same processor, for machines that do nothing else; None for no such gate.
    """

    margin: float = LATENCY_MARGIN
    recorded: float = LATENCY_MARGIN_RECORDED
    elsewhere: float = LATENCY_MARGIN_ELSEWHERE
    wall: float | None = None


@dataclass(frozen=True)
class Gates:
    """The gates that apply.

    Attributes:
        exact: Boxes must be equal to the last bit, where the environment is the same.
        cost: MACs and parameters must be equal.
        weights: The checkpoint must be the same.
        latency: None for no gate on latency.
        accuracy: Allowed loss by metric, in the metric's unit; None for the default, which gates the leading metric.
    """

    exact: bool = True
    cost: bool = True
    weights: bool = True
    latency: LatencyGate | None = LatencyGate()
    accuracy: Mapping[str, float] | None = None


@dataclass(frozen=True)
class SuiteTracker:
    """A tracker of a suite under one runtime.

    Attributes:
        name: Registered name or ``path/to/file.py:Class``.
        label: Name of its results and of its entry in the baseline.
        weights: Checkpoint; None for the usual search.
        sha256: First digits of the checkpoint's hash, in lower case.
        settings: Hyperparameters that replace the published ones.
    """

    name: str
    label: str
    weights: Path | None = None
    sha256: str | None = None
    execution: Execution = field(default_factory=Execution)
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SuiteDataset:
    """A dataset of a suite; None stands for the dataset's own default.

    Attributes:
        name: Registered name or ``path/to/file.py:factory``.
        sequences: Names of its sequences.
        profile: Metric profile.
        data: Folder of the dataset.
    """

    name: str
    sequences: tuple[str, ...] | None = None
    protocol: str | None = None
    profile: str | None = None
    data: Path | None = None


@dataclass(frozen=True)
class Suite:
    """A suite as its file describes it.

    Attributes:
        path: The file.
        baseline: The baseline's file, which need not exist.
    """

    path: Path
    baseline: Path
    gates: Gates
    trackers: tuple[SuiteTracker, ...]
    datasets: tuple[SuiteDataset, ...]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


def load_suite(path: Path) -> Suite:
    """Read a suite.

    Raises:
        EvalkitError: The file does not exist or is not TOML, a key is missing, unknown or invalid, or two trackers
            have the same label.
    """
    table = load_table(path, missing="there is no such suite", hint=_EXAMPLE)
    folder = path.parent
    suite = Suite(
        path=path,
        baseline=folder / table.get("baseline", str, path.with_suffix(".json").name),
        gates=_read_gates(table.table("gates")),
        trackers=tuple(one for entry in table.tables("tracker") for one in _read_tracker(entry, folder)),
        datasets=tuple(_read_dataset(entry, folder) for entry in table.tables("dataset")),
    )
    table.reject_unknown_keys()
    _check_unique([one.label for one in suite.trackers], "tracker", "Give each a label of its own", path)
    _check_unique([one.name for one in suite.datasets], "dataset", "List all its sequences in one table", path)
    return suite


def _read_gates(table: StrictTable) -> Gates:
    gates = Gates(
        exact=table.get("exact", bool, True),
        cost=table.get("cost", bool, True),
        weights=table.get("weights", bool, True),
        latency=_read_latency_gate(table),
        accuracy=table.table("accuracy").all_numbers() if table.has("accuracy") else None,
    )
    table.reject_unknown_keys()
    return gates


def _read_latency_gate(table: StrictTable) -> LatencyGate | None:
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


def _read_tracker(table: StrictTable, folder: Path) -> list[SuiteTracker]:
    """Read one [[tracker]] table, which stands for one tracker per runtime."""
    name = _relative_to(folder, table.require("name", str))
    label, weights = table.get("label", str), table.get("weights", str)
    sha256 = table.get("sha256", str)
    if sha256 is not None and len(sha256) < 8:
        raise table.invalid("sha256", sha256, "at least 8 digits")
    runtimes = [_relative_to(folder, runtime) for runtime in table.names("runtimes") or ("torch",)]
    precision, device = table.get("precision", str, "fp32"), table.get("device", str, "cpu")
    threads, seed = table.get("threads", int, 1), table.get("seed", int, 0)
    settings = {key: str(value) for key, value in table.get("settings", dict, {}).items()}
    table.reject_unknown_keys()
    return [
        SuiteTracker(
            name=name,
            label=_label(label, name, runtime, precision, alone=len(runtimes) == 1),
            weights=None if weights is None else folder / weights,
            sha256=None if sha256 is None else sha256.lower(),
            execution=Execution(runtime, precision, device, threads),
            seed=seed,
            settings=settings,
        )
        for runtime in runtimes
    ]


def _label(label: str | None, name: str, runtime: str, precision: str, *, alone: bool) -> str:
    if label is None:
        return default_label(name, runtime, precision)
    return label if alone else f"{label}@{registry.runtime.find(runtime).name}"


def _relative_to(folder: Path, name: str) -> str:
    """Resolve the file in ``path/to/file.py:Name`` relative to the suite's folder; other names stay as they are."""
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        return f"{folder / path}:{attribute}"
    return name


def _read_dataset(table: StrictTable, folder: Path) -> SuiteDataset:
    data, protocol, profile = (table.get(key, str) for key in ("data", "protocol", "profile"))
    dataset = SuiteDataset(
        name=_relative_to(folder, table.require("name", str)),
        sequences=table.names("sequences"),
        protocol=None if protocol is None else _relative_to(folder, protocol),
        profile=None if profile is None else _relative_to(folder, profile),
        data=None if data is None else folder / data,
    )
    table.reject_unknown_keys()
    return dataset


def _check_unique(names: Sequence[str], kind: str, hint: str, path: Path) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise EvalkitError(f"two [[{kind}]] tables are named {repeated[0]!r}", where=path, hint=hint)
