"""The only place where a tracker is called: it keeps the clock, shifts the origin and names what fails."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box, shifted
from evalkit.types import Box, Frames, FrameState, Image, Polygon, Prediction, Region, Sequence, Tracker, Trajectory

T = TypeVar("T")


class TrackerError(EvalkitError):
    """The tracker itself failed; the cause is chained, the frame named. The rest of a run goes on."""


class Session:
    """One tracker on one sequence: asks it frame by frame and records what it answers.

    Args:
        tracker: Fresh or used; ``initialize`` resets it.
        sequence: What it is led through.
        origin: Coordinate of the top left pixel in the benchmark's files, 0 or 1. Regions come in and are recorded in
            the files' coordinates; the tracker sees 0-based ones. VOT's are never shifted: pass 0.
        name: The tracker's label.
        order: Frames in the order they are shown; all of the sequence, forwards, if not given. An ``index`` is a
            place in it.
    """

    def __init__(
        self, tracker: Tracker, sequence: Sequence, *, origin: int, name: str, order: range | None = None
    ) -> None:
        self._tracker = tracker
        self._sequence = sequence
        self._origin = origin
        self._name = name
        self._order = range(len(sequence)) if order is None else order
        size = len(self._order)
        self._regions: list[Region | None] = [None] * size
        self._confidence = np.full(size, np.nan)
        self._seconds = np.full(size, np.nan)
        self._states = np.full(size, FrameState.SKIPPED, dtype=np.int8)

    def initialize(self, index: int, image: Image, region: Region) -> float:
        """Start the tracker at ``index``; the given region is recorded as its answer there.

        Returns:
            Seconds spent inside the tracker.
        """
        given = shifted(region, -self._origin, -self._origin)
        _, seconds = self._timed(index, lambda: self._tracker.initialize(image, given))
        self._regions[index] = region
        self._seconds[index] = seconds
        self._states[index] = FrameState.INITIALIZED
        return seconds

    def update(self, index: int, image: Image) -> tuple[Region | None, float]:
        """Ask the tracker about one frame and record the answer.

        Returns:
            The region in the coordinates of the files (None where the tracker gave none) and the seconds spent inside
            the tracker.

        Raises:
            TrackerError: The tracker raised, or answered what is no prediction or not finite: a network that
                diverges is no target that left.
        """
        prediction, seconds = self._timed(index, lambda: self._tracker.update(image))
        self._check(index, prediction)
        region = prediction.region
        if region is not None:
            region = shifted(region, self._origin, self._origin)
        self.record(index, region, FrameState.TRACKED, confidence=prediction.confidence, seconds=seconds)
        return region, seconds

    def record(
        self,
        index: int,
        region: Region | None,
        state: FrameState,
        *,
        confidence: float = math.nan,
        seconds: float = math.nan,
    ) -> None:
        """Note a frame that a protocol decides about without asking the tracker."""
        self._regions[index] = region
        self._states[index] = state
        self._confidence[index] = confidence
        self._seconds[index] = seconds

    def fail(self, index: int) -> None:
        """Turn the answer at a frame into a failure; its confidence and time stay."""
        self._regions[index] = None
        self._states[index] = FrameState.FAILED

    def trajectory(
        self, protocol: str, *, repetition: int = 1, anchor: int | None = None, boxes_only: bool = False
    ) -> Trajectory:
        """Everything recorded so far.

        Args:
            boxes_only: Keep the bounding box of whatever the tracker answered, for benchmarks of boxes.
        """
        boxes = np.full((len(self._regions), 4), np.nan)
        for index, region in enumerate(self._regions):
            if region is not None:
                boxes[index] = bounding_box(region).array()
        return Trajectory(
            tracker=self._name,
            sequence=self._sequence.name,
            protocol=protocol,
            boxes=boxes,
            regions=None if boxes_only else tuple(self._regions),
            confidence=self._confidence,
            seconds=self._seconds,
            states=self._states,
            repetition=repetition,
            anchor=anchor,
        )

    def _check(self, index: int, prediction: object) -> None:
        if not isinstance(prediction, Prediction):
            raise self._unfit(index, "update must return a Prediction", prediction)
        if not isinstance(prediction.region, Region | None):
            raise self._unfit(index, "a Prediction holds a Box, Polygon, Mask or None", prediction.region)
        if not isinstance(prediction.confidence, (float, int, np.floating, np.integer)):
            raise self._unfit(index, "the confidence of a Prediction is a number", prediction.confidence)
        if math.isinf(prediction.confidence):
            raise self._unfit(index, "the confidence of a Prediction is finite, or NaN", prediction.confidence)
        try:
            numbers = _numbers(prediction.region)
        except TypeError:
            raise self._unfit(index, "the coordinates of a region are numbers", prediction.region) from None
        if not all(map(math.isfinite, numbers)):
            raise TrackerError(
                "the tracker answered a region that is not finite", where=self._place(index),
                found=", ".join(f"{number:g}" for number in numbers[:8]),
                hint="Has its network diverged? A tracker that sees no target says so with Prediction(None)",
                exit_code=1,
            )  # fmt: skip

    def _unfit(self, index: int, what: str, answer: object) -> TrackerError:
        return TrackerError(
            what, where=self._place(index),
            found=answer if isinstance(answer, Box | float) else type(answer).__name__,
            hint="`from evalkit import Box, Prediction`; return Prediction(Box(x, y, width, height))", exit_code=1,
        )  # fmt: skip

    def _timed(self, index: int, call: Callable[[], T]) -> tuple[T, float]:
        start = time.perf_counter()
        try:
            answer = call()
        except EvalkitError as error:
            raise TrackerError(
                error.what, where=self._place(index), found=error.found, expected=error.expected, hint=error.hint,
                exit_code=1,
            ) from error  # fmt: skip
        except (Exception, SystemExit) as error:
            raise TrackerError(
                f"the tracker failed with {type(error).__name__}: {error}".removesuffix(": "),
                where=self._place(index),
                exit_code=1,
            ) from error
        return answer, time.perf_counter() - start

    def _place(self, index: int) -> str:
        return f"{self._name} on {self._sequence.name}, frame {self._order[index] + 1}"


def _numbers(region: Region | None) -> list[float]:
    """The coordinates that a region is made of; a mask has none that could be anything but whole."""
    if isinstance(region, Box):
        # Adding refuses text, which float() would read.
        return [float(number + 0.0) for number in (region.x, region.y, region.width, region.height)]
    return [float(value) for value in region.points.ravel()] if isinstance(region, Polygon) else []


_BEGIN = "Annotate this frame, or let the sequence begin where the target is seen"


def starting_region(sequence: Sequence, index: int) -> Region:
    """The annotated region that a tracker is started from.

    Raises:
        EvalkitError: There is no annotation at that frame, or it has no area.
    """
    region = sequence.region(index)
    place = f"{sequence.name}, frame {index + 1}"
    if region is None:
        raise EvalkitError("a tracker cannot start where the groundtruth holds no box (NaN)", where=place, hint=_BEGIN)
    box = bounding_box(region)
    if not (box.width > 0 and box.height > 0):
        raise EvalkitError(
            "a tracker cannot start from a box without area", where=place, found=f"{box.width:g} x {box.height:g}",
            hint=_BEGIN,
        )  # fmt: skip
    return region


def frames_of(sequence: Sequence) -> Frames:
    """The frames of a sequence, as many as annotated rows.

    Raises:
        EvalkitError: There are no frames, or not as many as annotated rows.
    """
    if sequence.frames is None:
        raise EvalkitError(
            "only the annotation is here, tracking needs the frames", where=sequence.name,
            hint="Point --data at the benchmark's full folder",
        )  # fmt: skip
    found, expected = len(sequence.frames), len(sequence)
    if found != expected:
        raise EvalkitError(
            "frames and groundtruth rows do not match", where=sequence.name, found=f"{found} frames",
            expected=f"{expected}, one per row", hint="Is the download complete? `evalkit data check` tells",
        )  # fmt: skip
    return sequence.frames
