"""The only module that calls a tracker: it measures time, shifts the origin, and reports failures with their frame."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box, shifted
from evalkit.io.frames import ahead
from evalkit.types import (
    Box,
    ContextTracker,
    DeferringTracker,
    FrameContext,
    Frames,
    FrameState,
    Image,
    Polygon,
    Prediction,
    Region,
    Sequence,
    Tracker,
    Trajectory,
)

T = TypeVar("T")


class TrackerError(EvalkitError):
    """The tracker failed on a frame; its exception is chained. Other sequences of a run are not affected."""


class Session:
    """Run a tracker on a sequence frame by frame, and record its answers.

    Args:
        tracker: Fresh or used; ``initialize`` resets it.
        sequence: The sequence to track.
        origin: Coordinate of the top left pixel in the files of the dataset, 0 or 1. Given and recorded regions have
            the coordinates of the files; the tracker sees 0-based ones. VOT's are never shifted: pass 0.
        name: Label of the tracker.
        order: Frames in the order in which they are shown; by default all of the sequence, forwards. An ``index`` is a
            position in it.
    """

    def __init__(
        self, tracker: Tracker, sequence: Sequence, *, origin: int, name: str, order: range | None = None
    ) -> None:
        self._tracker = tracker
        self._informed = tracker if isinstance(tracker, ContextTracker) else None
        self._sequence = sequence
        self._origin = origin
        self._name = name
        self._order = range(len(sequence)) if order is None else order
        size = len(self._order)
        self._regions: list[Region | None] = [None] * size
        self._confidence = np.full(size, np.nan)
        self._seconds = np.full(size, np.nan)
        self._cpu_seconds = 0.0
        self._states = np.full(size, FrameState.SKIPPED, dtype=np.int8)
        self._deferring = tracker if isinstance(tracker, DeferringTracker) else None
        self._deferred: list[tuple[int, Callable[[], Prediction]]] = []

    def frames(self) -> Iterator[tuple[int, Image]]:
        """Yield the position and the image of every frame in order; images are decoded ahead, in a thread.

        They are decoded here if the tracker is a ``DeferringTracker``, which does not compute meanwhile.

        Raises:
            EvalkitError: There are no frames, not as many as annotated rows, or a frame cannot be read.
        """
        frames = frames_of(self._sequence)
        return enumerate(map(frames.__getitem__, self._order) if self._deferring else ahead(frames, self._order))

    def initialize(self, index: int, image: Image, region: Region) -> float:
        """Initialise the tracker at ``index``; the given region is recorded as its answer there.

        Returns:
            Seconds spent inside the tracker.
        """
        given = shifted(region, -self._origin, -self._origin)
        self._tell(index, image, given)
        _, seconds = self._timed(index, lambda: self._tracker.initialize(image, given))
        self._regions[index] = region
        self._seconds[index] = seconds
        self._states[index] = FrameState.INITIALIZED
        return seconds

    def update(self, index: int, image: Image) -> tuple[Region | None, float]:
        """Call the tracker's update on one frame and record the answer.

        Returns:
            The region in the coordinates of the files, None where the tracker gave none, and the seconds spent inside
            the tracker.

        Raises:
            TrackerError: The tracker raised an exception, or its answer is not a ``Prediction`` or not finite. NaN, as
                a diverged network gives, does not mean that the target has left.
        """
        self._tell(index, image)
        prediction, seconds = self._timed(index, lambda: self._tracker.update(image))
        return self._record_prediction(index, prediction, seconds), seconds

    def update_later(self, index: int, image: Image) -> None:
        """Call the tracker's update on a frame where the protocol does not need the answer to go on.

        A ``DeferringTracker`` then gets the next frames before it has answered this one. ``trajectory`` waits for the
        answers.

        Raises:
            TrackerError: See ``update``; for a deferred answer, ``trajectory`` raises it.
        """
        deferring = self._deferring
        if deferring is None:
            self.update(index, image)
            return
        self._tell(index, image)
        answer, _ = self._timed(index, lambda: deferring.update_later(image))
        self._deferred.append((index, answer))

    def _record_prediction(self, index: int, prediction: Prediction, seconds: float) -> Region | None:
        self._check(index, prediction)
        region = prediction.region
        if region is not None:
            region = shifted(region, self._origin, self._origin)
        self.record(index, region, FrameState.TRACKED, confidence=prediction.confidence, seconds=seconds)
        return region

    def _wait_for_deferred(self) -> None:
        deferred, self._deferred = self._deferred, []
        for index, answer in deferred:
            prediction, seconds = self._timed(index, answer)
            self._record_prediction(index, prediction, seconds)

    def record(
        self,
        index: int,
        region: Region | None,
        state: FrameState,
        *,
        confidence: float = math.nan,
        seconds: float = math.nan,
    ) -> None:
        """Record a frame on which the protocol does not call the tracker."""
        self._regions[index] = region
        self._states[index] = state
        self._confidence[index] = confidence
        self._seconds[index] = seconds

    def mark_failed(self, index: int) -> None:
        """Replace the answer at a frame by a failure; its confidence and time are kept."""
        self._regions[index] = None
        self._states[index] = FrameState.FAILED

    def confidence(self, index: int) -> float:
        """Return the recorded confidence of a frame; NaN where the tracker gave none."""
        return float(self._confidence[index])

    def trajectory(
        self,
        protocol: str,
        *,
        repetition: int = 1,
        anchor: int | None = None,
        boxes_only: bool = False,
        length: int | None = None,
    ) -> Trajectory:
        """Return what was recorded, after waiting for the answers that ``update_later`` deferred.

        Args:
            protocol: Name of the protocol.
            repetition: Number of the repetition, counted from 1.
            anchor: Frame that a multi-start run began at, 0-based.
            boxes_only: Keep only the bounding boxes of the answers, for benchmarks of boxes.
            length: Number of frames from the first one on; all by default.
        """
        self._wait_for_deferred()
        regions = self._regions[:length]
        boxes = np.full((len(regions), 4), np.nan)
        for index, region in enumerate(regions):
            if region is not None:
                boxes[index] = bounding_box(region).array()
        return Trajectory(
            tracker=self._name,
            sequence=self._sequence.name,
            protocol=protocol,
            boxes=boxes,
            regions=None if boxes_only else tuple(regions),
            confidence=self._confidence[:length],
            seconds=self._seconds[:length],
            cpu_seconds=self._cpu_seconds,
            states=self._states[:length],
            repetition=repetition,
            anchor=anchor,
            video=self._sequence.video,
        )

    def _tell(self, index: int, image: Image, region: Region | None = None) -> None:
        """Tell the tracker about the frame before the clock starts, if it wants to know."""
        informed = self._informed
        if informed is not None:
            context = FrameContext(self._sequence, self._order[index:], self._origin, image, region)
            self._guarded(index, lambda: informed.before_frame(context))

    def _check(self, index: int, prediction: object) -> None:
        if not isinstance(prediction, Prediction):
            raise self._invalid(index, "update must return a Prediction", prediction)
        if not isinstance(prediction.region, Region | None):
            raise self._invalid(index, "a Prediction holds a Box, Polygon, Mask or None", prediction.region)
        if not isinstance(prediction.confidence, (float, int, np.floating, np.integer)):
            raise self._invalid(index, "the confidence of a Prediction is a number", prediction.confidence)
        if math.isinf(prediction.confidence):
            raise self._invalid(index, "the confidence of a Prediction is finite, or NaN", prediction.confidence)
        try:
            numbers = _coordinates(prediction.region)
        except TypeError:
            raise self._invalid(index, "the coordinates of a region are numbers", prediction.region) from None
        if not all(map(math.isfinite, numbers)):
            raise TrackerError(
                "the tracker answered a region that is not finite", where=self._frame(index),
                found=", ".join(f"{number:g}" for number in numbers[:8]),
                hint="Has its network diverged? A tracker that does not see the target returns Prediction(None)",
                exit_code=1,
            )  # fmt: skip

    def _invalid(self, index: int, what: str, answer: object) -> TrackerError:
        return TrackerError(
            what, where=self._frame(index),
            found=answer if isinstance(answer, Box | float) else type(answer).__name__,
            hint="`from evalkit import Box, Prediction`; return Prediction(Box(x, y, width, height))", exit_code=1,
        )  # fmt: skip

    def _timed(self, index: int, call: Callable[[], T]) -> tuple[T, float]:
        cpu, start = time.thread_time(), time.perf_counter()
        answer = self._guarded(index, call)
        seconds = time.perf_counter() - start
        self._cpu_seconds += time.thread_time() - cpu
        return answer, seconds

    def _guarded(self, index: int, call: Callable[[], T]) -> T:
        """Call the tracker; what it raises becomes a ``TrackerError`` that names the frame."""
        try:
            return call()
        except EvalkitError as error:
            raise TrackerError(
                error.what, where=self._frame(index), found=error.found, expected=error.expected, hint=error.hint,
                exit_code=1,
            ) from error  # fmt: skip
        except (Exception, SystemExit) as error:
            raise TrackerError(
                f"the tracker failed with {type(error).__name__}: {error}".removesuffix(": "),
                where=self._frame(index),
                exit_code=1,
            ) from error

    def _frame(self, index: int) -> str:
        return f"{self._name} on {self._sequence.name}, frame {self._order[index] + 1}"


def _coordinates(region: Region | None) -> list[float]:
    """Return the coordinates of a box or polygon; a mask has only integers, which are always finite."""
    if isinstance(region, Box):
        # Addition raises TypeError for text, which float() would accept.
        return [float(number + 0.0) for number in (region.x, region.y, region.width, region.height)]
    return [float(value) for value in region.points.ravel()] if isinstance(region, Polygon) else []


_START_HINT = "Annotate this frame, or begin the sequence where the target is visible"


def starting_region(sequence: Sequence, index: int) -> Region:
    """Return the annotated region that a tracker is initialised with.

    Raises:
        EvalkitError: There is no annotation at that frame, or it has no area.
    """
    region = sequence.region(index)
    place = f"{sequence.name}, frame {index + 1}"
    if region is None:
        raise EvalkitError(
            "a tracker cannot start where the groundtruth holds no box (NaN)", where=place, hint=_START_HINT
        )
    box = bounding_box(region)
    if not (box.width > 0 and box.height > 0):
        raise EvalkitError(
            "a tracker cannot start from a box without area", where=place, found=f"{box.width:g} x {box.height:g}",
            hint=_START_HINT,
        )  # fmt: skip
    return region


_COUNT_HINT = "Is the download complete? `evalkit data check` lists what is missing"
_SURPLUS_HINT = (
    "Remove the surplus frames, or add a row nan,nan,nan,nan for each frame without annotation; those at the end of a "
    "video are the last rows"
)


def frames_of(sequence: Sequence) -> Frames:
    """Return the frames of a sequence, after checking that there are as many as annotated rows.

    Raises:
        EvalkitError: There are no frames, or not as many as annotated rows.
    """
    if sequence.frames is None:
        raise EvalkitError(
            "there are no frames, only the annotation; tracking needs the frames", where=sequence.name,
            hint="Point --data at the benchmark's full folder",
        )  # fmt: skip
    found, expected = len(sequence.frames), len(sequence)
    if found != expected:
        raise EvalkitError(
            "frames and groundtruth rows do not match", where=sequence.name, found=f"{found} frames",
            expected=f"{expected}, one per row",
            hint=_COUNT_HINT if found < expected else _SURPLUS_HINT,
        )  # fmt: skip
    return sequence.frames
