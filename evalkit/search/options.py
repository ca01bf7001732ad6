"""What a search is asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.search.evolution import METHODS
from evalkit.search.limits import limited_cost

ENGINES = ("local", "ray")
"""Names of the ways to distribute candidates."""
BUNDLED = "bundled"
"""Stands for the supernet that comes with evalkit, in the place of a supernet's file."""
LATENCY = "latency"
"""Name of the cost that is measured on this machine, in milliseconds."""
PAIRS, SCENES = "pairs", "scenes"
"""Built-in measures of fitness; any other is the name of a dataset."""
FINAL = "final"
"""Measure of the front's members after the search, on scenes that did not steer it."""


@dataclass(frozen=True)
class SearchOptions:
    """Options of a search; see ``evalkit search --help``.

    Attributes:
        output: Folder of the search.
        resume: Continue the search in ``output``.
        within: Tracker name with path string that the search stays near; None for the whole space.
        weights: Checkpoint of the tracker in ``within``.
        radius: Largest number of digits in which a path differs from ``within``; None for any number.
        supernet: File with shared weights, or ``Path("bundled")`` for those that come with evalkit; None to spread the
            weights of ``within``, or to train a supernet.
        outputs: Blocks that can give the features, e.g. ``("20", "33")``; None for the tracker family's default, or
            those of the default that the supernet has.
        least_layers: Least number of layers of the classification and of the regression branch.
        limits: Each ``COST=NUMBER``.
        against: Cost that the front shows the fitness against.
        fitness: ``pairs``, ``scenes``, or the name of a dataset.
        data: Folder of that dataset.
        sequences: Sequences of that dataset; all by default.
        pairs: Number of held-out pairs.
        recalibration: Number of pairs for the statistics of batch normalisation of each candidate.
        final_recalibration: The same for the members of the front.
        scenes: Number of held-out scenes, and of other held-out scenes for the front.
        frames: Frames per scene.
        front: Largest number of members of the front that are validated and written.
        method: ``nsga2``, ``paper`` or ``random``.
        evaluations: Number of architectures to evaluate.
        population: Architectures per generation.
        seed: Seed of the method and of the pairs.
        device: Device of the networks.
        threads: Threads of each worker.
        engine: ``local``: processes on this machine; ``ray``: workers on a Ray cluster.
        jobs: Number of workers; None for this process, or for as many as the Ray cluster has room for.
        address: Address of the Ray cluster; None for ``$RAY_ADDRESS``, else a new cluster on this machine.
        runtime: Runtime that latencies are measured in; None for ONNX Runtime.
        precision: Precision that latencies are measured in.
        latency_table: ``latency.json`` of another search on this machine, instead of measuring one.
        training: Options of the supernet's training by name; ``precision`` is ``--training-precision``.
    """

    output: Path
    resume: bool = False
    within: str | None = None
    weights: Path | None = None
    radius: int | None = None
    supernet: Path | None = None
    outputs: tuple[str, ...] | None = None
    least_layers: tuple[int, int] = (1, 1)
    limits: tuple[str, ...] = ()
    against: str = "macs"
    fitness: str = PAIRS
    data: Path | None = None
    sequences: tuple[str, ...] | None = None
    pairs: int = 128
    recalibration: int = 64
    final_recalibration: int = 512
    scenes: int = 24
    frames: int = 60
    front: int = 8
    method: str = "nsga2"
    evaluations: int = 200
    population: int = 40
    seed: int = 1
    device: str = "cpu"
    threads: int = 1
    engine: str = "local"
    jobs: int | None = None
    address: str | None = None
    runtime: str | None = None
    precision: str = "fp32"
    latency_table: Path | None = None
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def uses_latency(self) -> bool:
        """Whether latency is among the costs that the search is asked about."""
        return LATENCY in (self.against, *map(limited_cost, self.limits))

    def check(self) -> None:
        """Check what can be checked without opening anything.

        Raises:
            EvalkitError: Options contradict one another or are out of range.
        """
        self._check_evolution()
        self._check_engine()
        self._check_sources()

    def _check_evolution(self) -> None:
        if self.method not in METHODS:
            raise EvalkitError(
                "there is no such search method", where="--method", found=self.method, expected=", ".join(METHODS)
            )
        if self.population < 4 or self.population % 2:
            raise EvalkitError(
                "the population must be an even number from 4 on", where="--population", found=self.population
            )
        if self.evaluations < self.population:
            raise EvalkitError(
                "there are fewer evaluations than the population has members", where="--evaluations",
                found=self.evaluations, expected=f"at least {self.population}",
                hint="Raise --evaluations or lower --population",
            )  # fmt: skip

    def _check_engine(self) -> None:
        if self.engine not in ENGINES:
            raise EvalkitError("no such engine", where="--engine", found=self.engine, expected=", ".join(ENGINES))
        if self.address is not None and self.engine != "ray":
            raise EvalkitError("an address is used by --engine ray only", where="--address", found=self.address)
        if self.engine == "ray" and importlib.util.find_spec("ray") is None:
            raise EvalkitError("Ray is not installed", where="--engine ray", hint="pip install 'evalkit-sot[ray]'")

    def _check_sources(self) -> None:
        if self.radius is not None and self.within is None:
            raise EvalkitError("a radius needs a path to stay near", where="--radius", hint="Add --within TRACKER")
        if self.weights is not None and self.within is None:
            raise EvalkitError(
                "these weights belong to no tracker", where="--weights",
                hint="Name their tracker with --within, or pass a supernet with --supernet",
            )  # fmt: skip
        if self.weights is not None and self.supernet is not None:
            raise EvalkitError("--weights and --supernet exclude each other", where=self.weights)
        self._check_unused()

    def _check_unused(self) -> None:
        if self.training and self.supernet is not None:
            raise EvalkitError(
                "no supernet is trained where one is given", where="--supernet",
                hint=f"Leave out {', '.join(map(_training_flag, self.training))}, or leave out --supernet",
            )  # fmt: skip
        if not self.uses_latency:
            self._check_no_latency_options()
        if self.sequences and self.fitness in (PAIRS, SCENES):
            raise EvalkitError(
                "sequences can only be chosen where the fitness is a dataset", where="--sequences",
                hint="Add --fitness DATASET",
            )  # fmt: skip

    def _check_no_latency_options(self) -> None:
        precision = None if self.precision == SearchOptions.precision else self.precision
        given = {"runtime": self.runtime, "precision": precision, "latency-table": self.latency_table}
        for name, value in given.items():
            if value is not None:
                raise EvalkitError(
                    "this is used for a limit of the latency only", where=f"--{name} {value}",
                    hint="Add e.g. --limit latency=8ms, or --against latency"
                    + ("; a supernet is trained in --training-precision" if name == "precision" else ""),
                )  # fmt: skip


def _training_flag(name: str) -> str:
    """Return the option of `evalkit search` for an option of the supernet's training."""
    return "--training-precision" if name == "precision" else f"--{name}"
