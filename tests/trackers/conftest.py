"""Fixtures: golden outputs of the official trackers, their random checkpoints, and tiles to train on."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank, render_tiles


@dataclass(frozen=True)
class Golden:
    """Outputs of the official code for one model."""

    folder: Path
    checkpoint: Path
    net: dict[str, np.ndarray]
    tracks: dict[str, np.ndarray]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def bank() -> TileBank:
    """Return a few tiles to train on."""
    return render_tiles(7, backgrounds=4, objects=12)


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    """Return a teacher with random weights."""
    torch.manual_seed(5)
    return Teacher()


@pytest.fixture(scope="session")
def golden(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Golden]:
    """Return a function that loads the golden outputs of a model; its random checkpoint is generated again."""
    folder = data / "golden" / "models"

    @cache
    def load(model: str) -> Golden:
        checkpoint = tmp_path_factory.mktemp(model) / "checkpoint.pth"
        real = data / "weights" / f"{model}.pth"
        if real.is_file():
            checkpoint = real
        else:
            tensors = {f"module.{key}": value for key, value in random_state(folder, model).items()}
            torch.save({"state_dict": tensors, "epoch": 1}, checkpoint)
        return Golden(
            folder / model,
            checkpoint,
            dict(np.load(folder / model / "net_io.npz")),
            dict(np.load(folder / model / "tracks.npz")),
        )

    return load


def random_state(folder: Path, model: str) -> dict[str, torch.Tensor]:
    fill = _module(folder / "fill.py")
    spec = json.loads((folder / model / "spec.json").read_text())
    statistics = dict(np.load(folder / model / "bn_stats.npz"))
    arrays = fill.state_dict(spec["keys"], spec["salt"], spec["rules"], statistics)
    assert fill.sha(arrays) == spec["sha"], "the recipe no longer gives the recorded weights"
    return {key: torch.from_numpy(np.array(value)) for key, value in arrays.items()}


@pytest.fixture(scope="session")
def clip(data: Path) -> Callable[[str], list[np.ndarray]]:
    """Return a function that loads the sixty frames of a golden track; those of ``bag`` are BGR."""
    folder = data / "golden" / "models"

    @cache
    def frames(name: str) -> list[np.ndarray]:
        if name == "synth":
            synth = _module(folder / "synth.py")
            return [synth.frame(index) for index in range(60)]
        video = cv2.VideoCapture(str(folder / "bag.avi"))
        return [video.read()[1] for _ in range(60)]

    return frames


@pytest.fixture(scope="session")
def keys(data: Path) -> Callable[[str], list[tuple[str, str]]]:
    """Return a function that reads names and shapes of a model's official state dict, in order."""

    def read(model: str) -> list[tuple[str, str]]:
        lines = (data / "golden" / "models" / "keys" / f"{model}.tsv").read_text().splitlines()
        rows = [tuple(line.split("\t")[:2]) for line in lines if not line.startswith("key\t")]
        return [(key, shape) for key, shape in rows]

    return read


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"golden_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
