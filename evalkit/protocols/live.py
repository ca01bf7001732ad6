"""Track images as they come, from a video of one's own or a camera: initialise on the first, update on all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from evalkit.protocols.session import Session
from evalkit.types import Annotation, Frames, Image, Region, Sequence, Tracker, Trajectory


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A tracked image.

    Attributes:
        number: Counted from 0.
        image: The image.
        region: The tracker's answer, the given region on the first image; None where it gave none.
        confidence: NaN where the tracker does not report one.
        seconds: Time inside the tracker.
    """

    number: int
    image: Image
    region: Region | None
    confidence: float
    seconds: float


class LiveTracking:
    """Tracks images as they come; iterate over it once.

    Args:
        tracker: The tracker.
        images: The images; nothing is read ahead of the tracker here.
        region: The target in the first image, 0-based.
        name: Label of the tracker.
        sequence: Name for messages.
        limit: Number of images to track, at most.
        frames: The images by number, where they are files.
    """

    def __init__(
        self, tracker: Tracker, images: Iterable[Image], region: Region, *, name: str, sequence: str, limit: int,
        frames: Frames | None = None,
    ) -> None:  # fmt: skip
        video = Sequence(sequence, lambda: Annotation(np.full((limit, 4), np.nan)), frames)
        self._session = Session(tracker, video, origin=0, name=name, order=range(limit))
        self._images, self._region, self._limit = images, region, limit
        self._count = 0

    def __iter__(self) -> Iterator[LiveFrame]:
        """Track the images one by one.

        Raises:
            TrackerError: The tracker failed; what was tracked before stays in ``trajectory``.
        """
        for number, image in zip(range(self._limit), self._images, strict=False):
            region: Region | None = self._region
            if number == 0:
                seconds = self._session.initialize(0, image, self._region)
            else:
                region, seconds = self._session.update(number, image)
            self._count = number + 1
            yield LiveFrame(number, image, region, self._session.confidence(number), seconds)

    def trajectory(self) -> Trajectory:
        """Return what was tracked so far."""
        return self._session.trajectory("one_pass", length=self._count)
