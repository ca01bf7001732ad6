"""A benchmark rendered on the spot: no files, exact groundtruth, the same pixels on every machine."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from evalkit.registry import dataset
from evalkit.rendering.catalogue import BENCHMARK, Recipe, benchmark
from evalkit.rendering.scene import SceneFrames
from evalkit.types import Annotation, Dataset, Sequence

VERSION = "1"
"""Rises with every change of a pixel or a box; the hashes in the tests say when that is."""
ORIGIN = 1


@dataset(
    "synthetic",
    summary="12 rendered sequences, nothing to download: scale, rotation, occlusion, leaving the frame, blur, ...",
)
def synthetic(root: Path | None = None, *, seed: int = 0) -> Dataset:
    """The rendered benchmark.

    Args:
        root: Not used; everything is rendered.
        seed: Another seed gives twelve other scenes of the same names and difficulties.

    A box is the smallest upright one around the target's full outline inside the frame, whether something stands in
    front of the target or not; frames that show nothing of the outline have NaN and the flag ``absent``. Coordinates
    count from 1 as in OTB, whose toolkits take a box at 0 for unusable.
    """
    return Dataset(
        name="synthetic",
        directory="synthetic",
        version=f"{VERSION}-seed{seed}",
        origin=ORIGIN,
        sequences=tuple(_sequence(recipe, seed) for recipe in BENCHMARK),
        expected=tuple(recipe.name for recipe in BENCHMARK),
        protocols=("one_pass",),
        profiles=("otb-matlab", "pysot", "pytracking", "got10k"),
        layout="otb",
    )


def _sequence(recipe: Recipe, seed: int) -> Sequence:
    scene = cache(partial(benchmark, recipe, seed))
    return Sequence(
        name=recipe.name,
        read=lambda: _from_one(scene().annotation()),
        frames=SceneFrames(scene, recipe.length),
        attributes=frozenset(recipe.attributes.split()),
        fps=30.0,
        size=recipe.size,
    )


def _from_one(annotation: Annotation) -> Annotation:
    return replace(annotation, boxes=annotation.boxes + np.array([ORIGIN, ORIGIN, 0, 0]))
