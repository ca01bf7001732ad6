"""Fixed-point arithmetic and random integers that are the same on every machine and with every library version.

Tests compare hashes of rendered frames, so no floating-point numbers are used: angles are in ``TURN``-ths of a turn,
positions in ``UNIT``-ths of a pixel, sines in units of 2**-``ONE_BITS``.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
from numpy.typing import NDArray

UNIT = 256
"""Units of length in a pixel; magnifications are in the same units."""
TURN = 4096
"""Units of an angle in a full turn."""
ONE_BITS = 14
"""Bits after the binary point of sines and cosines."""

# Every table value is at least 1e-6 away from a rounding boundary, more than the error of any math library.
_SINE = np.array([round(math.sin(2 * math.pi * k / TURN) * (1 << ONE_BITS)) for k in range(TURN)], dtype=np.int64)


def sine(angle: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return the sine of an angle in ``TURN``-ths of a turn, times 2**``ONE_BITS``."""
    return np.asarray(_SINE[np.asarray(angle) & (TURN - 1)])


def cosine(angle: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return the cosine of an angle in ``TURN``-ths of a turn, times 2**``ONE_BITS``."""
    return sine(np.asarray(angle) + TURN // 4)


class RandomStream:
    """Random integers that depend only on a key (splitmix64 in counter mode).

    Args:
        *key: Integers and words. Different keys give independent streams.
    """

    def __init__(self, *key: int | str) -> None:
        state = np.zeros(1, dtype=np.uint64)
        for part in key:
            number = zlib.crc32(part.encode()) | 1 << 40 if isinstance(part, str) else part
            state = _mix(state + np.array([number & (1 << 64) - 1], dtype=np.uint64))
        self._key = state
        self._drawn = 0

    def integers(self, low: int, high: int, shape: tuple[int, ...] = ()) -> NDArray[np.int64]:
        """Return the next integers in [low, high], both included; the bias is below 2**-40 for the ranges used here."""
        count = math.prod(shape)
        counter = np.arange(self._drawn + 1, self._drawn + count + 1, dtype=np.uint64)
        self._drawn += count
        bits = _mix(self._key + counter * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(8)
        return (low + (bits % np.uint64(high - low + 1)).astype(np.int64)).reshape(shape)

    def integer(self, low: int, high: int) -> int:
        """Return the next integer in [low, high], both included."""
        return int(self.integers(low, high))


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def sample_tile(image: NDArray[np.int32], x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int32]:
    """Interpolate bilinearly in a tile that is repeated in both directions.

    Args:
        image: Shape (H, W, C), H and W powers of two, values 0 to 255.
        x, y: Same shape; ``UNIT``-ths of a pixel, 0 at the centre of the first pixel.

    Returns:
        Shape (*x.shape, C), values 0 to 255.
    """
    height, width, channels = image.shape
    flat = image.reshape(-1, channels)
    column, row = x >> 8, y >> 8
    right, below = (column + 1) & (width - 1), ((row + 1) & (height - 1)) * width
    column, row = column & (width - 1), (row & (height - 1)) * width
    fx, fy = (x & 255).astype(np.int32)[..., None], (y & 255).astype(np.int32)[..., None]
    # Indexing by ``take`` and sums in place take half the time of index arrays and new arrays.
    upper: NDArray[np.int32] = flat.take(row + column, 0) * (UNIT - fx)
    upper += flat.take(row + right, 0) * fx
    lower = flat.take(below + column, 0) * (UNIT - fx)
    lower += flat.take(below + right, 0) * fx
    upper *= UNIT - fy
    lower *= fy
    upper += lower
    upper += 1 << 15
    upper >>= 16
    return upper


def stretch_tile(image: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """Return a tile stretched to a larger one, as ``sample_tile`` at its ``size`` x ``size`` regular positions does it.

    Args:
        image: Shape (S, S, C), S a power of two, values 0 to 255.
        size: Side of the result, at least S.

    Returns:
        Shape (``size``, ``size``, C). The positions of a grid need each row of ``image`` interpolated only once.
    """
    side = len(image)
    step = np.arange(size, dtype=np.int64) * side * UNIT // size
    first, part = step >> 8, (step & 255).astype(np.int32)
    second = (first + 1) & (side - 1)
    wide = image[:, first] * (UNIT - part)[:, None] + image[:, second] * part[:, None]
    result: NDArray[np.int32] = wide[first] * (UNIT - part)[:, None, None]
    result += wide[second] * part[:, None, None]
    result += 1 << 15
    result >>= 16
    return result
