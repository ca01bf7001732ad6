"""Which paths of a supernet a training step uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.trackers._lighttrack.architecture import TOWER_CHANNELS
from evalkit.trackers._lighttrack.search.space import (
    BLOCK_CHOICES,
    BLOCKS,
    LAYERS,
    OUTPUTS,
    path_string,
)

SAMPLINGS = ("fair", "sandwich", "uniform")
"""Names of the ways to choose the paths of a step."""


@dataclass(frozen=True)
class PathSampler:
    """Draws the paths of each step; equal seeds give equal paths.

    Attributes:
        sampling: ``fair``: six paths that together contain every choice of every block once (strict fairness of
            FairNAS, Chu et al., ICCV 2021), one of them with all layers in the head. ``sandwich``: the largest path,
            the smallest one and two random ones (BigNAS, Yu et al., ECCV 2020). ``uniform``: one random path (SPOS,
            LightTrack).
        outputs: Outputs to draw from; the paths of a step have the same one.
        seed: Seed of all paths.
    """

    sampling: str
    outputs: tuple[tuple[int, int], ...]
    seed: int

    def paths(self, step: int, *, whole_backbone: bool = False) -> list[str]:
        """Return the canonical path strings of a step.

        Args:
            step: Number of the step.
            whole_backbone: Build all blocks, for objectives that concern the backbone alone.
        """
        random = np.random.default_rng((self.seed, step, 19))
        output = (3, 3) if whole_backbone else self.outputs[random.integers(len(self.outputs))]
        rows = {"fair": _fair_rows, "sandwich": _sandwich_rows, "uniform": _uniform_rows}[self.sampling](random)
        return [_path(blocks, output, cls, reg) for blocks, cls, reg in rows]


Row = tuple[Sequence[int], Sequence[int], Sequence[int]]
"""Choices of the blocks, and the genes of both branches."""


def _path(blocks: Sequence[int], output: tuple[int, int], cls: Sequence[int], reg: Sequence[int]) -> str:
    built = sum(BLOCKS[: output[0]]) + output[1] + 1
    kept = [*blocks[:built], *[0] * (sum(BLOCKS) - built)]
    return path_string([*map(int, kept), OUTPUTS.index(output), *map(int, cls), *map(int, reg)])


def _fair_rows(random: np.random.Generator) -> list[Row]:
    count = BLOCK_CHOICES
    blocks = np.stack([random.permutation(count) for _ in range(sum(BLOCKS))], axis=1)
    towers = []
    for _ in range(2):
        widths = random.permutation(np.resize(np.arange(len(TOWER_CHANNELS)), count))
        last = random.permutation([LAYERS - 1, *random.choice(LAYERS - 1, count - 1, replace=False)])
        kernels = np.stack([random.permutation(np.resize([0, 1], count)) for _ in range(LAYERS)], axis=1)
        towers.append([_tower(*row) for row in zip(widths, last, kernels, strict=True)])
    return list(zip(blocks.tolist(), towers[0], towers[1], strict=True))


def _sandwich_rows(random: np.random.Generator) -> list[Row]:
    count = sum(BLOCKS)
    high = _tower(len(TOWER_CHANNELS) - 1, LAYERS - 1, [1] * LAYERS)
    low = _tower(0, 0, [0] * LAYERS)
    return [
        ([BLOCK_CHOICES - 1] * count, high, high),
        ([0] * count, low, low),
        *_uniform_rows(random),
        *_uniform_rows(random),
    ]


def _uniform_rows(random: np.random.Generator) -> list[Row]:
    towers = [
        _tower(
            int(random.integers(len(TOWER_CHANNELS))),
            int(random.integers(LAYERS)),
            random.integers(2, size=LAYERS).tolist(),
        )
        for _ in range(2)
    ]
    return [(random.integers(BLOCK_CHOICES, size=sum(BLOCKS)).tolist(), towers[0], towers[1])]


def _tower(width: int, last: int, kernels: Sequence[int]) -> list[int]:
    built = [int(kernel) for kernel in kernels[: last + 1]]
    return [int(width), int(last), *built, *[0] * (LAYERS - len(built))]
