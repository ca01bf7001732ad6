"""MACs and parameters of every LightTrack path, as sums of a table that is counted once.

A path's network is a chain of parts whose costs do not depend on one another: stem, blocks, neck, correlation, layers
of the head. The table holds what ``evalkit.cost.macs`` counts for each part, so its sums equal the count of the whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from evalkit.cost import macs
from evalkit.cost.layers import Count
from evalkit.search.space import Genes
from evalkit.trackers._lighttrack.architecture import (
    STAGE_STRIDES,
    TOWER_CHANNELS,
    TOWER_KERNELS,
    parse_path_string,
)
from evalkit.trackers._lighttrack.search.space import (
    BLOCK_CHOICES,
    BLOCKS,
    OUTPUTS,
    built_blocks,
    output_of,
    path_string,
    tower_genes,
    uniform_genes,
)

QUANTITIES = {"macs": "thop-2020", "macs:conv": "conv", "macs:all": "all"}
"""MACs by the name of the limit, with the convention of ``evalkit.cost.macs``. ``parameters`` is the fourth cost."""
NAMES = (*QUANTITIES, "parameters")
"""Names of the costs of a path."""
CROP, TEMPLATE_CROP = 256, 127
"""Sides of the search crop and of the template crop that costs are counted for, in pixels."""

_KERNELS = (TOWER_KERNELS.index(3), TOWER_KERNELS.index(5))
Row = tuple[int, ...]
"""Costs of one part, in the order of ``NAMES``."""


class CostTable:
    """The costs of every path of the search space.

    Args:
        parts: Costs by part: ``stem``; ``block S B CHOICE``; ``output STAGE`` (neck and correlation); for each stride,
            width and kernel of a branch ``first``, ``layer``, and ``cls``, ``reg`` (the predictions).
    """

    def __init__(self, parts: dict[str, Row]) -> None:
        self.parts = parts
        self._blocks = [
            [parts[f"block {stage} {block} {choice}"] for choice in range(BLOCK_CHOICES)]
            for stage, count in enumerate(BLOCKS)
            for block in range(count)
        ]
        self._outputs = [_add(parts["stem"], parts[f"output {stage}"]) for stage, _ in OUTPUTS]
        self._towers = {
            (branch, stride, width): (
                parts[f"{branch} {stride} {width}"],
                [parts[f"first {stride} {width} {kernel}"] for kernel in _KERNELS],
                [parts[f"layer {stride} {width} {kernel}"] for kernel in _KERNELS],
            )
            for branch in ("cls", "reg")
            for stride in (8, 16)
            for width in range(len(TOWER_CHANNELS))
        }

    def costs(self, genes: Sequence[int]) -> dict[str, float]:
        """Return the costs of canonical genes by the names in ``NAMES``."""
        stage, _ = output_of(genes)
        built = built_blocks(genes)
        rows = [self._outputs[genes[len(self._blocks)]]]
        rows += [choices[gene] for choices, gene in zip(self._blocks[:built], genes, strict=False)]
        for branch, tower in zip(("cls", "reg"), tower_genes(genes), strict=True):
            prediction, first, layer = self._towers[branch, STAGE_STRIDES[stage], tower[0]]
            rows += [prediction, first[tower[2]]]
            rows += [layer[kernel] for kernel in tower[3 : 3 + tower[1]]]
        return dict(zip(NAMES, map(sum, zip(*rows, strict=True)), strict=True))

    def digest(self) -> str:
        """Return a hash of the table."""
        return hashlib.sha256(json.dumps(self.parts, sort_keys=True).encode()).hexdigest()[:16]

    def record(self) -> dict[str, Any]:
        """Return the table as JSON."""
        return {"costs": list(NAMES), "parts": {name: list(row) for name, row in self.parts.items()}}


def _add(one: Row, other: Row) -> Row:
    return tuple(a + b for a, b in zip(one, other, strict=True))


@cache
def count_table() -> CostTable:
    """Count networks that cover every part, and return the table; this takes a few seconds."""
    parts: dict[str, Row] = {}
    for genes in _covering_genes():
        parts.update(_count_parts(genes))
    return CostTable(parts)


def _covering_genes() -> Iterator[Genes]:
    for choice in range(BLOCK_CHOICES):
        yield uniform_genes(choice, OUTPUTS[-1])
        yield uniform_genes(choice, OUTPUTS[0])
    yield uniform_genes(0, (2, 0))


def _count_parts(genes: Genes) -> dict[str, Row]:
    """Return the costs of the parts of one network."""
    parts: dict[str, Row] = {}
    for layer in count_network(path_string(genes)).layers:
        name = _part(layer.name, genes)
        if name is not None:
            row = (*(layer.macs(convention) for convention in QUANTITIES.values()), layer.parameters)
            parts[name] = _add(parts[name], row) if name in parts else row
    return parts


def count_network(path: str) -> Count:
    """Count the network of a path as ``evalkit profile`` does, without values: no weights are needed."""
    import torch

    from evalkit.trackers._lighttrack.network import LightTrack

    architecture = parse_path_string(path)
    with torch.device("meta"):
        network = LightTrack(architecture)
        cells = architecture.cells(TEMPLATE_CROP)
        inputs = [torch.empty(1, 3, CROP, CROP), torch.empty(1, architecture.channels, cells, cells)]
        return macs.count(network, inputs)


def counted_costs(path: str) -> dict[str, float]:
    """Return the costs of a path by the names in ``NAMES``, from a count of its network instead of the table."""
    count = count_network(path)
    return {**{name: count.macs(convention) for name, convention in QUANTITIES.items()}, "parameters": count.parameters}


def _part(layer: str, genes: Sequence[int]) -> str | None:
    """Return the name of the part that a layer belongs to; None for a further copy of a part."""
    stage, _ = output_of(genes)
    child, *rest = layer.split(".")
    if child == "features" and rest and rest[0] == "blocks" and rest[1] != "0":
        block_stage, block = int(rest[1]) - 1, int(rest[2])
        return f"block {block_stage} {block} {genes[sum(BLOCKS[:block_stage]) + block]}"
    if child == "head":
        return _head_part(rest, genes, STAGE_STRIDES[stage])
    return "stem" if child == "features" else f"output {stage}"


def _head_part(rest: Sequence[str], genes: Sequence[int], stride: int) -> str | None:
    cls, reg = tower_genes(genes)
    if rest[0] == "cls_perd":
        return f"cls {stride} {cls[0]}"
    if rest[0] == "reg_pred":
        return f"reg {stride} {reg[0]}"
    # Both branches have the same layers, and all layers but the first cost the same.
    if rest[0] == "reg_tower" or int(rest[1]) > 1:
        return None
    return f"{'first' if rest[1] == '0' else 'layer'} {stride} {cls[0]} {cls[2]}"
