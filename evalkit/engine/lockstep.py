"""Track several sequences in step: their crops are one batch through the network.

Each sequence runs under its protocol as usual, in a thread of its own (a lane), with a tracker whose ``update`` crops,
requests the network's response, and locates. When every lane has made a request, all are answered together. Responses
depend on the batch in their last bits, so that boxes equal those of a serial run within a tolerance.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit.engine.lanes import StoppedError, execute_in_lanes
from evalkit.engine.verification import verify_execution
from evalkit.engine.work import Answer, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.types import Image, Prediction, Region, SplitTracker

Arrays: TypeAlias = tuple[NDArray[Any], ...]


def execute(worker: Worker, units: Iterable[Unit], *, lanes: int) -> Iterator[Answer]:
    """Do the units, up to ``lanes`` of them at a time; a few decoded frames of each are in memory.

    Raises:
        EvalkitError: The tracker is not split into crop, network and locate.
    """
    if not isinstance(worker.tracker, SplitTracker):
        raise EvalkitError(f"{worker.job.tracker} cannot run in lockstep: it has no crop, network, locate")
    yield from execute_in_lanes(worker, units, _Batcher(worker.tracker, lanes), count=lanes)


@dataclass(frozen=True)
class _Request:
    inputs: Arrays
    lane: int
    response: Future[Arrays] = field(default_factory=Future)


class _Batcher:
    """Collects the requests of all lanes and answers them as batches.

    Args:
        tracker: See ``Attributes``.
        most: Largest number of lanes at a time, to which batches are padded at most.

    Attributes:
        tracker: The tracker whose siblings run in the lanes and whose network answers all requests.
        network_lock: Held while a network computes, also the template networks in the lanes: runtimes need not be
            re-entrant.
    """

    def __init__(self, tracker: SplitTracker, most: int) -> None:
        self.tracker = tracker
        self.network_lock = threading.Lock()
        self._most = most
        self._inbox: SimpleQueue[_Request | Answer] = SimpleQueue()
        self._requests: list[_Request] = []
        self._opened = self._active = 0
        self._closed = False

    def open_lane(self) -> int:
        """Return the number of a new lane; batches are ordered by it, so that they do not depend on timing."""
        self._active += 1
        self._opened += 1
        return self._opened

    def create_tracker(self, lane: int) -> _Lane:
        """Return the tracker of a lane; called in the lane, as are the next two methods."""
        return _Lane(self, lane)

    def request(self, request: _Request) -> Arrays:
        """Return the network's response once every lane has made a request."""
        self._inbox.put(request)
        if self._closed:
            raise StoppedError
        return request.response.result()

    def finish(self, lane: int, answer: Answer) -> None:
        """Take the answer of a unit that is finished."""
        self._inbox.put(answer)

    def wait_for_lanes(self) -> list[Answer]:
        """Wait until every active lane has made a request or one has finished; return the finished answers."""
        while len(self._requests) < self._active:
            message = self._inbox.get()
            if isinstance(message, Answer):
                self._active -= 1
                return [message]
            self._requests.append(message)
        return []

    def advance(self) -> None:
        """Answer all requests, those with equal shapes together, padded to one of few batch sizes."""
        groups: defaultdict[object, list[_Request]] = defaultdict(list)
        for request in sorted(self._requests, key=lambda one: one.lane):
            groups[tuple((one.shape, one.dtype) for one in request.inputs)].append(request)
        with self.network_lock:
            for group in groups.values():
                self._answer(group)
        self._requests = []

    def _answer(self, group: list[_Request]) -> None:
        try:
            responses = respond(self.tracker.network, [request.inputs for request in group], self._most)
        except (Exception, SystemExit) as error:
            if len(group) == 1:
                group[0].response.set_exception(error)
                return
        else:
            for request, response in zip(group, responses, strict=True):
                request.response.set_result(response)
            return
        # Out of memory, or one invalid input: try again in halves, so that only the failing inputs fail. Not in the
        # except branch, where the error still keeps the network's arrays in memory.
        for half in (group[: len(group) // 2], group[len(group) // 2 :]):
            self._answer(half)

    def close(self) -> None:
        """Make every lane that still runs end at its next request."""
        self._closed = True
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, _Request):
                self._requests.append(message)
        for request in self._requests:
            if not request.response.done():
                request.response.set_exception(StoppedError())


def respond(network: Callable[..., Arrays], inputs: list[Arrays], most: int) -> list[Arrays]:
    """Return the responses to several inputs of equal shapes, computed as one batch.

    The batch is padded to a power of two (at most ``most``) by repeating its last member: runtimes plan, compile or
    capture again for every new size.
    """
    count = len(inputs)
    size = min(1 << (count - 1).bit_length(), max(most, count))
    filled = [*inputs, *[inputs[-1]] * (size - count)]
    stacked = (np.concatenate(column) for column in zip(*filled, strict=True))
    outputs = network(*stacked)
    return [tuple(output[index : index + 1] for output in outputs) for index in range(count)]


class _Lane:
    """The tracker of one sequence, whose network responses come from the batcher."""

    def __init__(self, batcher: _Batcher, number: int) -> None:
        self.batcher = batcher
        self._number = number
        self._tracker = batcher.tracker.sibling()

    def initialize(self, image: Image, region: Region) -> None:
        with self.batcher.network_lock:
            self._tracker.initialize(image, region)

    def update(self, image: Image) -> Prediction:
        response = self.batcher.request(_Request(self._tracker.crop(image), self._number))
        return self._tracker.locate(response)

    def verify_execution(self) -> None:
        with self.batcher.network_lock:
            verify_execution(self._tracker)
