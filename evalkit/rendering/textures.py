"""Random colour textures that can be repeated without seams, in integer arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.rendering.fixed_point import TURN, RandomStream, sine, stretch_tile

Tile = NDArray[np.int32]
"""Shape (S, S, C), S a power of two, values 0 to 255. Opposite edges fit together."""


def random_texture(stream: RandomStream, size: int, *, kind: int | None = None, detail: int = 0) -> Tile:
    """Return a random tile of three channels.

    Args:
        stream: Source of the random numbers.
        size: Side of the tile in pixels, a power of two.
        kind: Index of the pattern; random if None.
        detail: How often the size of the coarsest grain is halved; 0 for grains of a quarter of the tile.
    """
    kind = stream.integer(0, len(_PATTERNS) - 1) if kind is None else kind
    tone = _PATTERNS[kind](stream, size, detail)
    # The mean of a common grey and a colour, which is about as saturated as outdoor surfaces.
    palette = (stream.integers(0, 255, (4, 1)) + stream.integers(0, 255, (4, 3))) // 2
    mixed = _blend(palette, tone) * 7 + fractal_noise(stream, size, detail + 2, channels=3)
    return np.asarray((mixed + 4) >> 3, dtype=np.int32)


def fractal_noise(stream: RandomStream, size: int, detail: int, *, channels: int = 1) -> Tile:
    """Return noise with grains of ``size`` / 4 >> ``detail`` pixels and of all smaller sizes, each half as strong."""
    total = np.zeros((size, size, channels), dtype=np.int32)
    weight, cells = 8, min(4 << detail, size)
    while weight and cells <= size:
        total += weight * _grains(stream, size, cells, channels)
        weight, cells = weight // 2, cells * 2
    low, high = int(total.min()), int(total.max())
    return np.asarray((total - low) * 255 // max(high - low, 1), dtype=np.int32)


def _grains(stream: RandomStream, size: int, cells: int, channels: int) -> Tile:
    lattice = stream.integers(0, 255, (cells, cells, channels)).astype(np.int32)
    return stretch_tile(lattice, size)


def _blend(palette: NDArray[np.int64], tone: NDArray[np.int32]) -> Tile:
    # Maps tones 0 to 255 to the colours of the palette in order, interpolated.
    position = np.arange(256) * (len(palette) - 1)
    index, part = position // 256, (position % 256)[:, None]
    colours = (palette[index] * (256 - part) + palette[index + 1] * part) >> 8
    return np.take(colours.astype(np.int32), tone[..., 0], axis=0)


def _clouds(stream: RandomStream, size: int, detail: int) -> Tile:
    return fractal_noise(stream, size, detail)


def _stripes(stream: RandomStream, size: int, detail: int) -> Tile:
    across, down = stream.integers(-3, 3, (2,)) << min(detail, 3)
    across = across or 2
    x, y = _grid(size)
    bend = fractal_noise(stream, size, detail)[..., 0] * (TURN // 256)
    wave = sine((x * across + y * down) * (TURN // size) + bend)
    return np.asarray(((wave * 127) >> 14) + 128, dtype=np.int32)[..., None]


def _checks(stream: RandomStream, size: int, detail: int) -> Tile:
    cells = stream.integer(3, 5) << detail
    x, y = _grid(size)
    bend = fractal_noise(stream, size, detail)[..., 0] >> 4
    values = stream.integers(0, 255, (cells, cells))
    return np.asarray(
        values[((y + bend) * cells // size) % cells, ((x - bend) * cells // size) % cells][..., None], np.int32
    )


def _cells(stream: RandomStream, size: int, detail: int) -> Tile:
    # The cell of the nearest of some points on the torus; it looks like pebbles, scales or leaves.
    count = min(12 << detail, 48)
    points = stream.integers(0, size - 1, (count, 2))
    values = stream.integers(0, 255, (count,))
    x, y = _grid(size)
    nearest = np.full((size, size), 4 * size * size, dtype=np.int64)
    tone = np.zeros((size, size), dtype=np.int64)
    for (px, py), value in zip(points, values, strict=True):
        dx, dy = np.abs(x - px), np.abs(y - py)
        distance = np.minimum(dx, size - dx) ** 2 + np.minimum(dy, size - dy) ** 2
        closer = distance < nearest
        tone[closer] = value
        nearest = np.minimum(nearest, distance)
    shade = np.minimum(nearest * 8 * count // (size * size), 96)
    return np.asarray(np.maximum(tone - shade, 0), dtype=np.int32)[..., None]


def _grid(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    y, x = np.mgrid[0:size, 0:size].astype(np.int64)
    return x, y


_PATTERNS = (_clouds, _stripes, _checks, _cells)
