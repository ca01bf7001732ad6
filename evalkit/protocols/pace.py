"""Who is late in a video that does not wait: the rule of VOT's realtime experiment, on measured seconds."""

from __future__ import annotations

from evalkit.protocols.session import Session
from evalkit.types import FrameState, Image, Region

FPS = 20.0
"""Frame rate of a video that states none. Source: the VOT toolkit's realtime configuration."""

GRACE = 3
"""Slow frames that are forgiven after each start. Source: the VOT toolkit's stacks."""


class Pace:
    """Decides, frame by frame, whether a tracker still works on an earlier frame.

    What a slow answer takes beyond its own frame is worked off by the following ones, an interval each; while more
    than an interval is left the tracker is not asked and its last answer stands. After the grace is used up, that is.

    Args:
        interval: Seconds from frame to frame.
        grace: Number of slow frames after each start that cost nothing.

    Source: ``RealtimeTrackerRuntime`` of the VOT toolkit.
    """

    def __init__(self, interval: float, *, grace: int = GRACE) -> None:
        self._interval = interval
        self._grace = grace
        self._forgiven = 0
        self._debt = 0.0
        self.held: Region | None = None

    def started(self, region: Region, seconds: float) -> None:
        """The tracker was started on a region, which took ``seconds``."""
        self._forgiven = self._grace
        self.answered(region, seconds)

    def answered(self, region: Region | None, seconds: float) -> None:
        """The tracker was asked, answered ``region``, and took ``seconds``."""
        self._debt = 0.0
        self.held = region
        if seconds <= self._interval:
            return
        if self._forgiven > 0:
            self._forgiven -= 1
        else:
            self._debt = seconds - self._interval

    def late(self) -> bool:
        """Whether the next frame passes before the tracker is ready; ``held`` is then its answer."""
        if self._debt <= self._interval:
            return False
        self._debt -= self._interval
        return True


def ask(session: Session, index: int, image: Image, pace: Pace | None) -> Region | None:
    """What the tracker answers on a frame, or the answer that stands while it is busy; without a pace it never is."""
    if pace is None:
        return session.update(index, image)[0]
    if pace.late():
        session.record(index, pace.held, FrameState.TRACKED)
        return pace.held
    region, seconds = session.update(index, image)
    pace.answered(region, seconds)
    return region
