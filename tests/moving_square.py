"""Synthetic sequences small enough to work out by hand."""

from __future__ import annotations

import numpy as np

from evalkit.types import Annotation, Boxes, Dataset, Image, Sequence


class MovingSquare:
    """Frames of a textured square that moves two pixels to the right in each."""

    def __init__(self, length: int = 6, speed: int = 2) -> None:
        self.length = length
        self.speed = speed
        rng = np.random.default_rng(0)
        self._ground = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        self._target = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int, /) -> Image:
        image = self._ground.copy()
        left = 20 + self.speed * index
        image[24:36, left : left + 16] = self._target
        return image

    def boxes(self, origin: int = 0) -> Boxes:
        """Groundtruth in the coordinates of a file with that origin."""
        return np.array(
            [[20 + self.speed * index + origin, 24 + origin, 16, 12] for index in range(self.length)], dtype=np.float64
        )


def moving_square(name: str = "square", length: int = 6, *, origin: int = 0, speed: int = 2) -> Sequence:
    """A sequence of a moving square, with its groundtruth."""
    frames = MovingSquare(length, speed)
    return Sequence(name, lambda: Annotation(frames.boxes(origin)), frames, size=(80, 60), fps=30.0)


def tiny_dataset(*sequences: Sequence, origin: int = 0, expected: tuple[str, ...] | None = None) -> Dataset:
    """A benchmark of the given sequences; three moving squares if none is given."""
    chosen = sequences or tuple(moving_square(name, 5 + index, origin=origin) for index, name in enumerate("abc"))
    return Dataset(
        name="tiny",
        directory="tiny",
        version="1",
        origin=origin,
        sequences=chosen,
        expected=expected or tuple(sequence.name for sequence in chosen),
        protocols=("one_pass",),
        profiles=("otb-matlab", "got10k"),
        layout="otb",
    )
