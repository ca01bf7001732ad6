"""Fitness of a path: cut it out of the shared weights, recalibrate it, and measure its overlaps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evalkit import checkpoints
from evalkit.errors import EvalkitError
from evalkit.factories import open_dataset
from evalkit.geometry import overlap
from evalkit.io import atomic
from evalkit.protocols.one_pass import run_one_pass
from evalkit.rendering.recipes import random_scene
from evalkit.search.options import FINAL, PAIRS, SCENES
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.search.shared_weights import SharedWeights, empty_network, recalibrate
from evalkit.trackers._lighttrack.training import tile_bank, write_weights
from evalkit.trackers._lighttrack.training.loss import cell_centers
from evalkit.trackers._lighttrack.training.pairs import Pairs, make_pairs
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.validation import HELD_OUT_SEED, as_tracker
from evalkit.types import Dataset, Sequence, Tracker

FINAL_SEED = HELD_OUT_SEED + 1
"""Seed of the scenes of ``FINAL``; nothing else uses it."""
CUTS = "cuts"
"""Folder with weights that were cut out and recalibrated, in the folder of a search."""
_BATCH = 16
_BANK = "bank-search.pt"


@dataclass(frozen=True)
class FitnessPlan:
    """What determines the fitness of a path, besides the shared weights.

    Attributes:
        seed: Seed of the pairs for recalibration.
        pairs: Number of held-out pairs.
        recalibration: Number of pairs for recalibration during the search.
        final_recalibration: Number of pairs for recalibration of the front.
        scenes: Number of held-out scenes, and of other held-out scenes after the search.
        frames: Frames per scene.
        size: Side of the search crop, in pixels.
        backgrounds: Background tiles that the pairs are composed of.
        objects: Object tiles that the pairs are composed of.
    """

    seed: int = 1
    pairs: int = 128
    recalibration: int = 64
    final_recalibration: int = 512
    scenes: int = 24
    frames: int = 60
    size: int = 256
    backgrounds: int = 64
    objects: int = 256


@dataclass(frozen=True)
class Banks:
    """Tiles for recalibration and, disjoint from them, tiles for evaluation."""

    training: tile_bank.TileBank
    held_out: tile_bank.TileBank


class Fitness:
    """Evaluates paths in this process.

    Args:
        shared: Weights that the paths share.
        plan: What is measured.
        folder: Folder where rendered tiles are kept.
        data: Folder of the benchmark, for a measure that is the name of a dataset.
        sequences: Sequences of that dataset; all by default.
        device: Device of the networks.
    """

    def __init__(
        self,
        shared: SharedWeights,
        plan: FitnessPlan,
        folder: Path,
        *,
        data: Path | None = None,
        sequences: tuple[str, ...] | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.shared, self.plan, self.folder = shared, plan, folder
        self._data, self._sequences = data, sequences
        self._device = device or torch.device("cpu")
        self._rendered: dict[int, list[Sequence]] = {}
        self._datasets: dict[str, Dataset] = {}

    def cut(self, path: str, pairs: int) -> LightTrack:
        """Return the network of a path, recalibrated on a number of pairs."""
        network = self.shared.cut(path).to(self._device)
        return recalibrate(network, self._recalibration_batches(pairs))

    def measure(self, path: str, measure: str) -> tuple[float, dict[str, float]]:
        """Return the mean overlap of a path, and the overlaps of single sequences by name.

        Raises:
            EvalkitError: The supernet has no such path, the network's output is not finite, or there is no such
                dataset.
        """
        if measure == FINAL:
            return self.measure_network(self._final_network(path), measure)
        return self.measure_network(self.cut(path, self.plan.recalibration), measure)

    def measure_network(self, network: LightTrack, measure: str) -> tuple[float, dict[str, float]]:
        """Return what ``measure`` does, for a network that is ready."""
        if measure == PAIRS:
            return self._pair_overlap(network), {}
        values = sequence_overlaps(as_tracker(network.cpu()), self._measured_sequences(measure), self._origin(measure))
        return float(np.mean(list(values.values()))), values

    def write_cut(self, path: str, file: Path) -> None:
        """Write the weights of a path, recalibrated on ``final_recalibration`` pairs, in half precision.

        Raises:
            EvalkitError: The file cannot be written.
        """
        self._final_network(path)
        with atomic.replacing(file) as temporary:
            shutil.copyfile(self._cut_file(path), temporary)

    def _cut_file(self, path: str) -> Path:
        return self.folder / CUTS / f"{path}.safetensors"

    def _final_network(self, path: str) -> LightTrack:
        """Return the network that ``write_cut`` writes, with its values; the file is written once."""
        file = self._cut_file(path)
        if not file.exists():
            write_weights(self.cut(path, self.plan.final_recalibration).state_dict(), file)
        network = empty_network(path).to_empty(device="cpu")
        checkpoints.fit(network, checkpoints.read_state(file), where=file)
        return network.to(self._device).eval().requires_grad_(False)

    @torch.no_grad()
    def _pair_overlap(self, network: LightTrack) -> float:
        overlaps = []
        for pairs in self._held_out_pairs:
            cls, reg = network(pairs.search, network.template(pairs.template))
            overlaps.append(overlap_of_best_cells(cls, reg, pairs.boxes, self.plan.size))
        mean = float(torch.cat(overlaps).mean())
        if not np.isfinite(mean):
            raise EvalkitError("the network's output is not finite", where=network.architecture.path, exit_code=1)
        return mean

    @cached_property
    def banks(self) -> Banks:
        """The tiles, rendered at first use."""
        return load_or_render_banks(self.folder, self.plan)

    @cached_property
    def _held_out_pairs(self) -> list[Pairs]:
        return list(self._draw(self.banks.held_out, self.plan.pairs, HELD_OUT_SEED))

    @cached_property
    def _first_recalibration_batches(self) -> list[Pairs]:
        return list(self._draw(self.banks.training, self.plan.recalibration, self.plan.seed))

    def _recalibration_batches(self, pairs: int) -> Iterator[Pairs] | list[Pairs]:
        if pairs == self.plan.recalibration:
            return self._first_recalibration_batches
        return self._draw(self.banks.training, pairs, self.plan.seed)

    def _draw(self, bank: tile_bank.TileBank, count: int, seed: int) -> Iterator[Pairs]:
        for index, start in enumerate(range(0, count, _BATCH)):
            pairs = make_pairs(bank, SeededRandom(min(_BATCH, count - start), seed, index, -2), self.plan.size)
            yield Pairs(*(tensor.to(self._device) for tensor in (pairs.template, pairs.search, pairs.boxes)))

    def _measured_sequences(self, measure: str) -> list[Sequence]:
        if measure in (SCENES, FINAL):
            return self._scenes(HELD_OUT_SEED if measure == SCENES else FINAL_SEED)
        dataset = self._dataset(measure)
        return [dataset.sequence(name) for name in self._sequences or [one.name for one in dataset.sequences]]

    def _origin(self, measure: str) -> int:
        return 0 if measure in (SCENES, FINAL) else self._dataset(measure).origin

    def _dataset(self, name: str) -> Dataset:
        if name not in self._datasets:
            self._datasets[name] = open_dataset(name, self._data)
        return self._datasets[name]

    def _scenes(self, seed: int) -> list[Sequence]:
        if seed not in self._rendered:
            self._rendered[seed] = rendered_sequences(seed, self.plan.scenes, self.plan.frames)
        return self._rendered[seed]


def rendered_sequences(seed: int, count: int, frames: int) -> list[Sequence]:
    """Return random rendered sequences with their frames in memory."""
    scenes = (random_scene(seed, index, length=frames) for index in range(count))
    return [Sequence(one.name, one.annotation, [one.frame(index) for index in range(one.length)]) for one in scenes]


def sequence_overlaps(tracker: Tracker, sequences: list[Sequence], origin: int) -> dict[str, float]:
    """Return the mean overlap of one-pass evaluation of each sequence, in [0, 1].

    Frames without the target are left out; a frame without an answer counts as 0.
    """
    values = {}
    for sequence in sequences:
        (trajectory,) = run_one_pass(tracker, sequence, origin=origin, name="search")
        truth = sequence.groundtruth
        shown = np.isfinite(truth).all(axis=1)
        overlaps = overlap(trajectory.boxes[shown], truth[shown])
        values[sequence.name] = float(np.nan_to_num(overlaps).mean())
    return values


def overlap_of_best_cells(cls: Tensor, reg: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Return shape (B,): overlap of the box at the cell with the highest score with the target's box.

    Args:
        cls: Logits, shape (B, 1, S, S).
        reg: Distances left, top, right, bottom in pixels, shape (B, 4, S, S).
        boxes: Left, top, right, bottom of the target in the search crop, shape (B, 4).
        size: Side of the search crop, in pixels.
    """
    count = cls.shape[-1]
    best = cls.flatten(1).argmax(1)
    at = cell_centers(size, size // count, cls.device).float()
    x, y = at[best % count], at[best // count]
    distances = reg.flatten(2).gather(2, best[:, None, None].expand(-1, 4, 1))[:, :, 0]
    found = torch.stack([x - distances[:, 0], y - distances[:, 1], x + distances[:, 2], y + distances[:, 3]], 1)
    corner = torch.maximum(found[:, :2], boxes[:, :2]), torch.minimum(found[:, 2:], boxes[:, 2:])
    common = (corner[1] - corner[0]).clamp(min=0).prod(1)
    areas = [(box[:, 2:] - box[:, :2]).clamp(min=0).prod(1) for box in (found, boxes)]
    return common / (areas[0] + areas[1] - common).clamp(min=1e-6)


def load_or_render_banks(folder: Path, plan: FitnessPlan) -> Banks:
    """Return the tiles of a plan; they are rendered once and kept in the folder."""
    path = folder / _BANK
    numbers = torch.tensor([plan.seed, plan.backgrounds, plan.objects])
    if path.exists():
        stored: dict[str, Any] = torch.load(path, weights_only=True)
        if torch.equal(stored.pop("plan"), numbers):
            return Banks(*(_with_prefix(stored, prefix) for prefix in ("training.", "held_out.")))
    banks = Banks(
        *(
            tile_bank.render_tiles(seed, backgrounds=plan.backgrounds, objects=plan.objects)
            for seed in (plan.seed, HELD_OUT_SEED)
        )
    )
    tensors = {
        f"{name}.{field}": tensor
        for name, bank in (("training", banks.training), ("held_out", banks.held_out))
        for field, tensor in vars(bank).items()
    }
    with atomic.replacing(path) as temporary:
        torch.save({"plan": numbers, **tensors}, temporary)
    return banks


def _with_prefix(stored: Mapping[str, Tensor], prefix: str) -> tile_bank.TileBank:
    fields = {name.removeprefix(prefix): tensor for name, tensor in stored.items() if name.startswith(prefix)}
    return tile_bank.TileBank(**fields)
