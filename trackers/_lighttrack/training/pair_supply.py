"""The pairs of each training step: made where they are used, or ahead by a thread and on a stream of their own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from evalkit.trackers._lighttrack.training.pairs import Pairs, make_pairs
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.tile_bank import TileBank


@dataclass(frozen=True)
class PairRequest:
    """Pairs that a part of a step needs.

    Attributes:
        count: Number of pairs.
        seed: Determines them.
        size: Side of their search crops, in pixels.
    """

    count: int
    seed: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class MadePairs:
    """Pairs, and the CPU seconds that a thread took to make them."""

    pairs: Pairs
    seconds: float


def supply_pairs(bank: TileBank, request: PairRequest) -> MadePairs:
    """Make the pairs of a request."""
    start = time.thread_time()
    pairs = make_pairs(bank, SeededRandom(request.count, *request.seed), request.size)
    return MadePairs(pairs, time.thread_time() - start)


class PairsAhead:
    """Makes the pairs of the next steps while a step is computed; they are the same as without.

    Memory is bounded: the pairs of a step are not made before the device has finished the step ``depth`` before it.

    Args:
        bank: Tiles that pairs are composed of, on the device to make them on.
        requests: Returns the requests of a step.
        steps: Number of steps of the training.
        depth: Number of steps ahead.
    """

    def __init__(
        self, bank: TileBank, requests: Callable[[int], Sequence[PairRequest]], *, steps: int, depth: int
    ) -> None:
        self._bank, self._requests, self._steps, self._depth = bank, requests, steps, depth
        self._device = bank.backgrounds.device
        self._is_cuda = self._device.type == "cuda"
        self._stream: Any = torch.cuda.Stream(self._device) if self._is_cuda else None  # type: ignore[no-untyped-call]
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="pairs", initializer=torch.set_num_threads, initargs=(1,)
        )
        self._queue: deque[tuple[int, Future[tuple[list[MadePairs], Any]]]] = deque()

    def take(self, step: int) -> list[MadePairs]:
        """Return the pairs of a step, for use on the current stream, and start to make those of later steps."""
        if self._queue and self._queue[0][0] != step:
            self._queue.clear()
        before = self._record_event()
        following = step + len(self._queue)
        for one in range(following, min(step + self._depth + 1, max(self._steps, step + 1))):
            self._queue.append((one, self._thread.submit(self._make, one, before)))
        _, future = self._queue.popleft()
        made, event = future.result()
        if event is not None:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(event)
            for tensor in (tensor for one in made for tensor in one.pairs.tensors()):
                tensor.record_stream(stream)
        return made

    def _make(self, step: int, before: Any) -> tuple[list[MadePairs], Any]:
        if self._stream is None:
            return [supply_pairs(self._bank, request) for request in self._requests(step)], None
        before.synchronize()
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            made = [supply_pairs(self._bank, request) for request in self._requests(step)]
            return made, self._record_event()

    def _record_event(self) -> Any:
        if self._stream is None:
            return None
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        return event
