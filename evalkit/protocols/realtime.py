"""VOT's realtime protocol: its short-term protocol on a live stream, which does not wait for a slow tracker.

The short-term protocol is ``supervised`` up to VOT2019 and, where sequences have anchors, ``multistart`` since VOT2020.
"""

from __future__ import annotations

from evalkit import registry
from evalkit.protocols.multistart import track_from_anchors
from evalkit.protocols.pace import DEFAULT_FPS, Pace
from evalkit.protocols.supervised import track_with_restarts
from evalkit.types import Sequence, Tracker, Trajectory, VotRules


@registry.protocol(
    "realtime",
    summary="the supervised or multi-start protocol at the frame rate of the video (VOT)",
    applies=registry.only_where_listed,
)
def run_realtime(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, rules: VotRules, repetition: int = 1
) -> list[Trajectory]:
    """Run a tracker through a sequence at the frame rate of its video, 20 per second where that is unknown.

    A frame that arrives while the tracker is busy gets the tracker's last answer, and no time of its own. The result
    depends on the speed of this machine.

    Args:
        origin: Coordinate of the top left pixel in the files of the dataset; 0 for VOT, whose regions are not shifted.
        name: Label of the tracker.
        rules: ``skip`` as for ``supervised``; ``realtime_grace`` is the number of slow frames after each start that
            have no consequence.
        repetition: Number of the repetition, counted from 1.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker failed; its exception is chained.
    """
    interval = 1.0 / (sequence.fps or DEFAULT_FPS)

    def new_pace() -> Pace:
        return Pace(interval, rules.realtime_grace)

    if sequence.annotation.anchors is not None:
        return track_from_anchors(
            tracker, sequence, "realtime", origin=origin, name=name, repetition=repetition, new_pace=new_pace
        )
    session = track_with_restarts(tracker, sequence, origin=origin, name=name, skip=rules.skip, pace=new_pace())
    return [session.trajectory("realtime", repetition=repetition)]
