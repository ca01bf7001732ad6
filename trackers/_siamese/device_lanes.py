"""Many Siamese trackers whose states stay on the device: crop, network and locate are one step there.

Frames are uploaded once, as 8-bit pixels. On CUDA a step is captured as a graph for each size of the search crop and
each number of lanes; elsewhere it is called. Answers are copied back at the end of a block of frames.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evalkit.errors import EvalkitError
from evalkit.runtimes.cuda_capture import CapturedFunction
from evalkit.runtimes.first_calls import FirstCalls
from evalkit.runtimes.torch_execution import computing_in, find_device, to_arrays
from evalkit.trackers import _inputs
from evalkit.trackers._siamese.device_step import DeviceModel, DeviceStep, StepTensors
from evalkit.types import Box, Image, Prediction, Region

if TYPE_CHECKING:
    from evalkit.trackers._siamese.tracker import SiameseTracker

FRAME_MEMORY = 2**31
"""Bytes of frames that wait for the device or are on it. Where frames are large, a block has fewer of each lane; it has
one of each lane at least, even where that takes more."""
LONGEST_BLOCK = 16
"""Largest number of frames of a lane in one block."""
_HALVES = 2
"""While the device computes on the frames of one half, the other one is filled."""
_ROUND_PIXELS = 2**14


class SiameseLanes:
    """Trackers in lanes; implements ``evalkit.types.DeviceLanes``.

    Args:
        model: The tracker.
        count: Number of lanes.

    Attributes:
        block: Most frames of a lane in one block.
        capacity: Most pixels of a frame.
    """

    def __init__(self, model: DeviceModel, count: int) -> None:
        self.model = model
        self.count = count
        self.device = find_device(model.execution.device)
        self.block = 0
        self._captures = captures_steps(self.device)
        self._largest_batch = count
        self._first_calls = FirstCalls(model.part, model.execution.runtime, model.execution.precision)
        self._check_first_calls = (model.execution.precision, self.device.type) != ("fp32", "cpu")
        self._search_sizes = [model.values.small] * count
        self._step = DeviceStep(model, count, self.device)
        self._captured: dict[tuple[int, int], CapturedFunction] = {}
        self._host_frames: Any = None
        self._staged: Any = None
        self._lock = threading.Lock()
        on_cuda = self.device.type == "cuda"
        self._starts: Any = torch.cuda.Stream(self.device) if on_cuda else None  # type: ignore[no-untyped-call]
        self._uploads: Any = torch.cuda.Stream(self.device) if on_cuda else None  # type: ignore[no-untyped-call]
        self.capacity = 0
        self.reserve(1)

    def reserve(self, pixels: int) -> None:
        """Make room for frames of a number of pixels; no frames may be staged and no block may be running."""
        if pixels <= self.capacity:
            return
        pixels = -(-max(pixels, self.capacity * 5 // 4) // _ROUND_PIXELS) * _ROUND_PIXELS
        frame_bytes = 3 * pixels * _HALVES * self.count
        self.block = max(1, min(LONGEST_BLOCK, FRAME_MEMORY // frame_bytes))
        self.capacity = pixels
        # Graphs hold the addresses of the old frames; all of these are freed before the new ones are allocated.
        self._captured.clear()
        self._host_frames = self._staged = None
        self._step.allocate_frames(slots := _HALVES * self.block, pixels)
        self._host_frames = self._step.frames[: slots * self.count * pixels]
        if self._captures:
            self._host_frames = empty_pinned(self._host_frames)
        self._staged = self._host_frames.view(slots, self.count, pixels, 3).numpy()
        self._host_sizes = empty_pinned(self._step.sizes) if self._captures else torch.empty_like(self._step.sizes)
        self._host_sizes.fill_(1)
        self._sizes = self._host_sizes.numpy()
        if self.device.type == "cuda":
            # The new memory is cleared on another stream than the one that uploads frames.
            torch.cuda.synchronize(self.device)

    def start(self, lane: int, tracker: SiameseTracker, image: Image, region: Region) -> None:
        """Initialise a tracker, and let a lane continue from its state; the lane's earlier frames must be done.

        On CUDA this happens on a stream of its own, so that it does not wait for the running block.
        """
        with self._lock, torch.inference_mode(), self._on_device(), self._stream(self._starts):
            tracker.initialize(image, region)
            self._search_sizes[lane] = tracker.state.search_size
            self._step.place(lane, tracker.state)
            if self._starts is not None:
                self._starts.synchronize()

    def stage(self, half: int, slot: int, lane: int, image: Image) -> None:
        """Copy a frame to where the next block finds it; frames of different lanes can be copied at the same time.

        Args:
            half: The half that is not used by a running block, 0 or 1.
            slot: Number of the frame in its block.
            lane: The lane.
            image: uint8 (H, W, 3) or (H, W) with at most ``capacity`` pixels.

        Raises:
            EvalkitError: It is not an 8-bit image.
        """
        row = half * self.block + slot
        image = _inputs.as_rgb(image)
        height, width = image.shape[:2]
        np.copyto(self._staged[row, lane, : height * width].reshape(image.shape), image)
        self._sizes[row, lane] = width, height

    def launch(self, half: int, counts: Sequence[int]) -> RunningBlock:
        """Start to compute on the staged frames of a half.

        Args:
            half: 0 or 1.
            counts: Number of staged frames of each lane; 0 for lanes without any.

        Raises:
            EvalkitError: The network's response does not fit the search crop.
            RuntimeError: torch failed, e.g. because there is not enough memory for a single lane.
        """
        threads = self.model.execution.threads
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        # What is captured computes in the precision of the capture; a call needs settings that belong to the process.
        with nullcontext() if self._captures else self._lock, torch.inference_mode(), self._on_device():
            self._upload(half, counts)
            for slot in range(max(counts)):
                lanes = [lane for lane in range(self.count) if counts[lane] > slot]
                for size in sorted({self._search_sizes[lane] for lane in lanes}):
                    of_size = [lane for lane in lanes if self._search_sizes[lane] == size]
                    self._run(size, of_size, half * self.block + slot)
            return RunningBlock(self._step.answers[half * self.block : (half + 1) * self.block])

    def _upload(self, half: int, counts: Sequence[int]) -> None:
        """Copy the frames of a half to the device, on CUDA while it computes on the other half."""
        rows = slice(half * self.block, (half + 1) * self.block)
        with self._stream(self._uploads):
            self._step.sizes[rows].copy_(self._host_sizes[rows], non_blocking=True)
            for lane, count in enumerate(counts if self._captures else ()):
                for slot in range(count):
                    row = rows.start + slot
                    width, height = self._sizes[row, lane]
                    first = (row * self.count + lane) * self.capacity
                    pixels = slice(first, first + int(width * height))
                    self._step.frames[pixels].copy_(self._host_frames[pixels], non_blocking=True)
        if self._uploads is not None:
            torch.cuda.current_stream(self.device).wait_stream(self._uploads)

    def _run(self, size: int, lanes: list[int], row: int) -> None:
        """Compute one step of some lanes; in parts where the device has not enough memory for all of them."""
        for first in range(0, len(lanes), self._largest_batch):
            part = lanes[first : first + self._largest_batch]
            try:
                result = self._call(size, part, row)
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise
                result = None
            if result is None:  # not in the except clause, where the error keeps tensors of the step
                self._captured.clear()
                self._largest_batch = (len(part) + 1) // 2
                self._run(size, lanes[first:], row)
                return
            self._record_first_call(*result)

    def _call(self, size: int, lanes: list[int], row: int) -> StepTensors:
        self._step.prepare(size)
        if not self._captures:
            with computing_in(self.model.execution.precision, self.device):
                return self._step(size, torch.tensor([*lanes, row]))
        # One graph for each of few numbers of lanes; the lane beyond the last one fills the places that are left over.
        padded = min(1 << (len(lanes) - 1).bit_length(), max(self._largest_batch, len(lanes)))
        captured = self._captured.get((size, padded))
        if captured is None:
            captured = self._captured[size, padded] = self._capture(size, padded)
        call = pinned(torch.tensor([*lanes, *[self.count] * (padded - len(lanes)), row]))
        captured.inputs[0].copy_(call, non_blocking=True)
        result: StepTensors = captured.replay()
        return result

    def _capture(self, size: int, lanes: int) -> CapturedFunction:
        # The executions before the capture move states, so all of them are on the lane beyond the last one.
        call = torch.tensor([self.count] * lanes + [0], device=self.device)
        with self._lock, computing_in(self.model.execution.precision, self.device):
            return CapturedFunction(partial(self._step, size), [call], self.device)

    def _stream(self, stream: Any) -> AbstractContextManager[Any]:
        return nullcontext() if stream is None else torch.cuda.stream(stream)

    def _on_device(self) -> AbstractContextManager[Any]:
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

    def _record_first_call(self, inputs: tuple[Tensor, ...], response: tuple[Tensor, ...]) -> None:
        if self._check_first_calls and self._first_calls.wanted:
            self._first_calls.record(
                to_arrays([value[:1] for value in inputs]), to_arrays([value[:1] for value in response])
            )

    def verify_execution(self, tracker: SiameseTracker) -> None:
        """Compare the first steps, and what the tracker computed, with torch in fp32.

        Raises:
            EvalkitError: They differ by more than the tolerance of the precision; the message names the runtime.
        """
        with self._lock:
            self._first_calls.verify()
            tracker.verify_execution()

    def prediction(self, answer: NDArray[np.float64]) -> Prediction:
        """Return a row of answers as a prediction.

        Raises:
            EvalkitError: The network's output contained NaN.
        """
        if answer[5]:
            execution = self.model.execution
            raise EvalkitError(
                "the network output contains NaN",
                where=f"{execution.runtime} {execution.precision} on {execution.device}, lockstep",
                hint="If --engine local gives it as well, the weights have diverged or are damaged, or the precision "
                "is too low for them", exit_code=1,
            )  # fmt: skip
        return Prediction(Box(*answer[:4].tolist()), float(answer[4]))


class RunningBlock:
    """A block of frames that the device computes on."""

    def __init__(self, answers: Tensor) -> None:
        self._event: Any = None
        if answers.device.type == "cuda":
            self._answers = empty_pinned(answers)
            self._answers.copy_(answers, non_blocking=True)
            self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._event.record(torch.cuda.current_stream(answers.device))
        else:
            self._answers = answers.clone()

    def wait(self) -> NDArray[np.float64]:
        """Wait until the block is done and return its answers, shape (frames of a block, lanes + 1, 6)."""
        if self._event is not None:
            self._event.synchronize()
        answers: NDArray[np.float64] = self._answers.numpy()
        return answers


def captures_steps(device: torch.device) -> bool:
    """Return whether steps are captured on a device, which has a memory of its own."""
    return device.type == "cuda"


def pinned(tensor: Tensor) -> Tensor:
    """Return a copy of a tensor in memory that the device can read and write while the host goes on."""
    return tensor.pin_memory()


def empty_pinned(tensor: Tensor) -> Tensor:
    """Return such memory of a tensor's shape and type."""
    return torch.empty_like(tensor, device="cpu", pin_memory=True)
