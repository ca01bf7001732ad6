"""Real inputs of a network, from rendered scenes: what int8 ranges are taken from, and what parity is checked on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalkit.runtimes.parity import Arrays
from evalkit.types import Box, Image, SplitTracker

if TYPE_CHECKING:
    from evalkit.rendering.scene import Scene

SEED = 20_100
"""Of the scenes; no benchmark's."""
MAGNIFICATIONS = (34, 60, 100, 130)
"""Sizes of targets in percent: trackers take other crops for small ones."""


def inputs(tracker: SplitTracker, *, scenes: int = 8, frames: int = 4) -> list[Arrays]:
    """What the tracker's network is given while it follows rendered targets, always the same.

    Args:
        tracker: With a network in full precision.
        scenes: Number of scenes, of targets small and large in turn.
        frames: Taken from each, spread over it.
    """
    return [given for index in range(scenes) for given in _played(tracker.sibling(), index, frames)]


def _played(tracker: SplitTracker, index: int, frames: int) -> Iterator[Arrays]:
    images, box = scene(index, frames + 1)
    tracker.initialize(next(images), box)
    for image in images:
        given = tracker.crop(image)
        yield given
        tracker.locate(tracker.network(*given))


def scene(index: int, frames: int) -> tuple[Iterator[Image], Box]:
    """Images of a rendered scene, and the target's box in the first of them."""
    made = rendered(index, frames)
    box = made.truth(0).box
    if box is None:
        raise ValueError(f"scene {index} begins with its target outside the frame")
    return (made.frame(frame) for frame in range(frames)), Box(*box)


def rendered(index: int, frames: int) -> Scene:
    """A scene of 640x480 with the exact groundtruth of its target.

    Args:
        index: Which; four in a row have targets of four sizes.
        frames: How many; consecutive ones are as far apart as in a video.
    """
    from evalkit.rendering.catalogue import Recipe, compose
    from evalkit.rendering.fixed import Stream

    recipe = Recipe(
        f"calibration-{index}", "", size=(640, 480), length=frames, magnify=MAGNIFICATIONS[index % 4],
        travel=40, clutter=80, distractors=index % 3,
    )  # fmt: skip
    return compose(recipe, Stream("calibration", SEED, index))
