"""Track several sequences in step with all states on a device: only frames go there, and only boxes come back.

Each sequence runs under its protocol as usual, in a thread of its own (a lane). Its frames are decoded there and copied
into a half of the device's memory of frames. When every lane has filled its block, or waits for answers, the device
computes on that half, while the lanes fill the other one. A protocol that needs an answer before it goes on gets it
after a block of one frame.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.engine.lanes import StoppedError, execute_in_lanes
from evalkit.engine.work import Answer, Unit, Worker
from evalkit.types import DeviceLanes, Image, Prediction, Region, RunningBlock


def execute(worker: Worker, units: Iterable[Unit], lanes: DeviceLanes, *, count: int) -> Iterator[Answer]:
    """Do the units, up to ``count`` of them at a time.

    Args:
        worker: Its tracker is a ``DeviceTracker``.
        units: Units of work.
        lanes: The lanes that the tracker returned for ``count``.
        count: Number of lanes. Memory grows with it, not with the number of units.
    """
    return execute_in_lanes(worker, units, _Blocks(worker.tracker, lanes, count), count=count)


@dataclass(eq=False)
class _Lane:
    """State of a lane as the engine sees it; changed under the engine's lock.

    Attributes:
        number: Its number.
        staged: Frames in the half that is being filled.
        launched: Frames in the block that the device computes on.
        awaited: Number of answers that it waits for; until they are there, it does not fill its block.
        waits_to_stage: True while it has a frame and no room for it.
        pixels: Pixels of that frame.
        taken: Number of frames that it has staged so far.
        answers: Rows of answers, in the order of these frames.
        error: Why its frames cannot be answered.
    """

    number: int
    staged: int = 0
    launched: int = 0
    awaited: int = 0
    waits_to_stage: bool = False
    pixels: int = 0
    taken: int = 0
    answers: list[NDArray[np.float64]] = field(default_factory=list)
    error: BaseException | None = None


class _Blocks:
    """Collects the frames of all lanes and lets the device compute on them block by block.

    Attributes:
        active: Lanes that do a unit.
    """

    def __init__(self, tracker: Any, lanes: DeviceLanes, count: int) -> None:
        self.tracker = tracker
        self.active: list[_Lane] = []
        self._free = deque(range(count))
        self._lanes = lanes
        self._count = count
        lock = threading.Lock()
        self._all_ready, self._changed = threading.Condition(lock), threading.Condition(lock)
        self._finished: list[tuple[_Lane, Answer]] = []
        self._half = 0
        self._filling = True
        self._needs_memory = False
        self._running: RunningBlock | None = None
        self._closed = False

    def open_lane(self) -> _Lane:
        """Return a lane for a unit, with a free number."""
        lane = _Lane(self._free.popleft())
        self.active.append(lane)
        return lane

    def create_tracker(self, lane: _Lane) -> _LaneTracker:
        """Return the tracker of a lane."""
        return _LaneTracker(self, lane)

    def wait_for_lanes(self) -> list[Answer]:
        """Wait until every active lane is ready for a block or one has finished; return the finished answers."""
        with self._all_ready:
            self._all_ready.wait_for(lambda: self._finished or all(map(self._is_ready, self.active)))
            finished, self._finished = self._finished, []
        if any(lane.launched for lane, _ in finished):
            # A lane that failed is not used again while the device computes on its last frames.
            self._deliver()
        for lane, _ in finished:
            self.active.remove(lane)
            self._free.append(lane.number)
        return [answer for _, answer in finished]

    def _is_ready(self, lane: _Lane) -> bool:
        # From counts, because a lane that has got what it waits for may not have noticed yet.
        waits = lane.awaited > len(lane.answers) and lane.error is None
        full = lane.staged >= self._lanes.block
        return waits or full or (lane.waits_to_stage and self._needs_memory)

    def _largest_waiting(self) -> int:
        """Return the pixels of the largest frame that waits to be staged."""
        return max((lane.pixels for lane in self.active if lane.waits_to_stage), default=0)

    def advance(self) -> None:
        """Start the block of the staged frames, and deliver the answers of the one before; all lanes are ready."""
        with self._changed:
            self._filling = False
            counts = [0] * self._count
            for lane in self.active:
                counts[lane.number] = lane.staged
        block = self._launch(counts) if any(counts) else None
        # The device already computes on the new block while the answers of the one before are waited for.
        self._deliver()
        with self._changed:
            self._running = block
            for lane in self.active:
                lane.launched, lane.staged = (lane.staged if block is not None else 0), 0
            if block is not None:
                self._half = 1 - self._half
            elif self._needs_memory:
                if (pixels := self._largest_waiting()) > self._lanes.capacity:
                    self._lanes.reserve(pixels)
                self._needs_memory = False
            self._filling = True
            self._changed.notify_all()

    def _launch(self, counts: list[int]) -> RunningBlock | None:
        try:
            return self._lanes.launch(self._half, counts)
        except Exception as error:
            self._fail([lane for lane in self.active if counts[lane.number]], error)
            return None

    def _deliver(self) -> None:
        """Give the lanes the answers of the running block, if there is one."""
        if self._running is None:
            return
        block, self._running = self._running, None
        try:
            answers = block.wait()
        except Exception as error:
            self._fail([lane for lane in self.active if lane.launched], error)
            return
        with self._changed:
            for lane in self.active:
                lane.answers.extend(answers[: lane.launched, lane.number].copy())
                lane.launched = 0
            self._changed.notify_all()

    def _fail(self, lanes: list[_Lane], error: Exception) -> None:
        with self._changed:
            for lane in lanes:
                lane.error, lane.launched = error, 0
            self._changed.notify_all()

    def initialize(self, lane: _Lane, image: Image, region: Region) -> None:
        """Initialise a tracker and put its state into a lane; called in the lane, as are the next methods."""
        with self._changed:
            self._wait_for_answers(lane, lane.taken)
        self._lanes.start(lane.number, self.tracker.sibling(), image, region)

    def stage(self, lane: _Lane, image: Image) -> int:
        """Put a frame into the next block, and return its number among the frames of the lane."""
        lane.pixels = image.shape[0] * image.shape[1]
        # Without the lock: a block begins only when this lane is ready for it, which it is not while it has room.
        if not self._can_stage(lane) or lane.error is not None:
            self._wait_to_stage(lane)
        self._lanes.stage(self._half, lane.staged, lane.number, image)
        lane.taken += 1
        lane.staged += 1
        if lane.staged >= self._lanes.block:
            with self._all_ready:
                self._all_ready.notify()
        return lane.taken - 1

    def _wait_to_stage(self, lane: _Lane) -> None:
        with self._changed:
            lane.waits_to_stage = True
            self._needs_memory = self._needs_memory or lane.pixels > self._lanes.capacity
            self._all_ready.notify()
            self._wait(lambda: self._can_stage(lane) or lane.error is not None)
            lane.waits_to_stage = False
            if lane.error is not None:
                raise lane.error

    def _can_stage(self, lane: _Lane) -> bool:
        room = lane.staged < self._lanes.block and lane.pixels <= self._lanes.capacity
        return self._filling and room and not self._needs_memory

    def answer(self, lane: _Lane, number: int) -> Prediction:
        """Wait for the answer of a frame, and return or raise it."""
        with self._changed:
            self._wait_for_answers(lane, number + 1)
            return self._lanes.prediction(lane.answers[number])

    def _wait_for_answers(self, lane: _Lane, count: int) -> None:
        if len(lane.answers) < count and lane.error is None:
            lane.awaited = count
            self._all_ready.notify()
            self._wait(lambda: len(lane.answers) >= count or lane.error is not None)
        if lane.error is not None:
            raise lane.error

    def finish(self, lane: _Lane, answer: Answer) -> None:
        """Take the answer of a unit that is finished."""
        with self._all_ready:
            self._finished.append((lane, answer))
            self._all_ready.notify()

    def _wait(self, ready: Callable[[], object]) -> None:
        self._changed.wait_for(lambda: self._closed or ready())
        if self._closed:
            raise StoppedError

    def verify(self) -> None:
        """Compare the first outputs of the networks in the lanes with those of torch in fp32."""
        self._lanes.verify_execution(self.tracker)

    def close(self) -> None:
        """Make every lane that still runs end at its next frame."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _LaneTracker:
    """The tracker of one sequence, whose frames a device computes on."""

    def __init__(self, engine: _Blocks, lane: _Lane) -> None:
        self._engine = engine
        self._lane = lane

    def initialize(self, image: Image, region: Region) -> None:
        self._engine.initialize(self._lane, image, region)

    def update(self, image: Image) -> Prediction:
        return self.update_later(image)()

    def update_later(self, image: Image) -> Callable[[], Prediction]:
        number = self._engine.stage(self._lane, image)
        return lambda: self._engine.answer(self._lane, number)

    def verify_execution(self) -> None:
        self._engine.verify()
