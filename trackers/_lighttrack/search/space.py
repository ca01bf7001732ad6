"""LightTrack's search space as genes: canonical paths, random paths, and the neighbourhood of one path.

Two path strings can describe one network: digits of blocks after the output are not built, and a skipped layer of a
tower can stand anywhere. A canonical path has 0 for blocks that are not built and its skipped layers at the end.

An architecture has 35 genes: the choice of each of 14 blocks, the output, and for each branch of the head its width,
its number of layers and the kernel of each of eight layers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.search.options import LATENCY
from evalkit.search.space import Genes
from evalkit.trackers._lighttrack.architecture import (
    TOWER_CHANNELS,
    TOWER_KERNELS,
    Architecture,
    Tower,
    parse_path_string,
)

if TYPE_CHECKING:
    from evalkit.trackers._lighttrack.search.costs import CostTable
    from evalkit.trackers._lighttrack.search.latency import LatencyTable

BLOCKS = (2, 4, 4, 4)
"""Blocks per stage that can be built. The fifth stage is part of the path strings and is never built."""
BLOCK_CHOICES = 6
"""Choices of a block: kernel 3, 5 or 7 with expansion 4 or 6."""
LAYERS = 8
"""Largest number of layers of a branch of the head."""
OUTPUTS = tuple((stage, block) for stage in (1, 2, 3) for block in range(BLOCKS[stage]))
"""Blocks that can give the features, as stage and block."""
DEFAULT_OUTPUTS = tuple(output for output in OUTPUTS if output[0] >= 2)
"""The last eight blocks, as in the paper."""

_COUNT = sum(BLOCKS)
_OUTPUT = _COUNT
_CLS, _REG = _COUNT + 1, _COUNT + 3 + LAYERS
_TOWER = (len(TOWER_CHANNELS), LAYERS, *[2] * LAYERS)
_SKIP = TOWER_KERNELS.index(None)
_FIFTH_STAGE = 4


@dataclass(frozen=True)
class LightTrackSpace:
    """Paths with certain outputs, optionally only those near one path; see ``evalkit.search.space.SearchSpace``.

    Attributes:
        table: Costs of every path.
        outputs: Allowed outputs, as stage and block.
        center: Genes of the path that the space surrounds.
        radius: Largest number of digits in which a path differs from the center; None for any number.
        least_layers: Least number of layers of the classification and of the regression branch.
        latencies: Latency of every path on this machine; None if it is not one of the costs.
    """

    table: CostTable
    outputs: tuple[tuple[int, int], ...] = DEFAULT_OUTPUTS
    center: Genes | None = None
    radius: int | None = None
    least_layers: tuple[int, int] = (1, 1)
    latencies: LatencyTable | None = None

    @property
    def choices(self) -> tuple[int, ...]:
        """Number of choices of each gene."""
        return (*[BLOCK_CHOICES] * _COUNT, len(OUTPUTS), *_TOWER, *_TOWER)

    @property
    def groups(self) -> tuple[slice, ...]:
        """Genes that the paper's crossover takes from one parent: a stage, the output, a layer of the head."""
        ends = list(itertools.accumulate(BLOCKS))
        stages = [slice(end - count, end) for end, count in zip(ends, BLOCKS, strict=True)]
        return (*stages, *(slice(place, place + 1) for place in range(_OUTPUT, len(self.choices))))

    @cached_property
    def _allowed_outputs(self) -> tuple[int, ...]:
        return tuple(OUTPUTS.index(output) for output in self.outputs)

    def canonical(self, genes: Genes) -> Genes:
        """Return the genes with 0 in place of what is not built."""
        values = list(genes)
        for place in range(built_blocks(genes), _COUNT):
            values[place] = 0
        for start in (_CLS, _REG):
            for layer in range(values[start + 1] + 1, LAYERS):
                values[start + 2 + layer] = 0
        return tuple(map(int, values))

    def contains(self, genes: Genes) -> bool:
        """Return whether output and numbers of layers are allowed and the path is within the radius."""
        if genes[_OUTPUT] not in self._allowed_outputs:
            return False
        if genes[_CLS + 1] + 1 < self.least_layers[0] or genes[_REG + 1] + 1 < self.least_layers[1]:
            return False
        return self.center is None or self.radius is None or distance(genes, self.center) <= self.radius

    def draw(self, random: np.random.Generator) -> Genes:
        """Return a random path; around a center, with a random number of its genes drawn anew."""
        center = self.center
        most = len(self.choices) if self.radius is None else self.radius
        while True:
            drawn = random.integers(0, self.choices)
            drawn[_OUTPUT] = random.choice(self._allowed_outputs)
            for place, least in zip((_CLS + 1, _REG + 1), self.least_layers, strict=True):
                drawn[place] = random.integers(least - 1, LAYERS)
            if center is not None:
                changed = random.random(len(drawn)) < random.integers(0, most + 1) / len(drawn)
                drawn = np.where(changed, drawn, center)
            genes = self.canonical(tuple(drawn))
            if self.contains(genes):
                return genes

    def largest(self) -> list[Genes]:
        """Return the paths with the largest choices, one for each output; a radius is ignored."""
        tower = (len(TOWER_CHANNELS) - 1, LAYERS - 1, *[1] * LAYERS)
        blocks = [BLOCK_CHOICES - 1] * _COUNT
        return [self.canonical((*blocks, output, *tower, *tower)) for output in self._allowed_outputs]

    def smallest(self) -> list[Genes]:
        """Return the paths with the smallest choices, one for each output; within a radius, the cheapest ones."""
        if self.center is not None and self.radius is not None:
            return [self._cheapest(self.center, cost) for cost in self.costs(self.center)]
        genes = [0] * len(self.choices)
        genes[_CLS + 1], genes[_REG + 1] = (layers - 1 for layers in self.least_layers)
        found = []
        for output in self._allowed_outputs:
            genes[_OUTPUT] = output
            found.append(self.canonical(tuple(genes)))
        return found

    def _cheapest(self, genes: Genes, cost: str) -> Genes:
        """Return the path that a step by step descent of a cost ends at."""
        for _ in range(self.radius or 0):
            genes = min([genes, *self.neighbours(genes)], key=lambda one: self.costs(one)[cost])
        return genes

    def size(self) -> int:
        """Return an upper bound of the number of paths."""
        if self.center is None or self.radius is None:
            return math.prod(self.choices)
        # A later output has further blocks, whose digits do not count in the distance.
        outputs = [output for output in self._allowed_outputs if output != self.center[_OUTPUT]]
        further = [max(0, _blocks_until(output) - built_blocks(self.center)) for output in outputs]
        tower = [len(TOWER_CHANNELS) - 1, *[len(TOWER_KERNELS) - 1] * LAYERS]
        others = [*[BLOCK_CHOICES - 1] * built_blocks(self.center), *tower, *tower]
        others.append(sum(BLOCK_CHOICES**count for count in further))
        at_distance = [1]
        for count in others:
            at_distance = [
                same + count * changed for same, changed in zip([*at_distance, 0], [0, *at_distance], strict=True)
            ]
        return sum(at_distance[: self.radius + 1])

    def enumerate(self) -> list[Genes]:
        """Return all paths within the radius of the center, the center first."""
        if self.center is None:
            raise ValueError("only the neighbourhood of a path can be enumerated")
        found = dict.fromkeys([self.center])
        border: Sequence[Genes] = [self.center]
        while border:
            border = list(
                dict.fromkeys(genes for one in border for genes in self.neighbours(one) if genes not in found)
            )
            found.update(dict.fromkeys(border))
        return list(found)

    def neighbours(self, genes: Genes) -> Iterator[Genes]:
        """Yield the members of the space that differ from canonical genes in one gene."""
        for place, count in enumerate(self.choices):
            for choice in range(count):
                changed = self.canonical((*genes[:place], choice, *genes[place + 1 :]))
                if changed != genes and self.contains(changed):
                    yield changed

    def path(self, genes: Genes) -> str:
        """Return the canonical path string of canonical genes."""
        return path_string(genes)

    def genes(self, path: str) -> Genes:
        """Return the canonical genes of a path string.

        Raises:
            EvalkitError: It is not a path string of this space.
        """
        return encode(parse_path_string(path))

    def costs(self, genes: Genes) -> Mapping[str, float]:
        """Return MACs by convention, parameters and, if there is a table of it, latency of canonical genes."""
        costs = self.table.costs(genes)
        if self.latencies is not None:
            costs[LATENCY] = self.latencies.latency(genes)
        return costs

    def identity(self) -> Mapping[str, Any]:
        """Return what determines the space, as JSON."""
        return {
            "outputs": [f"{stage}{block}" for stage, block in self.outputs],
            "center": None if self.center is None else path_string(self.center),
            "radius": self.radius,
            "least_layers": list(self.least_layers),
            "costs": self.table.digest(),
            **({} if self.latencies is None else {LATENCY: self.latencies.identity()}),
        }


def built_blocks(genes: Sequence[int]) -> int:
    """Return the number of blocks up to the output."""
    return _blocks_until(genes[_OUTPUT])


def _blocks_until(output: int) -> int:
    stage, block = OUTPUTS[output]
    return sum(BLOCKS[:stage]) + block + 1


def output_of(genes: Sequence[int]) -> tuple[int, int]:
    """Return stage and block of the output."""
    return OUTPUTS[genes[_OUTPUT]]


def tower_genes(genes: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Return the genes of the classification and of the regression branch: width, layers minus 1, eight kernels."""
    return genes[_CLS:_REG], genes[_REG:]


def uniform_genes(choice: int, output: tuple[int, int]) -> Genes:
    """Return genes with one choice of all blocks and all layers in both branches, whose width and kernel vary with it.

    Those of all choices together contain every choice of a block, and every width of a branch with every kernel. They
    are not canonical if ``output`` is not the last one.
    """
    tower = (choice // 2, LAYERS - 1, *[choice % 2] * LAYERS)
    return (*[choice] * _COUNT, OUTPUTS.index(output), *tower, *tower)


def encode(architecture: Architecture) -> Genes:
    """Return the canonical genes of an architecture of the budget with stages of 2, 4, 4 and 4 blocks.

    Raises:
        EvalkitError: Its stages have other numbers of blocks, or a branch has too many layers.
    """
    built = [len(stage) for stage in architecture.stages]
    if built[:-1] != list(BLOCKS[: len(built) - 1]) or not _has_length_of_budget(architecture.path):
        raise EvalkitError(
            "this path is not in the search space", where=architecture.path,
            expected="20 digits for the backbone: stages of 2, 4, 4, 4 and 4 blocks",
        )  # fmt: skip
    blocks = [block.choice for stage in architecture.stages for block in stage]
    genes = [*blocks, *[0] * (_COUNT - len(blocks)), OUTPUTS.index((len(built) - 1, built[-1] - 1))]
    for tower in (architecture.cls, architecture.reg):
        if len(tower.kernels) > LAYERS:
            raise EvalkitError(
                "a branch of the head has too many layers", where=architecture.path, found=len(tower.kernels),
                expected=f"at most {LAYERS}",
            )  # fmt: skip
        genes += _encode_tower(tower)
    return tuple(genes)


def _has_length_of_budget(path: str) -> bool:
    return len(path.partition("+")[0].removeprefix("back_")) == 2 + _COUNT + _FIFTH_STAGE


def _encode_tower(tower: Tower) -> list[int]:
    kernels = [TOWER_KERNELS.index(kernel) for kernel in tower.kernels]
    return [TOWER_CHANNELS.index(tower.channels), len(kernels) - 1, *kernels, *[0] * (LAYERS - len(kernels))]


def path_string(genes: Sequence[int]) -> str:
    """Return the path string of canonical genes.

    >>> from evalkit.trackers._lighttrack.architecture import MOBILE
    >>> path_string(encode(parse_path_string(MOBILE)))
    'back_04502514044521000000+cls_211000022+reg_100000111_ops_32'
    """
    blocks = "".join(map(str, genes[:_COUNT]))
    cls, reg = (_tower_digits(tower) for tower in tower_genes(genes))
    stage, block = output_of(genes)
    return f"back_0{blocks}{'0' * _FIFTH_STAGE}0+cls_{cls}+reg_{reg}_ops_{stage}{block}"


def _tower_digits(tower: Sequence[int]) -> str:
    width, last, *kernels = tower
    return "".join(map(str, [width, *kernels[: last + 1], *[_SKIP] * (LAYERS - 1 - last)]))


def distance(one: Genes, other: Genes) -> int:
    """Return the number of digits in which two paths differ; the output counts as one, unbuilt blocks do not count."""
    common = min(built_blocks(one), built_blocks(other))
    blocks = sum(a != b for a, b in zip(one[:common], other[:common], strict=True))
    towers = (
        sum(a != b for a, b in zip(_tower_digits(mine), _tower_digits(yours), strict=True))
        for mine, yours in zip(tower_genes(one), tower_genes(other), strict=True)
    )
    return blocks + int(one[_OUTPUT] != other[_OUTPUT]) + sum(towers)
