"""Trackers written for other toolkits, and ours for theirs.

``--tracker path.py:Class`` takes them as they are: which interface a class has shows in the names of its methods.

| methods | interface | image | box |
|---|---|---|---|
| ``initialize(image, region)``, ``update(image)`` | evalkit | uint8 (H, W, 3), RGB | ``Region``, 0-based |
| ``init(image, box)``, ``update(image)`` | got10k | PIL image | x, y, width, height; the first pixel is 1 |
| ``initialize(image, info)``, ``track(image, info)`` | pytracking | as evalkit's | ``info["init_bbox"]``, 0-based |

Converting takes place inside the clock: it is what running such a tracker here costs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evalkit.geometry import bounding_box
from evalkit.types import Box, Image, Prediction, Region, Tracker

ONE = np.array([1.0, 1.0, 0.0, 0.0])
"""What a box counted from 1 has more than one counted from 0."""


def adapt(built: object) -> Tracker | None:
    """The object as a tracker; None if it has no interface that is known."""
    if isinstance(built, Tracker):
        return built
    if _has(built, "init", "update"):
        return Got10kTracker(built)
    if _has(built, "initialize", "track"):
        return PytrackingTracker(built)
    return None


def _has(built: object, *methods: str) -> bool:
    return all(callable(getattr(built, method, None)) for method in methods)


class Got10kTracker:
    """A got10k tracker behind evalkit's interface.

    The toolkit hands boxes over as OTB's and GOT-10k's files write them, which count from 1, and its trackers subtract
    it themselves; so 1 is added on the way in and taken off on the way out.
    """

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker

    def initialize(self, image: Image, region: Region) -> None:
        self.tracker.init(_picture(image), bounding_box(region).array() + ONE)

    def update(self, image: Image) -> Prediction:
        answer = self.tracker.update(_picture(image))
        return Prediction(None if answer is None else _box(np.asarray(answer) - ONE))


class PytrackingTracker:
    """A pytracking tracker behind evalkit's interface; what it says of the target's presence is its confidence."""

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker

    def initialize(self, image: Image, region: Region) -> None:
        info = {"init_bbox": bounding_box(region).array().tolist()}
        self._output = self.tracker.initialize(image, info) or {}

    def update(self, image: Image) -> Prediction:
        self._output = self.tracker.track(image, {"previous_output": self._output})
        confidence = self._output.get("object_presence_score", math.nan)
        return Prediction(_box(np.asarray(self._output["target_bbox"])), float(confidence))


def _picture(image: Image) -> Any:
    from PIL.Image import fromarray

    return fromarray(image)


def _box(values: Any) -> Box:
    row = [float(value) for value in np.asarray(values, dtype=np.float64).ravel()]
    if len(row) != 4:
        raise ValueError(f"a tracker must answer x, y, width and height, got {len(row)} numbers")
    return Box(*row)


def as_got10k(tracker: Tracker, name: str, *, deterministic: bool = True) -> Any:
    """One of our trackers as a ``got10k.trackers.Tracker``, for ``ExperimentOTB(...).run(...)`` and the others.

    Boxes count from 1 there; a frame without an answer repeats the one before.
    """
    from got10k.trackers import Tracker as Base

    class Adapted(Base):  # type: ignore[misc]
        def init(self, image: Any, box: Any) -> None:
            self._last = np.asarray(box, dtype=np.float64)
            tracker.initialize(np.array(image), Box(*(self._last - ONE)))

        def update(self, image: Any) -> Any:
            region = tracker.update(np.array(image)).region
            if region is not None:
                self._last = bounding_box(region).array() + ONE
            return self._last

    return Adapted(name, deterministic)
