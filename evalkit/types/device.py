"""Trackers whose states stay on a device while many sequences advance together.

Evalkit's own implementation is ``evalkit.trackers._siamese.device_lanes``; the engine that uses it is
``evalkit.engine.resident``.
"""

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
        """Wait until the device has computed the block, and return the answers.

        Returns:
            Shape (F, L, A): F is at least the number of frames of the longest lane in the block, L at least the number
            of lanes, A the numbers of one answer. A row of A numbers is what ``DeviceLanes.prediction`` takes. Rows
            without a staged frame have no meaning. The array is not written again.

        Raises:
            Exception: The device failed; the answers of all lanes in the block are lost.
        """


class DeviceLanes(Protocol):
    """Trackers of one kind, a lane each, whose states stay on a device from frame to frame.

    Lanes are numbered from 0. The memory of frames has two halves, 0 and 1: the device computes on the frames of one,
    a block, while the other one is filled. All lanes advance by a block of frames at a time, which may hold another
    number of frames of each lane.

    Attributes:
        block: Largest number of frames of a lane in one block; ``reserve`` may change it.
        capacity: Largest number of pixels, height times width, of a frame; ``reserve`` increases it.
    """

    block: int
    capacity: int

    def reserve(self, pixels: int) -> None:
        """Make room for larger frames; called while no frame is staged and no block is running.

        Args:
            pixels: Height times width of the largest frame; ``capacity`` is at least this afterwards.

        Raises:
            Exception: The device has not enough memory.
        """

    def start(self, lane: int, tracker: Any, image: Image, region: Region) -> None:
        """Initialise a tracker, and let a lane continue from its state.

        It is called in the thread of the lane, none of whose frames are staged or in a running block. Other threads may
        start other lanes at the same time, and a block of other lanes may be running.

        Args:
            lane: The lane.
            tracker: A sibling of the tracker that gave these lanes; only this lane uses it.
            image: The first image, uint8 (H, W, 3), RGB.
            region: The target in it, in 0-based pixels.

        Raises:
            Exception: What ``Tracker.initialize`` raises.
        """

    def stage(self, half: int, slot: int, lane: int, image: Image) -> None:
        """Copy a frame into the memory of frames; threads of other lanes may do so at the same time.

        Args:
            half: The half that is being filled, 0 or 1.
            slot: Number of the frame among those of its lane in the block: from 0, less than ``block``.
            lane: The lane.
            image: uint8 (H, W, 3), RGB, of at most ``capacity`` pixels; it is not used after the call.

        Raises:
            EvalkitError: It is not an 8-bit image.
        """

    def launch(self, half: int, counts: Sequence[int]) -> RunningBlock:
        """Start to compute on the staged frames of a half, and return before the device is done where it can.

        Args:
            half: 0 or 1.
            counts: Number of staged frames of each lane, in the order of the lanes; 0 for a lane without any.

        Raises:
            Exception: The device failed; no frame of the block is answered.
        """

    def prediction(self, answer: NDArray[np.float64]) -> Prediction:
        """Return one answer as a prediction.

        Args:
            answer: Shape (A,): a row of what ``RunningBlock.wait`` returned.

        Returns:
            What ``Tracker.update`` would have returned for that frame, in 0-based pixels; the last bits may differ.

        Raises:
            EvalkitError: ``update`` would have raised it, e.g. because the network's output contains NaN.
        """

    def verify_execution(self, tracker: Any) -> None:
        """Compare the outputs of the first steps, and of the tracker's own networks, with those of torch in fp32.

        It is called in the thread of a lane after a sequence, where no clock runs.

        Args:
            tracker: The tracker that gave these lanes.

        Raises:
            EvalkitError: They differ by more than the tolerance of the precision; the message names the runtime.
        """


class DeviceTracker(SplitTracker, Protocol):
    """A ``SplitTracker`` that can advance many lanes on the device of its network."""

    def device_lanes(self, count: int) -> DeviceLanes | None:
        """Return lanes for up to ``count`` sequences at a time; each call allocates memory on the device.

        Returns:
            The lanes; None where the tracker's rules or runtime have no implementation on a device, so that only its
            network is computed in batches.
        """
