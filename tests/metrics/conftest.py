"""Benchmarks and results of the shared data folder, read as a user's are."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import registry
from evalkit.results import layouts
from evalkit.types import Annotation, Dataset, FrameState, Sequence, Trajectory, VotRules

Runs = dict[str, list[Trajectory]]


@pytest.fixture(scope="session")
def golden(data: Path) -> Callable[[str], Any]:
    """Reads the stored output of an official toolkit, by file name."""

    def read(name: str) -> Any:
        return json.loads((data / "golden" / "metrics" / name).read_text())

    return read


@pytest.fixture(scope="session")
def benchmark(data: Path) -> Callable[[str], Dataset]:
    """A benchmark without frames."""
    folders = {"lasot": "LaSOT_toolkit"}

    def read(name: str) -> Dataset:
        found: Dataset = registry.dataset.find(name).build(root=data / "annotations" / folders.get(name, ""))
        return found

    return read


@pytest.fixture(scope="session")
def results(data: Path) -> Callable[[Dataset, str], Runs]:
    """A tracker's stored results on a benchmark."""

    def read(dataset: Dataset, tracker: str) -> Runs:
        folder = data / "results" / dataset.directory / tracker
        protocol = dataset.protocols[0]
        return {item.name: layouts.read(folder, dataset, item, protocol) for item in dataset.sequences}

    return read


@pytest.fixture(scope="session")
def lasot_recipe(data: Path) -> Any:
    """The script that makes synthetic trackers from LaSOT's annotations."""
    spec = importlib.util.spec_from_file_location("recipe", data / "golden" / "metrics" / "lasot_recipe.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one_pass(name: str, boxes: Any, protocol: str = "one_pass", **more: Any) -> Trajectory:
    """A trajectory of boxes; row 0 is the start."""
    rows = np.asarray(boxes, dtype=float).reshape(-1, 4)
    unknown = np.full(len(rows), np.nan)
    states = np.full(len(rows), FrameState.TRACKED, dtype=np.int8)
    states[:1] = FrameState.INITIALIZED
    fields = {"confidence": unknown, "seconds": unknown, "states": states, **more}
    return Trajectory(tracker="tracker", sequence=name, protocol=protocol, boxes=rows, regions=None, **fields)


def sequence(
    name: str, boxes: Any, *, attributes: str = "", size: tuple[int, int] | None = None, **flags: Any
) -> Sequence:
    """A sequence of boxes without frames."""
    arrays = {flag: np.asarray(values) for flag, values in flags.items()}
    annotation = Annotation(np.asarray(boxes, dtype=float).reshape(-1, 4), flags=arrays)
    return Sequence(name, lambda: annotation, attributes=frozenset(attributes.split()), size=size)


def dataset(
    *sequences: Sequence,
    name: str = "folder",
    family: str | None = None,
    vot: VotRules = VotRules(),  # noqa: B008
) -> Dataset:
    """A benchmark of such sequences."""
    names = tuple(item.name for item in sequences)
    return Dataset(
        name, name, "1", 0, tuple(sequences), names, ("one_pass",), ("otb-matlab",), "plain", family=family, vot=vot
    )


@pytest.fixture(scope="session")
def make() -> Any:
    """Small benchmarks and trajectories by hand."""

    class Make:
        one_pass = staticmethod(one_pass)
        sequence = staticmethod(sequence)
        dataset = staticmethod(dataset)

    return Make
