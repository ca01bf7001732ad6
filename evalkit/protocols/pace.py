"""The rule of VOT's realtime experiment for trackers that are slower than the video, from measured seconds."""

from __future__ import annotations

from evalkit.protocols.session import Session
from evalkit.types import FrameState, Image, Region

DEFAULT_FPS = 20.0
"""Frame rate of a video without a stated one. Source: the VOT toolkit's realtime configuration."""


class Pace:
    """Decide, frame by frame, whether a tracker is still busy with an earlier frame.

    The time that a slow answer needs beyond its own frame is a debt, which each following frame reduces by an interval.
    While the debt is more than an interval, the tracker is not called and its last answer is repeated. The first slow
    frames after each start, the grace, cause no debt.

    Args:
        interval: Seconds from frame to frame.
        grace: Number of slow frames after each start that cause no debt.

    Attributes:
        last_answer: The region that is repeated while the tracker is busy.

    Source: ``RealtimeTrackerRuntime`` of the VOT toolkit.
    """

    def __init__(self, interval: float, grace: int) -> None:
        self._interval = interval
        self._grace = grace
        self._grace_left = 0
        self._debt = 0.0
        self.last_answer: Region | None = None

    def started(self, region: Region, seconds: float) -> None:
        """Record that the tracker was initialised with a region, which took ``seconds``."""
        self._grace_left = self._grace
        self.answered(region, seconds)

    def answered(self, region: Region | None, seconds: float) -> None:
        """Record that the tracker answered ``region`` and took ``seconds``."""
        self._debt = 0.0
        self.last_answer = region
        if seconds <= self._interval:
            return
        if self._grace_left > 0:
            self._grace_left -= 1
        else:
            self._debt = seconds - self._interval

    def is_busy(self) -> bool:
        """Return whether the next frame arrives before the tracker is ready, and reduce the debt if it does."""
        if self._debt <= self._interval:
            return False
        self._debt -= self._interval
        return True


def update_in_time(
    session: Session, index: int, image: Image, pace: Pace | None, *, needed: bool = True
) -> Region | None:
    """Return the tracker's answer on a frame, or its last answer while it is busy.

    Args:
        pace: None: frames wait for the tracker, which is never busy.
        needed: False where the caller does not use the answer. Without a pace, it may then come later, and None is
            returned.
    """
    if pace is None and not needed:
        session.update_later(index, image)
        return None
    if pace is None:
        return session.update(index, image)[0]
    if pace.is_busy():
        session.record(index, pace.last_answer, FrameState.TRACKED)
        return pace.last_answer
    region, seconds = session.update(index, image)
    pace.answered(region, seconds)
    return region
