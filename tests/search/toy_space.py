"""A small search space with a planted fitness, for tests of the search without a tracker."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.search.space import Genes


@dataclass(frozen=True)
class ToySpace:
    """Twelve decisions with four choices each; genes after the length, the last gene, do not count."""

    length: int = 12
    levels: int = 4
    center: Genes | None = None

    @property
    def choices(self) -> tuple[int, ...]:
        return (*[self.levels] * self.length, self.length)

    @property
    def groups(self) -> tuple[slice, ...]:
        return tuple(slice(place, place + 1) for place in range(self.length + 1))

    def canonical(self, genes: Genes) -> Genes:
        built = genes[-1] + 1
        return (*map(int, genes[:built]), *[0] * (self.length - built), int(genes[-1]))

    def contains(self, genes: Genes) -> bool:
        return True

    def draw(self, random: np.random.Generator) -> Genes:
        return self.canonical(tuple(random.integers(0, self.choices)))

    def smallest(self) -> list[Genes]:
        return [(*[0] * self.length, 0)]

    def size(self) -> int:
        return self.levels**self.length * self.length

    def enumerate(self) -> list[Genes]:
        every = itertools.product(*(range(count) for count in self.choices))
        return list(dict.fromkeys(self.canonical(genes) for genes in every))

    def path(self, genes: Genes) -> str:
        return "-".join(map(str, genes))

    def genes(self, path: str) -> Genes:
        return tuple(map(int, path.split("-")))

    def costs(self, genes: Genes) -> Mapping[str, float]:
        built = genes[-1] + 1
        return {"macs": float(sum(10 * (gene + 1) for gene in genes[:built])), "parameters": float(built)}

    def identity(self) -> Mapping[str, Any]:
        return {"length": self.length, "levels": self.levels}


def planted_fitness(space: ToySpace, genes: Genes) -> float:
    """Return a fitness in [0, 1] that rises with the cost of each gene at its own rate, with interactions."""
    built = genes[-1] + 1
    gain = sum(((7 * place) % 5 + 1) * gene**0.5 for place, gene in enumerate(genes[:built]))
    pairs = sum(0.8 for a, b in itertools.pairwise(genes[:built]) if a + b == space.levels - 1)
    most = sum(((7 * place) % 5 + 1) * (space.levels - 1) ** 0.5 for place in range(space.length)) + 0.8 * space.length
    return (gain + pairs) / most
