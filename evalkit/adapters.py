"""Adapters between evalkit's tracker interface and those of the got10k, PySOT and pytracking toolkits.

``--tracker path.py:Class`` takes such trackers unmodified: the interface of a class is recognised by its methods.

| methods | interface | image | box |
|---|---|---|---|
| ``initialize(image, region)``, ``update(image)`` | evalkit | uint8 (H, W, 3), RGB | ``Region``, 0-based |
| ``init(image, box)``, ``update(image)`` | got10k | PIL image | x, y, width, height; the first pixel is 1 |
| ``init(image, box)``, ``track(image)`` | PySOT | uint8 (H, W, 3), BGR | x, y, width, height, 0-based |
| ``initialize(image, info)``, ``track(image, info)`` | pytracking | as evalkit's | ``info["init_bbox"]``, 0-based |

A run says which interface a tracker was taken for. The conversion counts towards the measured time: it is a part of
the cost of running such a tracker here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evalkit.geometry import bounding_box
from evalkit.types import Box, Image, Prediction, Region, Tracker

ONE_BASED_OFFSET = np.array([1.0, 1.0, 0.0, 0.0])
"""Offset from 0-based to 1-based boxes: x, y, width, height."""


def adapt(tracker: object) -> Tracker | None:
    """Return an object as a tracker; None if it has none of the known interfaces."""
    if isinstance(tracker, Tracker):
        return tracker
    if _has_methods(tracker, "init", "update"):
        return Got10kTracker(tracker)
    if _has_methods(tracker, "init", "track"):
        return PysotTracker(tracker)
    if _has_methods(tracker, "initialize", "track"):
        return PytrackingTracker(tracker)
    return None


def _has_methods(tracker: object, *names: str) -> bool:
    return all(callable(getattr(tracker, name, None)) for name in names)


class _Adapter:
    """A tracker with another interface than evalkit's.

    Args:
        tracker: The tracker.

    Attributes:
        interface: What the tracker was taken for, and what it therefore gets.
        card: That of the tracker, if it has one.
        files: Those of the tracker, if it lists some.
    """

    interface = ""

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker
        self.card: Any = getattr(tracker, "card", {})
        self.files: Any = getattr(tracker, "files", ())


class Got10kTracker(_Adapter):
    """Adapts a got10k tracker to evalkit's interface.

    The got10k toolkit passes boxes as they are in the files of OTB and GOT-10k, whose first pixel is 1, and its
    trackers subtract 1 themselves. Therefore 1 is added to the region, and subtracted from the tracker's boxes.

    Args:
        tracker: Has ``init(image, box)`` and ``update(image)``.
    """

    interface = "a got10k tracker (images as PIL, boxes whose first pixel is 1)"

    def initialize(self, image: Image, region: Region) -> None:
        """Pass the image and the 1-based bounding box of the region to the tracker."""
        self.tracker.init(_as_pil(image), bounding_box(region).array() + ONE_BASED_OFFSET)

    def update(self, image: Image) -> Prediction:
        """Return the tracker's box; no region if it returns None.

        Raises:
            ValueError: It does not return four numbers.
        """
        answer = self.tracker.update(_as_pil(image))
        return Prediction(None if answer is None else _box(np.asarray(answer) - ONE_BASED_OFFSET))


class PysotTracker(_Adapter):
    """Adapts a PySOT tracker, and those that are built like it, to evalkit's interface.

    PySOT reads images with OpenCV, so that its trackers expect BGR. Of a tracker with masks, such as SiamMask, the
    axis-aligned box is used.

    Args:
        tracker: Has ``init(image, box)`` and ``track(image)``.
    """

    interface = "a PySOT tracker (images as BGR arrays, boxes whose first pixel is 0)"

    def initialize(self, image: Image, region: Region) -> None:
        """Pass the image and the bounding box of the region to the tracker."""
        self.tracker.init(_as_bgr(image), bounding_box(region).array())

    def update(self, image: Image) -> Prediction:
        """Return ``bbox``, with ``best_score`` as the confidence if there is one.

        Raises:
            ValueError: ``bbox`` does not have four numbers.
        """
        answer = self.tracker.track(_as_bgr(image))
        return Prediction(_box(np.asarray(answer["bbox"])), float(answer.get("best_score", math.nan)))


class PytrackingTracker(_Adapter):
    """Adapts a pytracking tracker to evalkit's interface.

    Args:
        tracker: Has ``initialize(image, info)`` and ``track(image, info)``.
    """

    interface = "a pytracking tracker (images as RGB arrays, boxes whose first pixel is 0)"

    def initialize(self, image: Image, region: Region) -> None:
        """Pass the image and the bounding box of the region to the tracker."""
        info = {"init_bbox": bounding_box(region).array().tolist()}
        self._output = self.tracker.initialize(image, info) or {}

    def update(self, image: Image) -> Prediction:
        """Return ``target_bbox``, with ``object_presence_score`` as the confidence if there is one.

        Raises:
            ValueError: ``target_bbox`` does not have four numbers.
        """
        self._output = self.tracker.track(image, {"previous_output": self._output})
        confidence = self._output.get("object_presence_score", math.nan)
        return Prediction(_box(np.asarray(self._output["target_bbox"])), float(confidence))


def _as_bgr(image: Image) -> Image:
    return np.ascontiguousarray(image[..., ::-1])


def _as_pil(image: Image) -> Any:
    from PIL.Image import fromarray

    return fromarray(image)


def _box(values: Any) -> Box:
    row = [float(value) for value in np.asarray(values, dtype=np.float64).ravel()]
    if len(row) != 4:
        raise ValueError(f"a tracker must return x, y, width and height, got {len(row)} numbers")
    return Box(*row)


def as_got10k(tracker: Tracker, name: str, *, deterministic: bool = True) -> Any:
    """Return an evalkit tracker as a ``got10k.trackers.Tracker``, e.g. for ``ExperimentOTB(...).run(...)``.

    Args:
        tracker: Tracker with evalkit's interface.
        name: Name for the toolkit's results.
        deterministic: Whether two runs give the same boxes; if not, the toolkit repeats it.

    Returns:
        A tracker whose boxes are 1-based; for a frame without an answer it repeats the previous box.
    """
    from got10k.trackers import Tracker as Base

    class Adapted(Base):  # type: ignore[misc]
        def init(self, image: Any, box: Any) -> None:
            self._last = np.asarray(box, dtype=np.float64)
            tracker.initialize(np.array(image), Box(*(self._last - ONE_BASED_OFFSET)))

        def update(self, image: Any) -> Any:
            region = tracker.update(np.array(image)).region
            if region is not None:
                self._last = bounding_box(region).array() + ONE_BASED_OFFSET
            return self._last

    return Adapted(name, deterministic)
