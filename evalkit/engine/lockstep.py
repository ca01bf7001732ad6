"""Many sequences advance together: their crops are one batch through the network.

Each sequence is led by its protocol as always, in a thread of its own, with a tracker whose ``update`` crops, asks for
the network's response, and locates. When every lane has asked, the requests are answered together. A response depends
on the batch it was computed in by a few units of the last place, so boxes equal the serial run's within a tolerance.
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

from evalkit.engine.work import Answer, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.types import Image, Prediction, Region, SplitTracker

Arrays: TypeAlias = tuple[NDArray[Any], ...]


def execute(worker: Worker, units: Iterable[Unit], *, lanes: int) -> Iterator[Answer]:
    """Do the units, up to ``lanes`` of them at a time; memory holds a few decoded frames of each.

    Raises:
        EvalkitError: The tracker is not made of crop, network and locate.
    """
    if not isinstance(worker.tracker, SplitTracker):
        raise EvalkitError(f"{worker.job.tracker} cannot run in lockstep: it has no crop, network, locate")
    table = _Table(worker.tracker)
    waiting = iter(units)
    active = 0
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        try:
            while True:
                for unit in islice(waiting, lanes - active):
                    pool.submit(_lead, worker, unit, _Lane(table, table.new_number()))
                    active += 1
                if active == 0:
                    return
                finished = table.gather(active)
                active -= len(finished)
                yield from finished
                if not finished:
                    table.serve(lanes)
        finally:
            table.close()


def _lead(worker: Worker, unit: Unit, lane: _Lane) -> None:
    lane.table.finish(worker.track(unit, lane))


@dataclass(frozen=True)
class _Request:
    inputs: Arrays
    lane: int
    response: Future[Arrays] = field(default_factory=Future)


class _StoppedError(Exception):
    """Ends a lane whose engine was told to stop."""


class _Table:
    """Where lanes put their requests, and where they are answered.

    Attributes:
        tracker: Its siblings run in the lanes; its network answers them all.
        quiet: Held while the network computes: template networks run in the lanes, and no runtime has to bear two
            computations at once.
    """

    def __init__(self, tracker: SplitTracker) -> None:
        self.tracker = tracker
        self.quiet = threading.Lock()
        self._inbox: SimpleQueue[_Request | Answer] = SimpleQueue()
        self._requests: list[_Request] = []
        self._lanes = 0
        self._closed = False

    def new_number(self) -> int:
        """For a new lane: batches are ordered by it, so that they do not depend on timing."""
        self._lanes += 1
        return self._lanes

    def ask(self, request: _Request) -> Arrays:
        """Called in a lane: the network's response, once everybody has asked."""
        self._inbox.put(request)
        if self._closed:
            raise _StoppedError
        return request.response.result()

    def finish(self, answer: Answer) -> None:
        """Called in a lane: its unit is done."""
        self._inbox.put(answer)

    def gather(self, active: int) -> list[Answer]:
        """Wait until every active lane has asked or one has finished; returns those that have finished."""
        while len(self._requests) < active:
            message = self._inbox.get()
            if isinstance(message, Answer):
                return [message]
            self._requests.append(message)
        return []

    def serve(self, most: int) -> None:
        """Answer all requests, those of equal shapes together, padded to one of few batch sizes."""
        groups: defaultdict[object, list[_Request]] = defaultdict(list)
        for request in sorted(self._requests, key=lambda one: one.lane):
            groups[tuple((one.shape, one.dtype) for one in request.inputs)].append(request)
        with self.quiet:
            for group in groups.values():
                self._answer(group, most)
        self._requests = []

    def _answer(self, group: list[_Request], most: int) -> None:
        try:
            responses = respond(self.tracker.network, [request.inputs for request in group], most)
        except Exception as error:
            if len(group) == 1:
                group[0].response.set_exception(error)
                return
        else:
            for request, response in zip(group, responses, strict=True):
                request.response.set_result(response)
            return
        # Too much for the memory, or one bad input: in halves, so that only the guilty fail. Not in the branch above,
        # where the error still holds what the network had in memory.
        for half in (group[: len(group) // 2], group[len(group) // 2 :]):
            self._answer(half, most)

    def close(self) -> None:
        """Let every lane that still runs end at its next request."""
        self._closed = True
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, _Request):
                self._requests.append(message)
        for request in self._requests:
            if not request.response.done():
                request.response.set_exception(_StoppedError())


def respond(network: Callable[..., Arrays], inputs: list[Arrays], most: int) -> list[Arrays]:
    """The responses to several inputs of equal shapes, computed as one batch.

    The batch is filled up to a power of two (``most`` at the utmost) by repeating its last member: runtimes plan,
    compile or capture anew for every size they meet.
    """
    count = len(inputs)
    size = min(1 << (count - 1).bit_length(), max(most, count))
    filled = [*inputs, *[inputs[-1]] * (size - count)]
    stacked = (np.concatenate(column) for column in zip(*filled, strict=True))
    outputs = network(*stacked)
    return [tuple(output[index : index + 1] for output in outputs) for index in range(count)]


class _Lane:
    """The tracker that a protocol leads through one sequence."""

    def __init__(self, table: _Table, number: int) -> None:
        self.table = table
        self._number = number
        self._tracker = table.tracker.sibling()

    def initialize(self, image: Image, region: Region) -> None:
        with self.table.quiet:
            self._tracker.initialize(image, region)

    def update(self, image: Image) -> Prediction:
        response = self.table.ask(_Request(self._tracker.crop(image), self._number))
        return self._tracker.locate(response)
