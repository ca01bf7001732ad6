"""A benchmark that is rendered when it is used: no files, exact groundtruth, the same pixels on every machine."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from evalkit.registry import dataset
from evalkit.rendering.recipes import BENCHMARK, Recipe, benchmark_scene
from evalkit.rendering.scene import SceneFrames
from evalkit.types import Annotation, Dataset, Sequence

VERSION = "1"
"""Version of the scenes; it rises with every change of a pixel or a box, which the hashes in the tests detect."""

ORIGIN = 1
"""Coordinates count from 1 as in OTB, whose toolkits do not use boxes at 0."""


@dataset(
    "synthetic",
    summary="12 rendered sequences, nothing to download: scale, rotation, occlusion, leaving the frame, blur, ...",
)
def synthetic(root: Path | None = None, *, seed: int = 0) -> Dataset:
    """Render the synthetic benchmark.

    A box is the smallest upright one around the target's full outline inside the frame, also where the target is
    occluded. Frames that show nothing of the outline have NaN and the flag ``absent``.

    Args:
        root: Not used; everything is rendered.
        seed: Seed of the scenes; each gives twelve others with the same names and difficulties.
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
        layout="plain",
    )


def _sequence(recipe: Recipe, seed: int) -> Sequence:
    scene = cache(partial(benchmark_scene, recipe, seed))
    return Sequence(
        name=recipe.name,
        read=lambda: _one_based(scene().annotation()),
        frames=SceneFrames(scene, recipe.length),
        attributes=frozenset(recipe.attributes.split()),
        fps=30.0,
        size=recipe.size,
    )


def _one_based(annotation: Annotation) -> Annotation:
    return replace(annotation, boxes=annotation.boxes + np.array([ORIGIN, ORIGIN, 0, 0]))
