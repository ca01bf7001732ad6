"""What a session times: the tracker's work on a frame, and not what the tracker is told about it before."""

from __future__ import annotations

import time

import pytest
from moving_square import MovingSquare

from evalkit.protocols.session import Session, TrackerError
from evalkit.types import Annotation, Box, FrameContext, Image, Prediction, Region, Sequence


class Busy:
    """Computes for a while before every frame."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[FrameContext] = []
        self.error = error

    def before_frame(self, context: FrameContext) -> None:
        self.told.append(context)
        if self.error is not None:
            raise self.error
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    def initialize(self, image: Image, region: Region) -> None:
        self.region = region

    def update(self, image: Image) -> Prediction:
        return Prediction(self.region)


def session_of(tracker: Busy, frames: MovingSquare) -> Session:
    video = Sequence("squares", lambda: Annotation(frames.boxes()), frames)
    return Session(tracker, video, origin=1, name="busy")


def test_neither_clock_covers_what_a_tracker_does_before_a_frame() -> None:
    tracker, frames = Busy(), MovingSquare(3)
    session = session_of(tracker, frames)
    for index, image in session.frames():
        if index == 0:
            session.initialize(index, image, Box(10, 10, 20, 20))
        else:
            session.update(index, image)
    track = session.trajectory("one_pass")
    assert len(tracker.told) == 3
    assert track.cpu_seconds < 0.05
    assert track.seconds.sum() < 0.05


def test_an_exception_before_a_frame_names_the_frame() -> None:
    session = session_of(Busy(ValueError("no file")), frames := MovingSquare(3))
    with pytest.raises(TrackerError, match="busy on squares, frame 1: the tracker failed with ValueError: no file"):
        session.initialize(0, frames[0], Box(10, 10, 20, 20))
