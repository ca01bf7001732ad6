"""VOT's realtime protocol: its short-term one, in a video that does not wait for a slow tracker.

That is ``supervised`` up to VOT2019, and since VOT2020, where sequences have anchors, ``multistart``.
"""

from __future__ import annotations

from evalkit.protocols.multistart import from_anchors
from evalkit.protocols.pace import FPS, Pace
from evalkit.protocols.supervised import lead
from evalkit.types import Sequence, Tracker, Trajectory


def run(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1, seed: int = 0
) -> list[Trajectory]:
    """Lead a tracker through a sequence at the frame rate of its video (20 per second where it states none).

    A frame that comes while the tracker is busy gets its last answer, with no time of its own. The result depends on
    the speed of this machine.

    Args:
        seed: Unused; protocols share one signature.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker raised; its exception is chained.
    """
    interval = 1.0 / (sequence.fps or FPS)
    if sequence.annotation.anchors is not None:
        return from_anchors(
            tracker, sequence, "realtime", origin=origin, name=name, repetition=repetition, pace=lambda: Pace(interval)
        )
    session = lead(tracker, sequence, origin=origin, name=name, pace=Pace(interval))
    return [session.trajectory("realtime", repetition=repetition)]
