"""Sprites, the objects of a scene: a texture with the outline of a shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.rendering.fixed_point import ONE_BITS, TURN, UNIT, RandomStream, cosine, sample_tile, sine
from evalkit.rendering.textures import Tile, fractal_noise, random_texture

SIDE = 64
"""Side of a sprite's tile in pixels."""
MARGIN = 4
"""Width in pixels of the transparent margin around the shape."""

SHAPES = ("ellipse", "slab", "figure", "vehicle", "bird", "blob")


@dataclass(frozen=True, eq=False)
class Sprite:
    """A texture with the outline of a shape.

    Attributes:
        colour: Shape (``SIDE``, ``SIDE``, 3), 0 to 255.
        shading: Shape (``SIDE``, ``SIDE``, 2): opacity and brightness, 0 to 255.
        outline: Shape (K, 2): x, y of the corners of the shape's edge pixels relative to the centre of the tile, in
            ``UNIT``-ths of a pixel.
    """

    colour: Tile
    shading: Tile
    outline: NDArray[np.int64]


@dataclass(frozen=True)
class Pose:
    """Position and shape of a sprite in a frame.

    Attributes:
        x, y: Centre in ``UNIT``-ths of a pixel from the top left corner of the frame.
        width, height: Magnification of the tile in ``UNIT``-ths.
        angle: Rotation in ``TURN``-ths of a turn, clockwise on the screen.
        bend: Amplitude of the sideways bending in ``UNIT``-ths of a tile pixel.
        phase: Phase of the bending in ``TURN``-ths of a turn.
        roll: Shift of the texture relative to the shape in ``UNIT``-ths of a tile pixel, as in a rotation out of the
            plane.
    """

    x: int
    y: int
    width: int = UNIT
    height: int = UNIT
    angle: int = 0
    bend: int = 0
    phase: int = 0
    roll: int = 0

    def bending(self, v: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sideways displacement of points of the tile at the heights ``v`` relative to its centre."""
        return np.asarray((self.bend * sine(v // 4 + self.phase)) >> ONE_BITS)

    def to_frame(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the frame positions, shape (K, 2), of points of the tile relative to its centre."""
        v = points[:, 1]
        u = (points[:, 0] - self.bending(v)) * self.width >> 8
        v = v * self.height >> 8
        x = (u * cosine(self.angle) - v * sine(self.angle)) >> ONE_BITS
        y = (u * sine(self.angle) + v * cosine(self.angle)) >> ONE_BITS
        return np.stack([x + self.x, y + self.y], axis=1)

    def to_tile(self, x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the points of the tile at frame positions; the inverse of ``to_frame``."""
        dx, dy = x - self.x, y - self.y
        u = (dx * cosine(self.angle) + dy * sine(self.angle)) >> ONE_BITS
        v = (dy * cosine(self.angle) - dx * sine(self.angle)) >> ONE_BITS
        v = v * ((1 << 24) // self.height) >> 16
        return (u * ((1 << 24) // self.width) >> 16) + self.bending(v), v


def random_sprite(stream: RandomStream, *, shape: str | None = None, colour: Tile | None = None) -> Sprite:
    """Return a random sprite.

    Args:
        stream: Source of the random numbers.
        shape: One of ``SHAPES``; random if None.
        colour: The texture; random if None.
    """
    shape = SHAPES[stream.integer(0, len(SHAPES) - 1)] if shape is None else shape
    colour = random_texture(stream, SIDE) if colour is None else colour
    inside = _inside(shape, stream)
    opacity = inside.reshape(SIDE, 4, SIDE, 4).sum(axis=(1, 3)) * 255 // 16
    shading = np.stack([opacity, _shading(stream)], axis=-1).astype(np.int32)
    return Sprite(colour, shading, _outline(opacity >= 128))


def paint(canvas: NDArray[np.uint8], sprite: Sprite, pose: Pose) -> None:
    """Draw a sprite into ``canvas``, uint8, shape (H, W, 3), which is modified."""
    window = _window(sprite, pose, canvas.shape[1], canvas.shape[0])
    if window is None:
        return
    rows, columns, u, v = window
    opacity, brightness = np.split(sample_tile(sprite.shading, u, v), 2, axis=-1)
    colour = np.minimum(sample_tile(sprite.colour, u + pose.roll, v) * (128 + brightness) >> 8, 255)
    below = canvas[rows, columns].astype(np.int32)
    canvas[rows, columns] = (below * (255 - opacity) + colour * opacity + 127) // 255


def covered_pixels(sprite: Sprite, pose: Pose, width: int, height: int) -> NDArray[np.bool_]:
    """Return the pixels of which the sprite covers at least half, shape (height, width)."""
    mask = np.zeros((height, width), dtype=np.bool_)
    window = _window(sprite, pose, width, height)
    if window is not None:
        rows, columns, u, v = window
        mask[rows, columns] = sample_tile(sprite.shading, u, v)[..., 0] >= 128
    return mask


def _window(
    sprite: Sprite, pose: Pose, width: int, height: int
) -> tuple[slice, slice, NDArray[np.int64], NDArray[np.int64]] | None:
    # The rows and columns of the frame that the sprite may touch, and the tile position of each of their pixels.
    placed = pose.to_frame(sprite.outline)
    low = np.maximum((placed.min(axis=0) >> 8) - 2, 0)
    high = np.minimum((placed.max(axis=0) >> 8) + 3, (width, height))
    if (low >= high).any():
        return None
    columns, rows = slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
    y, x = np.mgrid[rows, columns].astype(np.int64) * UNIT + UNIT // 2
    u, v = pose.to_tile(x, y)
    limit = SIDE * UNIT // 2
    # Positions outside the tile would wrap around; they are clipped to its margin, which is transparent.
    u, v = np.clip(u, -limit, limit - 1), np.clip(v, -limit, limit - 1)
    center = limit - UNIT // 2
    return rows, columns, u + center, v + center


def _outline(solid: NDArray[np.bool_]) -> NDArray[np.int64]:
    # Corners of the edge pixels, because the outline of the pixels' centres would be half a pixel too small.
    inner = np.zeros_like(solid)
    inner[1:-1, 1:-1] = solid[:-2, 1:-1] & solid[2:, 1:-1] & solid[1:-1, :-2] & solid[1:-1, 2:]
    y, x = np.nonzero(solid & ~inner)
    corners = np.concatenate([np.stack([x + dx, y + dy], axis=1) for dx in (0, 1) for dy in (0, 1)])
    return np.asarray((np.unique(corners, axis=0) - SIDE // 2) * UNIT, dtype=np.int64)


def _shading(stream: RandomStream) -> NDArray[np.int64]:
    # Light from one side plus noise.
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.int64) - SIDE // 2
    angle = stream.integer(0, TURN - 1)
    slope = (x * cosine(angle) + y * sine(angle)) * 3 >> ONE_BITS
    relief = fractal_noise(stream, SIDE, 1)[..., 0] // 4 - 32
    return np.asarray(np.clip(150 + slope + relief, 0, 255))


def _inside(shape: str, stream: RandomStream) -> NDArray[np.bool_]:
    # Shape (4 * SIDE, 4 * SIDE): 4 x 4 samples per pixel. Inside the margin u and v are -1000 to 1000.
    radius = 2 * SIDE - 4 * MARGIN
    at = (np.arange(4 * SIDE) - 2 * SIDE) * 1000 // radius
    inside = np.zeros((4 * SIDE, 4 * SIDE), dtype=np.bool_)
    for round_, u, v, half_width, half_height in _PARTS[shape](stream):
        du, dv = np.abs(at - u) * 1000 // half_width, np.abs(at - v)[:, None] * 1000 // half_height
        inside |= (du * du + dv * dv <= 1_000_000) if round_ else ((du <= 1000) & (dv <= 1000))
    return inside


_Part = tuple[bool, int, int, int, int]
"""True for an ellipse, False for a rectangle; centre; half of width and height."""


def _ellipse(stream: RandomStream) -> list[_Part]:
    return [(True, 0, 0, stream.integer(600, 1000), stream.integer(600, 1000))]


def _slab(stream: RandomStream) -> list[_Part]:
    return [(False, 0, 0, stream.integer(500, 1000), stream.integer(500, 1000))]


def _figure(stream: RandomStream) -> list[_Part]:
    stride = stream.integer(120, 300)
    return [
        (True, 0, -740, 240, 260),
        (True, 0, -150, stream.integer(320, 480), 520),
        (False, -stride, 600, 130, 400),
        (False, stride, 600, 130, 400),
    ]


def _vehicle(stream: RandomStream) -> list[_Part]:
    cabin = stream.integer(-250, 250)
    return [
        (False, 0, 80, 1000, 260),
        (True, cabin, -160, 560, 380),
        (True, -560, 330, 220, 220),
        (True, 560, 330, 220, 220),
    ]


def _bird(stream: RandomStream) -> list[_Part]:
    lift = stream.integer(-300, 300)
    return [
        (True, 0, 0, 340, 500),
        (True, -560, lift, 440, 240),
        (True, 560, lift, 440, 240),
        (True, 0, -520, 220, 240),
    ]


def _blob(stream: RandomStream) -> list[_Part]:
    centers, sizes = stream.integers(-450, 450, (5, 2)), stream.integers(300, 540, (5, 2))
    parts = [(True, int(u), int(v), int(a), int(b)) for (u, v), (a, b) in zip(centers, sizes, strict=True)]
    return [(True, 0, 0, 480, 480), *parts]


_PARTS = {"ellipse": _ellipse, "slab": _slab, "figure": _figure, "vehicle": _vehicle, "bird": _bird, "blob": _blob}
