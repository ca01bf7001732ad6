"""Rendered scenes: exact groundtruth, and the same pixels on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from evalkit.rendering.fixed_point import UNIT, RandomStream, sine
from evalkit.rendering.recipes import BENCHMARK, Recipe, benchmark_scene, build_scene, random_scene
from evalkit.rendering.scene import Actor, Curve, Ground, Scene
from evalkit.rendering.sprites import SIDE, Sprite

PINNED = {
    "scale": "4ca25d6bcc061c4d",
    "aspect": "7c068cb268e0d48c",
    "rotation": "97e62e717b146840",
    "turning": "20ddd0b5be88d8fc",
    "occlusion": "03afb2ef1f6005c4",
    "leaving": "fdb67a79afe32e9c",
    "blur": "700ce3da8931a171",
    "illumination": "b8b251e5fb8e540a",
    "distractors": "184542be3c1f98e6",
    "low-resolution": "7f6fd3a4cc3445ae",
    "clutter": "52ff675b4fa599c3",
    "deformation": "e2efac7dba11a93d",
}


def square(side: int = 32) -> Sprite:
    """A white square in the middle of a transparent tile."""
    low, high = (SIDE - side) // 2, (SIDE + side) // 2
    form = np.zeros((SIDE, SIDE, 2), dtype=np.int32)
    form[low:high, low:high] = (255, 128)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.int64) * side * UNIT // 2
    return Sprite(np.full((SIDE, SIDE, 3), 255, dtype=np.int32), form, corners)


def plain(target: Actor, *, front: tuple[Actor, ...] = (), **more: object) -> Scene:
    ground = Ground(np.zeros((256, 256, 3), dtype=np.uint8))
    return Scene("plain", (100, 80), 10, ground, target, front=front, noise=0, **more)  # type: ignore[arg-type]


def still(x: int, y: int, **more: object) -> Actor:
    return Actor(square(), Curve(x * UNIT), Curve(y * UNIT), **more)  # type: ignore[arg-type]


def test_the_box_is_exactly_the_bright_pixels_of_a_square() -> None:
    scene = plain(still(50, 40))
    rows, columns = np.nonzero(scene.frame(0)[..., 0] > 127)
    assert scene.truth(0).box == (34.0, 24.0, 32.0, 32.0)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (34, 24, 66, 56)


def test_a_quarter_turn_swaps_width_and_height() -> None:
    truth = plain(still(50, 40, width=Curve(UNIT // 2), angle=Curve(1024))).truth(0)
    assert truth.box == (34.0, 32.0, 32.0, 16.0)
    np.testing.assert_array_equal(truth.polygon, [(66, 32), (66, 48), (34, 48), (34, 32)])


def test_the_box_ends_where_the_frame_ends() -> None:
    truth = plain(still(8, 40)).truth(0)
    assert truth.box == (0.0, 24.0, 24.0, 32.0)
    assert truth.cut


def test_a_target_outside_the_frame_is_absent_and_has_no_box() -> None:
    annotation = plain(still(-20, 40)).annotation()
    assert np.isnan(annotation.boxes).all()
    assert annotation.flags["absent"].all()
    assert (annotation.flags["cover"] == 0).all()
    assert not annotation.flags["full_occlusion"].any()


def test_an_occluder_reduces_cover_but_not_the_box() -> None:
    half = plain(still(50, 40), front=(still(66, 40),)).truth(0)
    whole = plain(still(50, 40), front=(still(50, 40),))
    assert half.box == (34.0, 24.0, 32.0, 32.0)
    assert (half.cover, whole.truth(0).cover) == (4, 0)
    assert whole.annotation().flags["full_occlusion"].all()


def test_an_actor_is_visible_in_its_frames_only() -> None:
    scene = plain(still(50, 40), front=(still(50, 40, frames=(2, 4)),))
    assert [scene.truth(k).cover for k in range(5)] == [8, 8, 0, 0, 8]


def test_blur_is_the_mean_of_exposures_around_the_frame() -> None:
    moving = Actor(square(), Curve(40 * UNIT, 8 * UNIT), Curve(40 * UNIT))
    sharp, blurred = plain(moving).frame(3)[40, :, 0], plain(moving, exposures=5, shutter=16).frame(3)[40, :, 0]
    assert set(np.unique(sharp)) <= {0, 254, 255}
    assert len(np.unique(blurred)) >= 5
    center = np.average(np.arange(100), weights=blurred.astype(float))
    assert center == pytest.approx(np.average(np.arange(100), weights=sharp.astype(float)), abs=0.6)


def test_sines_are_odd_and_have_the_right_size() -> None:
    angles = np.arange(4096)
    np.testing.assert_array_equal(sine(angles), -sine(-angles))
    assert (int(sine(1024)), int(sine(341))) == (16384, round(16384 * np.sin(2 * np.pi * 341 / 4096)))


def test_streams_of_different_keys_differ_and_fill_their_range() -> None:
    first, second = (RandomStream("a", 1).integers(0, 9, (1000,)), RandomStream("a", 2).integers(0, 9, (1000,)))
    assert (first != second).mean() > 0.8
    assert np.bincount(first, minlength=10).min() > 60


def test_a_stream_does_not_depend_on_how_it_is_read() -> None:
    whole, parts = RandomStream("a"), RandomStream("a")
    assert whole.integers(0, 99, (6,)).tolist() == [parts.integer(0, 99) for _ in range(6)]


@pytest.mark.parametrize("recipe", BENCHMARK, ids=lambda recipe: recipe.name)
def test_the_pixels_and_boxes_of_the_benchmark_have_not_changed(recipe: Recipe) -> None:
    scene = benchmark_scene(recipe)
    digest = hashlib.sha256()
    for index in (0, recipe.length // 2, recipe.length - 1):
        digest.update(scene.frame(index).tobytes())
    annotation = scene.annotation()
    digest.update(np.nan_to_num(annotation.boxes, nan=-1).tobytes() + annotation.flags["cover"].tobytes())
    assert digest.hexdigest()[:16] == PINNED[recipe.name]


@pytest.mark.parametrize("recipe", BENCHMARK, ids=lambda recipe: recipe.name)
def test_every_benchmark_scene_starts_with_the_whole_target_visible(recipe: Recipe) -> None:
    truth = benchmark_scene(recipe).truth(0)
    assert truth.cover == 8
    assert not truth.cut
    assert recipe.length >= 100


def test_frames_are_rendered_in_any_order() -> None:
    ahead, behind = random_scene(5, 0), random_scene(5, 0)
    later = ahead.frame(40)
    behind.frame(3)
    np.testing.assert_array_equal(later, behind.frame(40))


def test_seeds_and_indices_give_different_scenes() -> None:
    small = Recipe("small", "", size=(64, 48), length=2, clutter=0)
    frames = [build_scene(small, RandomStream("test", k)).frame(0) for k in range(3)]
    assert not np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[1], frames[2])
