"""Recipes of scenes: the twelve scenes of the synthetic benchmark, and random scenes for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.rendering.fixed_point import TURN, UNIT, RandomStream
from evalkit.rendering.scene import TICKS, Actor, Curve, Ground, Scene
from evalkit.rendering.sprites import Pose, Sprite, paint, random_sprite
from evalkit.rendering.textures import random_texture

CONTRAST = 120
"""Least difference between the mean colours of target and ground, summed over the channels."""


@dataclass(frozen=True)
class Recipe:
    """Properties of a scene; everything else is random.

    Attributes:
        name: Name of the scene.
        attributes: Abbreviations of attributes, separated by spaces.
        size: Width and height of the frames in pixels.
        length: Number of frames.
        magnify: Magnification of the target's tile in percent; at 100 the target is about 56 pixels wide.
        travel: Amplitude of the target's motion in percent of half the frame; above 100 it leaves the frame.
        period: Period of the motion in frames.
        swing: Amplitude of the change of scale in percent.
        aspect: Amplitude of the change of width relative to height in percent.
        turns: Rotation in the plane over the whole scene in hundredths of a turn.
        bend: Amplitude of the sideways bending in pixels of the tile.
        roll: Shift of the texture relative to the shape over the whole scene in hundredths of the tile.
        occluders: Number of sprites that occlude the target.
        distractors: Number of sprites that look like the target.
        clutter: Number of sprites on the ground.
        camera: Amplitude of the camera's motion in pixels.
        blur: Number of exposures that are averaged.
        light: Amplitude of the change of the gain in percent.
        noise: Largest deviation of a pixel.
    """

    name: str
    attributes: str
    size: tuple[int, int] = (320, 240)
    length: int = 120
    magnify: int = 90
    travel: int = 60
    period: int = 90
    swing: int = 10
    aspect: int = 0
    turns: int = 0
    bend: int = 0
    roll: int = 0
    occluders: int = 0
    distractors: int = 0
    clutter: int = 30
    camera: int = 20
    blur: int = 1
    light: int = 0
    noise: int = 6


BENCHMARK = (
    Recipe("scale", "SV", swing=55, travel=45, period=100),
    Recipe("aspect", "SV ARC", aspect=40, swing=20, period=80),
    Recipe("rotation", "IPR", turns=150, travel=50),
    Recipe("turning", "OPR DEF", roll=150, aspect=25, period=80),
    Recipe("occlusion", "OCC", occluders=3, period=110, length=130),
    Recipe("leaving", "OV FM", travel=108, period=64, length=128, camera=0),
    Recipe("blur", "MB FM", blur=8, travel=65, period=56, camera=30),
    Recipe("illumination", "IV SV", light=65, swing=25, noise=10),
    Recipe("distractors", "BC OCC", distractors=4, travel=55, turns=15),
    Recipe("low-resolution", "LR BC", size=(480, 360), magnify=38, travel=60, noise=12, clutter=60),
    Recipe("clutter", "BC SV OCC", size=(400, 300), clutter=160, occluders=2, swing=30, camera=50),
    Recipe("deformation", "DEF IPR SV", bend=9, turns=30, swing=20, travel=65),
)
"""The sequences of the synthetic benchmark, in order."""


def benchmark_scene(recipe: Recipe, seed: int = 0) -> Scene:
    """Return a scene of the synthetic benchmark; each seed gives another scene of the same name and difficulty."""
    return build_scene(recipe, RandomStream("benchmark", seed, recipe.name))


def random_scene(seed: int, index: int, *, length: int = 60) -> Scene:
    """Return a random scene, which is in no benchmark.

    Args:
        seed: First part of the key of the random numbers.
        index: Second part of the key.
        length: Number of frames.
    """
    stream = RandomStream("sample", seed, index)

    def sometimes(low: int, high: int) -> int:
        return stream.integer(low, high) if stream.integer(0, 2) == 0 else 0

    recipe = Recipe(
        name=f"sample-{seed}-{index}",
        attributes="",
        length=length,
        magnify=stream.integer(35, 140),
        travel=stream.integer(20, 80),
        period=stream.integer(40, 120),
        swing=stream.integer(0, 45),
        aspect=sometimes(10, 40),
        turns=sometimes(-100, 100),
        bend=sometimes(2, 9),
        roll=sometimes(20, 100),
        occluders=sometimes(1, 3),
        distractors=sometimes(1, 4),
        clutter=stream.integer(0, 120),
        camera=stream.integer(0, 40),
        blur=max(sometimes(4, 8), 1),
        light=sometimes(20, 60),
        noise=stream.integer(0, 14),
    )
    return build_scene(recipe, stream)


def build_scene(recipe: Recipe, stream: RandomStream) -> Scene:
    """Return a scene with the properties of a recipe; everything else depends on the random numbers."""
    tile = ground_tile(stream, recipe.clutter)
    sprite = _sprite_unlike(stream, tile)
    target = _target(recipe, stream, sprite)
    ground = Ground(
        tile,
        x=_wave(0, recipe.camera * UNIT, stream.integer(60, 140), stream),
        y=_wave(0, recipe.camera * UNIT // 2, stream.integer(60, 140), stream),
    )
    light = recipe.light * UNIT // 100
    return Scene(
        name=recipe.name,
        size=recipe.size,
        length=recipe.length,
        ground=ground,
        target=target,
        behind=tuple(_distractor(recipe, stream, sprite, target) for _ in range(recipe.distractors)),
        front=tuple(_occluder(recipe, stream, target, k) for k in range(recipe.occluders)),
        gain=_wave(UNIT, light, stream.integer(30, 50), stream) if light else Curve(UNIT),
        lift=_wave(0, light // 6, 41, stream) if light else Curve(0),
        exposures=recipe.blur,
        shutter=TICKS * 3 // 4,
        noise=recipe.noise,
        attributes=frozenset(recipe.attributes.split()),
    )


def ground_tile(stream: RandomStream, clutter: int) -> NDArray[np.uint8]:
    """Return the tile of a ground, uint8, shape (1024, 1024, 3), with ``clutter`` sprites painted on it."""
    canvas = np.tile(random_texture(stream, 512, detail=stream.integer(0, 2)).astype(np.uint8), (2, 2, 1))
    side = len(canvas)
    sprites = [random_sprite(stream) for _ in range(min(clutter, 24))]
    for k in range(clutter):
        x, y = stream.integers(0, side * UNIT, (2,))
        wide, high = stream.integers(UNIT // 2, 3 * UNIT, (2,))
        pose = Pose(int(x), int(y), int(wide), int(high), stream.integer(0, TURN - 1), roll=stream.integer(0, 1 << 14))
        paint(canvas, sprites[k % len(sprites)], pose)
    return canvas


def _sprite_unlike(stream: RandomStream, tile: NDArray[np.uint8]) -> Sprite:
    # A target that has the colour of the ground could not be tracked by anything but chance.
    around = tile[::8, ::8].reshape(-1, 3).sum(axis=0, dtype=np.int64) // (tile.shape[0] * tile.shape[1] // 64)
    sprite = random_sprite(stream)
    for _ in range(8):
        solid = sprite.shading[..., 0] >= 128
        inside = sprite.colour[solid].sum(axis=0, dtype=np.int64) // int(solid.sum())
        if int(np.abs(inside - around).sum()) >= CONTRAST:
            break
        sprite = random_sprite(stream)
    return sprite


def _wave(base: int, amplitude: int, period: int, stream: RandomStream) -> Curve:
    return Curve(base, waves=((amplitude, period, stream.integer(0, TURN - 1)),))


def _target(recipe: Recipe, stream: RandomStream, sprite: Sprite) -> Actor:
    width, height = recipe.size
    scale = recipe.magnify * UNIT // 100
    grow = Curve(scale, waves=((scale * recipe.swing // 100, stream.integer(70, 110), 0),))
    change, pace = scale * recipe.aspect // 100, stream.integer(60, 90)
    return Actor(
        sprite,
        x=_motion(width, recipe, stream, 100),
        y=_motion(height, recipe, stream, 70),
        width=Curve(scale, waves=(*grow.waves, (change, pace, 0))),
        height=Curve(scale, waves=(*grow.waves, (-change, pace, 0))),
        angle=Curve(0, recipe.turns * TURN // (100 * recipe.length), ((TURN // 100, 37, 0),)),
        bend=recipe.bend * UNIT,
        gait=stream.integer(18, 30),
        roll=Curve(0, recipe.roll * 64 * UNIT // (100 * recipe.length)),
    )


def _motion(extent: int, recipe: Recipe, stream: RandomStream, percent: int) -> Curve:
    # The target starts near the centre, so that the first frame shows all of it; a small, faster wave is added.
    reach = extent * UNIT // 2 * recipe.travel * percent // 10_000
    period = recipe.period * stream.integer(90, 110) // 100
    start = stream.integer(-TURN // 24, TURN // 24) + TURN // 2 * stream.integer(0, 1)
    return Curve(extent * UNIT // 2, waves=((reach, period, start), (reach // 6, period // 3, start + TURN // 2)))


def _distractor(recipe: Recipe, stream: RandomStream, sprite: Sprite, target: Actor) -> Actor:
    # The texture of the target, shifted, in the same shape; it starts away from the centre of the frame.
    width, height = recipe.size
    corner_x = width * UNIT * (3 if stream.integer(0, 1) else 1) // 4
    corner_y = height * UNIT * (3 if stream.integer(0, 1) else 1) // 4
    twin = Sprite(np.roll(sprite.colour, stream.integer(8, 40), axis=0), sprite.shading, sprite.outline)
    return Actor(
        twin,
        x=_wave(corner_x, width * UNIT // 6, stream.integer(50, 110), stream),
        y=_wave(corner_y, height * UNIT // 6, stream.integer(50, 110), stream),
        width=target.width,
        height=target.height,
        angle=Curve(stream.integer(-TURN // 12, TURN // 12)),
    )


def _occluder(recipe: Recipe, stream: RandomStream, target: Actor, number: int) -> Actor:
    # It is placed where the target will be later, never where it is in the first frame.
    start = (target.x.at(0), target.y.at(0))
    moment = recipe.length * (2 * number + 1) // (2 * recipe.occluders)
    place = start
    for frame in range(max(moment, 1), recipe.length):
        place = (target.x.at(frame * TICKS), target.y.at(frame * TICKS))
        if max(abs(place[0] - start[0]), abs(place[1] - start[1])) > 60 * target.width.base:
            break
    wide, high = stream.integers(80, 130, (2,))
    return Actor(
        random_sprite(stream, shape=("slab", "ellipse", "blob")[stream.integer(0, 2)]),
        x=Curve(place[0]),
        y=Curve(place[1]),
        width=Curve(target.width.base * int(wide) // 100),
        height=Curve(target.width.base * int(high) // 100),
    )
