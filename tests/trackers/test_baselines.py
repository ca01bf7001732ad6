"""The trackers without learned weights."""

from __future__ import annotations

import numpy as np

from evalkit.factories import create_tracker
from evalkit.geometry import overlap
from evalkit.protocols.one_pass import run_one_pass
from evalkit.rendering.fixed_point import UNIT, RandomStream
from evalkit.rendering.scene import Actor, Curve, Ground, Scene, SceneFrames
from evalkit.rendering.sprites import random_sprite
from evalkit.rendering.textures import random_texture
from evalkit.types import Box, Sequence


def scene(*, growth: int = 0, speed: int = 3) -> Scene:
    """Return a scene with an object that moves to the right over a static background and grows."""
    ground = Ground(random_texture(RandomStream("ground"), 512).astype(np.uint8))
    size = Curve(UNIT * 3 // 4, growth)
    target = Actor(
        random_sprite(RandomStream("thing"), shape="slab"), Curve(60 * UNIT, speed * UNIT), Curve(60 * UNIT), size, size
    )
    return Scene("walk", (200, 120), 25, ground, target)


def overlaps(tracker: str, shown: Scene) -> np.ndarray:
    sequence = Sequence("walk", shown.annotation, SceneFrames(lambda: shown, shown.length))
    (trajectory,) = run_one_pass(create_tracker(tracker), sequence, origin=0, name=tracker)
    return overlap(trajectory.boxes, sequence.groundtruth)


def test_identity_returns_the_first_box_in_every_frame() -> None:
    found = overlaps("identity", scene())
    assert found[0] == 1.0
    assert found[-1] == 0.0


def test_the_correlation_filter_follows_a_moving_target() -> None:
    assert overlaps("mosse", scene()).min() > 0.7


def test_the_correlation_filter_follows_a_growing_target() -> None:
    shown = scene(growth=4, speed=1)
    assert overlaps("mosse", shown)[-1] > overlaps("identity", shown)[-1] + 0.2


def test_a_target_at_the_corner_gives_finite_boxes() -> None:
    tracker = create_tracker("mosse")
    image = scene().frame(0)
    tracker.initialize(image, Box(-20.0, -10.0, 30.0, 24.0))
    region = tracker.update(image).region
    assert isinstance(region, Box)
    assert np.isfinite(region.array()).all()
