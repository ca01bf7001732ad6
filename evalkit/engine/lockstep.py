"""Track several sequences in step: their crops are one batch through the network.

Each sequence runs under its protocol as usual, in a thread of its own (a lane), with a tracker whose ``update`` crops,
requests the network's response, and locates. When every lane has made a request, all are answered together. Responses
depend on the batch in their last bits, so that boxes equal those of a serial run within a tolerance.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit.engine.verification import verify_execution
from evalkit.engine.work import Answer, Unit, Worker, failure
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
    batcher = _Batcher(worker.tracker)
    waiting = iter(units)
    active = 0
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        try:
            while True:
                for unit in islice(waiting, lanes - active):
                    pool.submit(_run_lane, worker, unit, batcher, batcher.new_number())
                    active += 1
                if active == 0:
                    return
                finished = batcher.wait_for_lanes(active)
                active -= len(finished)
                yield from finished
                if not finished:
                    batcher.answer_requests(lanes)
        finally:
            batcher.close()


def _run_lane(worker: Worker, unit: Unit, batcher: _Batcher, number: int) -> None:
    try:
        answer = worker.track(unit, _Lane(batcher, number))
    except BaseException as error:
        answer = failure(unit, error)
    batcher.finish(answer)


@dataclass(frozen=True)
class _Request:
    inputs: Arrays
    lane: int
    response: Future[Arrays] = field(default_factory=Future)


class _StoppedError(Exception):
    """Ends a lane after its engine was stopped."""


class _Batcher:
    """Collects the requests of all lanes and answers them as batches.

    Attributes:
        tracker: The tracker whose siblings run in the lanes and whose network answers all requests.
        network_lock: Held while a network computes, also the template networks in the lanes: runtimes need not be
            re-entrant.
    """

    def __init__(self, tracker: SplitTracker) -> None:
        self.tracker = tracker
        self.network_lock = threading.Lock()
        self._inbox: SimpleQueue[_Request | Answer] = SimpleQueue()
        self._requests: list[_Request] = []
        self._lanes = 0
        self._closed = False

    def new_number(self) -> int:
        """Return the number of a new lane; batches are ordered by it, so that they do not depend on timing."""
        self._lanes += 1
        return self._lanes

    def request(self, request: _Request) -> Arrays:
        """Return the network's response once every lane has made a request; called in a lane."""
        self._inbox.put(request)
        if self._closed:
            raise _StoppedError
        return request.response.result()

    def finish(self, answer: Answer) -> None:
        """Take the answer of a unit that is finished; called in its lane."""
        self._inbox.put(answer)

    def wait_for_lanes(self, active: int) -> list[Answer]:
        """Wait until every active lane has made a request or one has finished; return the finished answers."""
        while len(self._requests) < active:
            message = self._inbox.get()
            if isinstance(message, Answer):
                return [message]
            self._requests.append(message)
        return []

    def answer_requests(self, most: int) -> None:
        """Answer all requests, those with equal shapes together, padded to one of few batch sizes."""
        groups: defaultdict[object, list[_Request]] = defaultdict(list)
        for request in sorted(self._requests, key=lambda one: one.lane):
            groups[tuple((one.shape, one.dtype) for one in request.inputs)].append(request)
        with self.network_lock:
            for group in groups.values():
                self._answer(group, most)
        self._requests = []

    def _answer(self, group: list[_Request], most: int) -> None:
        try:
            responses = respond(self.tracker.network, [request.inputs for request in group], most)
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
            self._answer(half, most)

    def close(self) -> None:
        """Make every lane that still runs end at its next request."""
        self._closed = True
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, _Request):
                self._requests.append(message)
        for request in self._requests:
            if not request.response.done():
                request.response.set_exception(_StoppedError())


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
