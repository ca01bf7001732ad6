"""What a tracker family provides to be searched: a space of architectures with exact costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np

Genes: TypeAlias = "tuple[int, ...]"
"""An architecture as one whole number per decision, each from 0 to its number of choices minus 1."""


class SearchSpace(Protocol):
    """A space of architectures. Equal architectures have equal genes once they are canonical."""

    @property
    def choices(self) -> tuple[int, ...]:
        """Number of choices of each gene."""

    @property
    def groups(self) -> tuple[slice, ...]:
        """Genes that a crossover takes from the same parent."""

    @property
    def center(self) -> Genes | None:
        """The architecture that the space surrounds, which every search evaluates first; None if there is none."""

    def canonical(self, genes: Genes) -> Genes:
        """Return the one representation of the architecture that the genes describe."""

    def contains(self, genes: Genes) -> bool:
        """Return whether canonical genes belong to the space."""

    def draw(self, random: np.random.Generator) -> Genes:
        """Return the canonical genes of a random member."""

    def smallest(self) -> list[Genes]:
        """Return members of which one has the lowest value of each cost."""

    def largest(self) -> list[Genes]:
        """Return architectures of which one costs at least as much as any member, by each cost."""

    def size(self) -> int:
        """Return an upper bound of the number of members."""

    def enumerate(self) -> list[Genes]:
        """Return all members; only called where ``size`` is small."""

    def path(self, genes: Genes) -> str:
        """Return the path string of canonical genes."""

    def genes(self, path: str) -> Genes:
        """Return the canonical genes of a path string."""

    def costs(self, genes: Genes) -> Mapping[str, float]:
        """Return the costs of canonical genes by name, e.g. ``macs`` and ``parameters``."""

    def identity(self) -> Mapping[str, Any]:
        """Return what determines the space, as JSON."""
