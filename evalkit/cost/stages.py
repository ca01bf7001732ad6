"""A tracker taken through its stages on a rendered video: decode, crop, network, locate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.cost.latency import Stopwatch
from evalkit.runtimes import calibration
from evalkit.types import Box, Image, SplitTracker, Tracker

SCENE = 2
"""Of the calibration scenes: a target of usual size, 640x480."""
LENGTH = 24
QUALITY = 95
"""Of the JPEG frames, as in the usual benchmarks."""

SPLIT, WHOLE = ("decode", "crop", "network", "locate"), ("decode", "update")
"""Stages of a tracker that can be taken apart, and of one that cannot."""


class Video:
    """Encoded frames in memory, played forth and back without end, so that the motion never jumps."""

    def __init__(self) -> None:
        images, self.box = calibration.scene(SCENE, LENGTH)
        self._frames: list[NDArray[np.uint8]] = []
        for image in images:
            self.size = f"{image.shape[1]}x{image.shape[0]}"
            _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            self._frames.append(data)

    def decode(self, index: int) -> Image:
        bgr = cv2.imdecode(self._frames[index], cv2.IMREAD_COLOR)
        image: Image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)  # type: ignore[assignment, arg-type]
        return image

    def order(self) -> Iterator[int]:
        """1, 2, ... to the last frame, back to the first, and again."""
        turn = [*range(1, LENGTH), *range(LENGTH - 2, -1, -1)]
        while True:
            yield from turn


class Walk:
    """One tracker on its way through the video; called once per query."""

    def __init__(self, tracker: Tracker, video: Video) -> None:
        self.tracker = tracker
        self._video = video
        self._order = video.order()
        box: Box = video.box
        tracker.initialize(video.decode(0), box)

    @property
    def stages(self) -> tuple[str, ...]:
        return SPLIT if isinstance(self.tracker, SplitTracker) else WHOLE

    def __call__(self, watch: Stopwatch) -> None:
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

    def inputs(self, count: int) -> list[tuple[NDArray[Any], ...]]:
        """What the network is given on the next frames, the tracker moving on; nothing if it has no stages."""
        if not isinstance(self.tracker, SplitTracker):
            return []
        rows = []
        for _ in range(count):
            given = self.tracker.crop(self._video.decode(next(self._order)))
            self.tracker.locate(self.tracker.network(*given))
            rows.append(given)
        return rows
