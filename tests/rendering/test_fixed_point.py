"""Tests of the interpolation in tiles."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.rendering.fixed_point import UNIT, RandomStream, sample_tile, stretch_tile


@pytest.mark.parametrize(("side", "size"), [(4, 64), (8, 8), (64, 512), (2, 4)])
def test_stretching_a_tile_is_sampling_it_on_a_grid(side: int, size: int) -> None:
    tile = RandomStream("stretch", side).integers(0, 255, (side, side, 3)).astype(np.int32)
    step = np.arange(size, dtype=np.int64) * side * UNIT // size
    x, y = np.meshgrid(step, step)
    stretched = stretch_tile(tile, size)
    assert stretched.dtype == np.int32
    assert np.array_equal(stretched, sample_tile(tile, x, y))


def test_positions_between_pixels_are_interpolated() -> None:
    tile = np.array([[0, 100], [200, 60]], dtype=np.int32)[..., None]
    x, y = np.array([0, UNIT // 2, 0, 3 * UNIT // 2]), np.array([0, 0, UNIT // 2, 0])
    assert sample_tile(tile, x, y)[:, 0].tolist() == [0, 50, 100, 50]
