"""A small search space with a planted fitness, for tests of the search without a tracker."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.search.evaluating import EvaluationJob
from evalkit.search.options import SearchOptions
from evalkit.search.run import SearchResult, run_search
from evalkit.search.space import Genes

LEVELS = 5


@dataclass(frozen=True)
class ToySpace:
    """Some decisions with five choices each; those beyond the last gene, the length, do not count."""

    decisions: int = 24
    center: Genes | None = None

    @property
    def choices(self) -> tuple[int, ...]:
        return (*[LEVELS] * self.decisions, self.decisions)

    @property
    def groups(self) -> tuple[slice, ...]:
        return tuple(slice(place, place + 1) for place in range(self.decisions + 1))

    def canonical(self, genes: Genes) -> Genes:
        built = genes[-1] + 1
        return (*map(int, genes[:built]), *[0] * (self.decisions - built), int(genes[-1]))

    def contains(self, genes: Genes) -> bool:
        return True

    def draw(self, random: np.random.Generator) -> Genes:
        return self.canonical(tuple(random.integers(0, self.choices)))

    def smallest(self) -> list[Genes]:
        return [(*[0] * self.decisions, 0)]

    def largest(self) -> list[Genes]:
        return [(*[LEVELS - 1] * self.decisions, self.decisions - 1)]

    def size(self) -> int:
        return int(LEVELS**self.decisions * self.decisions)

    def enumerate(self) -> list[Genes]:
        every = itertools.product(*(range(count) for count in self.choices))
        return list(dict.fromkeys(self.canonical(genes) for genes in every))

    def path(self, genes: Genes) -> str:
        return "-".join(map(str, genes))

    def genes(self, path: str) -> Genes:
        return tuple(map(int, path.split("-")))

    def costs(self, genes: Genes) -> Mapping[str, float]:
        built = genes[-1] + 1
        return {"macs": float(sum(gene + 1 for gene in genes[:built])), "parameters": float(built)}

    def identity(self) -> Mapping[str, Any]:
        return {"decisions": self.decisions}


def planted_fitness(genes: Genes) -> float:
    """Return a fitness in [0, 1]: half of the decisions are worth their cost, the others cost without a gain."""
    decisions = len(genes) - 1
    gains = [(place % 2) * gene / (LEVELS - 1) for place, gene in enumerate(genes[: genes[-1] + 1])]
    return 2 * sum(gains) / decisions


class ToyEvaluator:
    """Measures the planted fitness; some paths can be made to fail."""

    def __init__(self, trouble: Mapping[str, str], pause: float, log: str | None) -> None:
        self.trouble, self.pause, self.log = trouble, pause, log

    def measure(self, path: str, measure: str) -> tuple[float, dict[str, float]]:
        if self.log is not None:
            with Path(self.log).open("a", encoding="utf-8") as stream:
                stream.write(f"{path} {measure}\n")
        time.sleep(self.pause)
        trouble = self.trouble.get(path)
        if trouble == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble is not None:
            return float(trouble), {}
        value = planted_fitness(ToySpace().genes(path))
        if measure != "final":
            return value, {}
        return value, {f"scene-{index}": min(value + 0.01 * index, 1.0) for index in range(3)}


def create_evaluator(
    *, device: str, trouble: Mapping[str, str], pause: float = 0.0, log: str | None = None, **other: str
) -> ToyEvaluator:
    return ToyEvaluator(trouble, pause, log)


@dataclass(frozen=True)
class ToySearch:
    """What a tracker family would prepare."""

    space: ToySpace = field(default_factory=ToySpace)
    trouble: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    log: str | None = None
    reference: str | None = None
    measured: Mapping[str, float] | None = None
    weights: str = "toy"

    @property
    def job(self) -> EvaluationJob:
        return EvaluationJob("toy_search", {"trouble": dict(self.trouble), "pause": self.pause, "log": self.log})

    def identity(self) -> Mapping[str, Any]:
        return {"weights": self.weights}

    def write_inputs(self) -> None:
        pass

    def write_member(self, path: str, file: Path) -> None:
        file.parent.mkdir(exist_ok=True)
        file.write_text(path, encoding="utf-8")

    def measured_costs(self, path: str) -> Mapping[str, float]:
        return {} if self.measured is None else {"macs": self.measured[path]}

    def tracker(self, path: str) -> str:
        return f"toy:{path}"


def toy_search(output: Path, prepared: ToySearch | None = None, **options: Any) -> SearchResult:
    """Run a search with 60 evaluations in generations of 12, unless told otherwise."""
    chosen = {"evaluations": 60, "population": 12, **options}
    return run_search(lambda: prepared or ToySearch(), SearchOptions(output, **chosen))


if __name__ == "__main__":
    import sys

    toy_search(Path(sys.argv[1]), ToySearch(pause=0.01), resume=sys.argv[2] == "resume")
