"""Trackers whose states stay on a device while many sequences advance together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.types.regions import Image, Region
from evalkit.types.tracking import Prediction, SplitTracker


class RunningBlock(Protocol):
    """A block of frames that a device computes on."""

    def wait(self) -> NDArray[np.float64]:
        """Wait until it is done and return the answers: shape (frames, lanes or more, numbers of an answer)."""


class DeviceLanes(Protocol):
    """Trackers of one kind, a lane each, whose states stay on a device from frame to frame.

    Frames are copied into one half of a memory that the device computes on while the other half is filled. All lanes
    advance by a block of frames at a time.

    Attributes:
        block: Most frames of a lane in one block; ``reserve`` changes it.
        capacity: Most pixels of a frame; ``reserve`` changes it.
    """

    block: int
    capacity: int

    def reserve(self, pixels: int) -> None:
        """Make room for larger frames. No frame is staged and no block is running."""

    def start(self, lane: int, tracker: Any, image: Image, region: Region) -> None:
        """Initialise a sibling of the tracker, and let a lane go on from its state. None of its frames are staged.

        Other threads may start other lanes, and a block may be running.
        """

    def stage(self, half: int, slot: int, lane: int, image: Image) -> None:
        """Copy a frame, number ``slot`` of its block, of at most ``capacity`` pixels. Lanes may call it in parallel."""

    def launch(self, half: int, counts: Sequence[int]) -> RunningBlock:
        """Start to compute on the first ``counts[lane]`` staged frames of each lane."""

    def prediction(self, answer: NDArray[np.float64]) -> Prediction:
        """Return a row of a block's answers as a prediction, or raise what ``update`` would have raised."""

    def verify_execution(self, tracker: Any) -> None:
        """Raise an ``EvalkitError`` if the first steps, or what the tracker computed, differ too much from torch."""


class DeviceTracker(SplitTracker, Protocol):
    """A ``SplitTracker`` that can advance many lanes on the device of its network."""

    def device_lanes(self, count: int) -> DeviceLanes | None:
        """Return lanes; None where this tracker's rules or runtime have no implementation on a device."""
