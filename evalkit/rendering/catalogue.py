"""Which scenes there are: the twelve of the synthetic benchmark, and as many random ones as training wants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.rendering.fixed import TURN, UNIT, Stream
from evalkit.rendering.scene import TICKS, Actor, Curve, Ground, Scene
from evalkit.rendering.sprites import Pose, Sprite, paint, sprite
from evalkit.rendering.textures import texture

CONTRAST = 120
"""Least difference of a target's mean colour from its ground's, summed over the channels."""


@dataclass(frozen=True)
class Recipe:
    """What is to happen in a scene; a stream decides the rest.

    Attributes:
        name: Of the scene.
        attributes: Abbreviations, separated by spaces.
        size: Width and height of the frames.
        length: Number of frames.
        magnify: Of the target's tile in percent; 100 makes it about 56 pixels across.
        travel: Way from the middle to the turning point, in percent of half the frame; above 100 it leaves the frame.
        period: Frames of a full swing.
        swing: Change of scale each way in percent.
        aspect: Change of width against height in percent.
        turns: Turns in the plane over the whole scene, in hundredths.
        bend: Sideways sway in pixels of the tile.
        roll: Shift of the texture under the shape in tiles over the whole scene, in hundredths.
        occluders, distractors, clutter: How many things stand in front, look like the target, lie on the ground.
        camera: Way of the camera in pixels each way.
        blur: Exposures averaged into a frame.
        light: Change of the gain in percent each way.
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
"""The synthetic benchmark's sequences in order."""


def benchmark(recipe: Recipe, seed: int = 0) -> Scene:
    """One of the benchmark's scenes; each seed gives another of the same name and difficulty."""
    return compose(recipe, Stream("benchmark", seed, recipe.name))


def sample(seed: int, index: int, *, length: int = 60) -> Scene:
    """A random scene; no seed gives one of the benchmark's."""
    stream = Stream("sample", seed, index)

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
    return compose(recipe, stream)


def compose(recipe: Recipe, stream: Stream) -> Scene:
    """The scene that a recipe and a stream make."""
    tile = ground_tile(stream, recipe.clutter)
    thing = _distinct(stream, tile)
    target = _target(recipe, stream, thing)
    ground = Ground(
        tile,
        x=_swing(0, recipe.camera * UNIT, stream.integer(60, 140), stream),
        y=_swing(0, recipe.camera * UNIT // 2, stream.integer(60, 140), stream),
    )
    light = recipe.light * UNIT // 100
    return Scene(
        name=recipe.name,
        size=recipe.size,
        length=recipe.length,
        ground=ground,
        target=target,
        behind=tuple(_lookalike(recipe, stream, thing, target) for _ in range(recipe.distractors)),
        front=tuple(_occluder(recipe, stream, target, k) for k in range(recipe.occluders)),
        gain=_swing(UNIT, light, stream.integer(30, 50), stream) if light else Curve(UNIT),
        lift=_swing(0, light // 6, 41, stream) if light else Curve(0),
        exposures=recipe.blur,
        shutter=TICKS * 3 // 4,
        noise=recipe.noise,
        attributes=frozenset(recipe.attributes.split()),
    )


def ground_tile(stream: Stream, clutter: int) -> NDArray[np.uint8]:
    """A ground of 1024 pixels each way with ``clutter`` things lying on it."""
    canvas = np.tile(texture(stream, 512, detail=stream.integer(0, 2)).astype(np.uint8), (2, 2, 1))
    side = len(canvas)
    things = [sprite(stream) for _ in range(min(clutter, 24))]
    for k in range(clutter):
        x, y = stream.integers(0, side * UNIT, (2,))
        wide, high = stream.integers(UNIT // 2, 3 * UNIT, (2,))
        pose = Pose(int(x), int(y), int(wide), int(high), stream.integer(0, TURN - 1), roll=stream.integer(0, 1 << 14))
        paint(canvas, things[k % len(things)], pose)
    return canvas


def _distinct(stream: Stream, tile: NDArray[np.uint8]) -> Sprite:
    # A target of its ground's own colour would measure luck: nobody could follow it.
    around = tile[::8, ::8].reshape(-1, 3).sum(axis=0, dtype=np.int64) // (tile.shape[0] * tile.shape[1] // 64)
    thing = sprite(stream)
    for _ in range(8):
        solid = thing.form[..., 0] >= 128
        inside = thing.colour[solid].sum(axis=0, dtype=np.int64) // int(solid.sum())
        if int(np.abs(inside - around).sum()) >= CONTRAST:
            break
        thing = sprite(stream)
    return thing


def _swing(base: int, amplitude: int, period: int, stream: Stream) -> Curve:
    return Curve(base, waves=((amplitude, period, stream.integer(0, TURN - 1)),))


def _target(recipe: Recipe, stream: Stream, thing: Sprite) -> Actor:
    width, height = recipe.size
    scale = recipe.magnify * UNIT // 100
    grow = Curve(scale, waves=((scale * recipe.swing // 100, stream.integer(70, 110), 0),))
    change, pace = scale * recipe.aspect // 100, stream.integer(60, 90)
    return Actor(
        thing,
        x=_way(width, recipe, stream, 100),
        y=_way(height, recipe, stream, 70),
        width=Curve(scale, waves=(*grow.waves, (change, pace, 0))),
        height=Curve(scale, waves=(*grow.waves, (-change, pace, 0))),
        angle=Curve(0, recipe.turns * TURN // (100 * recipe.length), ((TURN // 100, 37, 0),)),
        bend=recipe.bend * UNIT,
        gait=stream.integer(18, 30),
        roll=Curve(0, recipe.roll * 64 * UNIT // (100 * recipe.length)),
    )


def _way(extent: int, recipe: Recipe, stream: Stream, percent: int) -> Curve:
    # It starts near the middle, so that the first frame shows all of it; a faster small wave makes the way its own.
    reach = extent * UNIT // 2 * recipe.travel * percent // 10_000
    period = recipe.period * stream.integer(90, 110) // 100
    start = stream.integer(-TURN // 24, TURN // 24) + TURN // 2 * stream.integer(0, 1)
    return Curve(extent * UNIT // 2, waves=((reach, period, start), (reach // 6, period // 3, start + TURN // 2)))


def _lookalike(recipe: Recipe, stream: Stream, thing: Sprite, target: Actor) -> Actor:
    # The same texture, shifted, in the same shape; it starts at the side of the frame.
    width, height = recipe.size
    corner_x = width * UNIT * (3 if stream.integer(0, 1) else 1) // 4
    corner_y = height * UNIT * (3 if stream.integer(0, 1) else 1) // 4
    twin = Sprite(np.roll(thing.colour, stream.integer(8, 40), axis=0), thing.form, thing.outline)
    return Actor(
        twin,
        x=_swing(corner_x, width * UNIT // 6, stream.integer(50, 110), stream),
        y=_swing(corner_y, height * UNIT // 6, stream.integer(50, 110), stream),
        width=target.width,
        height=target.height,
        angle=Curve(stream.integer(-TURN // 12, TURN // 12)),
    )


def _occluder(recipe: Recipe, stream: Stream, target: Actor, number: int) -> Actor:
    # It stands where the target will be later on, never where it is at first.
    start = (target.x.at(0), target.y.at(0))
    moment = recipe.length * (2 * number + 1) // (2 * recipe.occluders)
    place = start
    for frame in range(max(moment, 1), recipe.length):
        place = (target.x.at(frame * TICKS), target.y.at(frame * TICKS))
        if max(abs(place[0] - start[0]), abs(place[1] - start[1])) > 60 * target.width.base:
            break
    wide, high = stream.integers(80, 130, (2,))
    return Actor(
        sprite(stream, shape=("slab", "ellipse", "blob")[stream.integer(0, 2)]),
        x=Curve(place[0]),
        y=Curve(place[1]),
        width=Curve(target.width.base * int(wide) // 100),
        height=Curve(target.width.base * int(high) // 100),
    )
