"""A tracker that is timed stage by stage on a rendered video: decode, crop, network, locate."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.cost.latency import Stopwatch
from evalkit.runtimes import Arrays, calibration
from evalkit.types import Image, SplitTracker, Tracker

_SCENE = 2  # of the calibration scenes: a target of usual size, 640x480
_LENGTH = 24
_JPEG_QUALITY = 95  # as in most benchmarks

SPLIT_STAGES = ("decode", "crop", "network", "locate")
"""Stages of a ``SplitTracker``."""
WHOLE_STAGES = ("decode", "update")
"""Stages of any other tracker."""


class Video:
    """JPEG frames in memory, played forwards and backwards without end, so that the motion is continuous.

    Attributes:
        box: Box of the target in the first frame.
        size: Width and height in pixels, e.g. ``640x480``.
    """

    def __init__(self) -> None:
        images, self.box = calibration.images_and_box(_SCENE, _LENGTH)
        self._frames: list[NDArray[np.uint8]] = []
        for image in images:
            self.size = f"{image.shape[1]}x{image.shape[0]}"
            bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
            _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            self._frames.append(data)

    def decode(self, index: int) -> Image:
        """Return a frame, counted from 0."""
        bgr = cv2.imdecode(self._frames[index], cv2.IMREAD_COLOR)
        image: Image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)  # type: ignore[assignment, arg-type]
        return image

    def order(self) -> Iterator[int]:
        """Yield 1, 2, ... to the last frame, then back to the first, and so on without end."""
        cycle = [*range(1, _LENGTH), *range(_LENGTH - 2, -1, -1)]
        while True:
            yield from cycle


class StagedTracker:
    """A tracker that processes one frame of a video per call and records the time of each stage.

    Args:
        tracker: The tracker; it is initialized on the first frame.
        video: The video.
    """

    def __init__(self, tracker: Tracker, video: Video) -> None:
        self.tracker = tracker
        self._video = video
        self._order = video.order()
        tracker.initialize(video.decode(0), video.box)

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, in order."""
        return SPLIT_STAGES if isinstance(self.tracker, SplitTracker) else WHOLE_STAGES

    def __call__(self, watch: Stopwatch) -> None:
        """Process the next frame; the times of the stages are recorded by ``watch``."""
        index = next(self._order)
        watch.start()
        image = self._video.decode(index)
        watch.lap("decode")
        if isinstance(self.tracker, SplitTracker):
            inputs = self.tracker.crop(image)
            watch.lap("crop")
            response = self.tracker.network(*inputs)
            watch.lap("network")
            self.tracker.locate(response)
            watch.lap("locate")
        else:
            self.tracker.update(image)
            watch.lap("update")

    def network_inputs(self, count: int) -> list[Arrays]:
        """Process the next frames and return the inputs of the network on them; none if the tracker is not split."""
        if not isinstance(self.tracker, SplitTracker):
            return []
        rows = []
        for _ in range(count):
            inputs = self.tracker.crop(self._video.decode(next(self._order)))
            self.tracker.locate(self.tracker.network(*inputs))
            rows.append(inputs)
        return rows
