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

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.engine.work import default_label
from evalkit.errors import EvalkitError, suggestion

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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


_EXAMPLE = 'A suite is a TOML file with [[tracker]] and [[dataset]] tables, each with a name, e.g. name = "mosse"'


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
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvalkitError("there is no such suite", where=path, hint=_EXAMPLE) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EvalkitError(f"this suite cannot be read: {error}", where=path, hint=_EXAMPLE) from error
    table = Table(content, str(path))
    home = path.parent
    suite = Suite(
        path=path,
        baseline=home / table.take("baseline", str, path.with_suffix(".json").name),
        gates=_gates(table.table("gates")),
        candidates=tuple(one for entry in table.tables("tracker") for one in _candidates(entry, home)),
        benchmarks=tuple(_benchmark(entry, home) for entry in table.tables("dataset")),
    )
    table.finish()
    _check_unique([one.label for one in suite.candidates], "tracker", "Give each a label of its own", path)
    _check_unique([one.name for one in suite.benchmarks], "dataset", "Name all its sequences in one", path)
    return suite


class Table:
    """A TOML table that is taken apart key by key, so that what nobody took is a mistake."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._left = dict(content)
        self._known: list[str] = []
        self._where = where

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """The value of a key, or the default.

        Raises:
            EvalkitError: It is of another kind.
        """
        self._known.append(key)
        value = self._left.pop(key, default)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wrong_bool = isinstance(value, bool) and bool not in kinds
        if value is not default and (wrong_bool or not isinstance(value, kinds)):
            names = " or ".join(one.__name__ for one in kinds)
            raise EvalkitError(
                f"{key} has the wrong kind of value", where=self._where, found=repr(value), expected=names
            )
        return value

    def demand(self, key: str, kind: type) -> Any:
        """The value of a key that must be there."""
        value = self.take(key, kind)
        if value is None:
            raise EvalkitError(f"{key} is missing", where=self._where, hint=_EXAMPLE)
        return value

    def number(self, key: str, default: float | None = None) -> float | None:
        value = self.take(key, (float, int), default)
        if value is not None and not 0 <= value < float("inf"):
            raise EvalkitError(f"{key} cannot be negative or infinite", where=self._where, found=value)
        return None if value is None else float(value)

    def strings(self, key: str) -> tuple[str, ...] | None:
        value = self.take(key, list)
        if value is not None and (not value or not all(isinstance(item, str) for item in value)):
            raise EvalkitError(f"{key} must be a list of names", where=self._where, found=repr(value))
        return None if value is None else tuple(value)

    def table(self, key: str) -> Table:
        return Table(self.take(key, dict, {}), f"{self._where} [{key}]")

    def tables(self, key: str) -> list[Table]:
        entries = self.take(key, list, [])
        if not entries or not all(isinstance(entry, dict) for entry in entries):
            raise EvalkitError(f"a suite needs at least one [[{key}]]", where=self._where, hint=_EXAMPLE)
        return [Table(entry, f"{self._where} [[{key}]] {number}") for number, entry in enumerate(entries, 1)]

    def finish(self) -> None:
        """Refuse what nobody took."""
        if self._left:
            key = next(iter(self._left))
            hint = suggestion(key, self._known) or f"Known here: {', '.join(self._known)}"
            raise EvalkitError(f"{key!r} is not understood", where=self._where, hint=hint)

    def rest(self) -> dict[str, Any]:
        """Everything not taken yet."""
        left, self._left = self._left, {}
        return left


def _gates(table: Table) -> Gates:
    margins = table.take("accuracy", dict)
    gates = Gates(
        exact=table.take("exact", bool, True),
        cost=table.take("cost", bool, True),
        weights=table.take("weights", bool, True),
        latency=_latency(table),
        accuracy=None if margins is None else _margins(Table(margins, "[gates] accuracy")),
    )
    table.finish()
    return gates


def _margins(table: Table) -> dict[str, float]:
    margins = {}
    for key, value in table.rest().items():
        found = Table({key: value}, "[gates] accuracy").number(key)
        margins[key] = float(found or 0.0)
    return margins


def _latency(table: Table) -> LatencyGate | None:
    value = table.take("latency", (bool, float, int, dict), True)
    if isinstance(value, bool):
        return LatencyGate() if value else None
    if not isinstance(value, dict):
        margin = Table({"latency": value}, "[gates]").number("latency") or 0.0
        return LatencyGate(margin, max(margin, LATENCY_MARGIN_RECORDED), max(margin, LATENCY_MARGIN_ELSEWHERE))
    inner = Table(value, "[gates] latency")
    gate = LatencyGate(
        margin=inner.number("margin", LATENCY_MARGIN) or 0.0,
        recorded=inner.number("recorded", LATENCY_MARGIN_RECORDED) or 0.0,
        elsewhere=inner.number("elsewhere", LATENCY_MARGIN_ELSEWHERE) or 0.0,
        wall=inner.number("wall"),
    )
    inner.finish()
    return gate


def _candidates(table: Table, home: Path) -> list[Candidate]:
    name = _located(table.demand("name", str), home)
    label = table.take("label", str)
    weights = table.take("weights", str)
    precision = table.take("precision", str, "fp32")
    sha256 = table.take("sha256", str)
    if sha256 is not None and len(sha256) < 8:
        raise EvalkitError("sha256 needs at least 8 digits", where=home, found=sha256)
    runtimes = table.strings("runtimes") or ("torch",)
    settings = table.take("settings", dict, {})
    shared = {
        "weights": None if weights is None else home / weights,
        "sha256": None if sha256 is None else sha256.lower(),
        "device": table.take("device", str, "cpu"),
        "threads": table.take("threads", int, 1),
        "seed": table.take("seed", int, 0),
        "settings": {key: str(value) for key, value in settings.items()},
    }
    table.finish()
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


def _benchmark(table: Table, home: Path) -> Benchmark:
    data = table.take("data", str)
    benchmark = Benchmark(
        name=table.demand("name", str),
        sequences=table.strings("sequences"),
        protocol=table.take("protocol", str),
        profile=table.take("profile", str),
        data=None if data is None else home / data,
    )
    table.finish()
    return benchmark


def _check_unique(names: Sequence[str], kind: str, hint: str, path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EvalkitError(f"two [[{kind}]] are called {twice[0]!r}", where=path, hint=hint)
