"""Crops in torch equal those that OpenCV resizes, in every bit. ``EVALKIT_CROPS`` is the number of random crops."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from evalkit.trackers._siamese.crop import crop_square
from evalkit.trackers._siamese.device_crop import FramePixels, crop_squares
from evalkit.trackers._siamese.rules import round_half_to_even
from evalkit.types import Image

CROPS = int(os.environ.get("EVALKIT_CROPS", "3000"))
BATCH = 50
REAL_SIZES = (127, 255, 256, 271, 287, 288)
"""Sides of crops that trackers use; every fortieth batch has one of them, the others are smaller."""


def assert_equal(images: list[Image], centers: list[tuple[float, float]], sides: list[int], size: int) -> None:
    """Compare the crops of both implementations; the padding colour of frame i is (i, 2 i, 255 - i) modulo 256."""
    colours = [(index % 256, 2 * index % 256, (255 - index) % 256) for index in range(len(images))]
    counts = [image.shape[0] * image.shape[1] for image in images]
    pixels = np.concatenate([*(image.reshape(-1, 3) for image in images), np.array(colours, np.uint8)])
    frames = FramePixels(
        torch.from_numpy(pixels),
        torch.from_numpy(np.cumsum([0, *counts[:-1]])),
        torch.arange(sum(counts), len(pixels)),
        torch.tensor([image.shape[1] for image in images]),
        torch.tensor([image.shape[0] for image in images]),
    )
    corner = torch.tensor(
        [[round(x - (side + 1) / 2), round(y - (side + 1) / 2)] for (x, y), side in zip(centers, sides, strict=True)]
    )
    found = crop_squares(frames, corner[:, 0], corner[:, 1], torch.tensor(sides), size).numpy()
    for index, (image, center, side) in enumerate(zip(images, centers, sides, strict=True)):
        expected = crop_square(
            image, center, side, size, padding=colours[index], round_corner=round_half_to_even
        )  # fmt: skip
        different = np.argwhere(found[index] != expected)
        assert len(different) == 0, f"{image.shape}, {center}, side {side} to {size}: {len(different)} differ"


def random_image(random: np.random.Generator) -> Image:
    height, width = random.integers(1, 160, 2)
    image: Image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    # Noise, saturated noise and flat areas round differently.
    kind = random.integers(4)
    if kind == 0:
        image[:] = image[0, 0]
    elif kind == 1:
        image = np.where(image > 127, np.uint8(255), np.uint8(0))
    return image


def test_random_crops_equal_opencv_s_in_every_bit() -> None:
    random = np.random.default_rng(0)
    for batch in range(-(-CROPS // BATCH)):
        images = [random_image(random) for _ in range(BATCH)]
        size = int(random.choice(REAL_SIZES) if batch % 40 == 0 else random.integers(1, 48))
        sides = [int(side) for side in random.integers(1, random.choice([8, 40, 400]), BATCH)]
        # Some squares are within the image, most are partly outside, some altogether.
        centers = [
            (float(random.uniform(-0.3, 1.3) * image.shape[1]), float(random.uniform(-0.3, 1.3) * image.shape[0]))
            for image in images
        ]
        assert_equal(images, centers, sides, size)


@pytest.mark.parametrize("size", [1, 2, 16, 127, 256])
def test_special_sides_equal_opencv_s(size: int) -> None:
    random = np.random.default_rng(1)
    image = random.integers(0, 256, (90, 70, 3), dtype=np.uint8)
    # The same size is copied; OpenCV averages areas for half of it; a single pixel is repeated.
    sides = sorted({1, 2, 3, max(1, size // 2), size, size + 1, 2 * size, 3 * size, 4 * size})
    for center in ((35.0, 45.0), (0.0, 0.0), (70.0, 90.0), (34.5, 44.5), (-200.0, 20.0), (20.0, 700.0)):
        assert_equal([image] * len(sides), [center] * len(sides), sides, size)


def test_a_square_outside_of_the_frame_has_the_padding_colour() -> None:
    image = np.zeros((10, 12, 3), np.uint8)
    for center in ((-50.0, 5.0), (100.0, 5.0), (5.0, -50.0), (5.0, 100.0)):
        assert_equal([image] * 7, [center] * 7, [3, 5, 8, 9, 31, 33, 64], 32)
