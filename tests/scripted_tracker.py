"""Trackers that answer by a script, and a clock that only they move."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from evalkit.types import Annotation, Box, Image, Prediction, Region
from evalkit.types import Sequence as Video


class Frames:
    """Frames whose pixels hold their own number."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int, /) -> Image:
        return np.full((60, 80, 3), index, dtype=np.uint8)


def still(length: int, **fields: object) -> Video:
    """A target that stays at 10, 10 with a size of 20 by 20."""
    boxes = np.tile([10.0, 10.0, 20.0, 20.0], (length, 1))
    anchors = fields.pop("anchors", None)
    annotation = Annotation(boxes, anchors=None if anchors is None else np.array(anchors))
    return Video("still", lambda: annotation, Frames(length), **fields)  # type: ignore[arg-type]


HIT = Box(12.0, 10.0, 20.0, 20.0)
MISS = Box(50.0, 40.0, 20.0, 20.0)


class Scripted:
    """Answers by the number of the frame it sees, and writes down what it was asked.

    Args:
        answer: What to say on a frame; None: it lost the target.
        seconds: Time each call takes on the clock of the test.
    """

    def __init__(
        self, answer: Callable[[int], Region | None] = lambda _: HIT, seconds: Callable[[int], float] = lambda _: 0.0
    ) -> None:
        self.answer = answer
        self.seconds = seconds
        self.now = 0.0
        self.calls: list[tuple[str, int]] = []

    def initialize(self, image: Image, region: Region) -> None:
        self._note("initialize", image)

    def update(self, image: Image) -> Prediction:
        index = self._note("update", image)
        return Prediction(self.answer(index), confidence=index / 100)

    def _note(self, call: str, image: Image) -> int:
        index = int(image[0, 0, 0])
        self.calls.append((call, index))
        self.now += self.seconds(index)
        return index

    def keep_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the protocols read this tracker's clock."""
        monkeypatch.setattr("evalkit.protocols.session.time.perf_counter", lambda: self.now)

    def asked(self, call: str) -> Sequence[int]:
        """Frames of all calls of one kind."""
        return [index for name, index in self.calls if name == call]
