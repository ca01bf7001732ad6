"""Real inputs of a tracker's network from rendered scenes, to calibrate int8 and to compare outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalkit.runtimes.adapter import Arrays
from evalkit.types import Box, Image, SplitTracker

if TYPE_CHECKING:
    from evalkit.rendering.scene import Scene
    from evalkit.runtimes.calibration_sequences import CalibrationSequences

_SEED = 20_100  # no benchmark is rendered with it
_MAGNIFICATIONS = (34, 60, 100, 130)  # sizes of targets in percent; trackers crop small targets differently


def inputs(
    tracker: SplitTracker, named: CalibrationSequences | None = None, *, scenes: int = 8, frames: int = 4
) -> list[Arrays]:
    """Return the inputs that a tracker gives to its network while it follows rendered targets.

    They are the same in every call.

    Args:
        tracker: A tracker whose network computes in fp32.
        named: Sequences whose frames are used in addition.
        scenes: Number of scenes; small and large targets alternate.
        frames: Number of frames taken from each scene, beginning with the second.

    Returns:
        For each frame one array per input, with batch 1.
    """
    rendered = [given for index in range(scenes) for given in _inputs_in_scene(tracker.sibling(), index, frames)]
    return rendered + (named.inputs(tracker) if named is not None else [])


def _inputs_in_scene(tracker: SplitTracker, index: int, frames: int) -> Iterator[Arrays]:
    images, box = images_and_box(index, frames + 1)
    tracker.initialize(next(images), box)
    for image in images:
        given = tracker.crop(image)
        yield given
        tracker.locate(tracker.network(*given))


def images_and_box(index: int, frames: int) -> tuple[Iterator[Image], Box]:
    """Return the images of a scene, rendered one by one, and the box of its target in the first of them.

    The arguments are those of ``scene``.
    """
    made = scene(index, frames)
    box = made.truth(0).box
    if box is None:
        raise ValueError(f"scene {index} begins with its target outside the frame")
    return (made.frame(frame) for frame in range(frames)), Box(*box)


def scene(index: int, frames: int) -> Scene:
    """Return a scene of 640x480 pixels with the exact groundtruth of its target.

    Args:
        index: Number of the scene; four in a row have targets of four sizes.
        frames: Number of frames; the motion between consecutive frames does not depend on it.
    """
    from evalkit.rendering.fixed_point import RandomStream
    from evalkit.rendering.recipes import Recipe, build_scene

    recipe = Recipe(
        f"calibration-{index}", "", size=(640, 480), length=frames, magnify=_MAGNIFICATIONS[index % 4],
        travel=40, clutter=80, distractors=index % 3,
    )  # fmt: skip
    return build_scene(recipe, RandomStream("calibration", _SEED, index))
