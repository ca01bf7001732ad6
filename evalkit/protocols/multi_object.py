"""The protocol of VOTS: every object of a video is tracked once, from the first frame in which it is annotated.

A tracker of single objects is run for each object by itself, as vot-toolkit does with such trackers.
"""

from __future__ import annotations

from evalkit import registry
from evalkit.protocols.supervised import track_with_restarts
from evalkit.types import Sequence, Tracker, Trajectory


@registry.protocol(
    "multi_object",
    summary="every object of a video once, from the first frame in which it is annotated (VOTS)",
    applies=registry.only_where_listed,
)
def run_multi_object(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1
) -> list[Trajectory]:
    """Run a tracker on one object.

    Args:
        sequence: One object of a video; each is a sequence.
        origin: Coordinate of the top left pixel in the files of the dataset; 0 for VOT, whose regions are not shifted.
        name: Label of the tracker.
        repetition: Number of the repetition, counted from 1.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker failed; its exception is chained.
    """
    session = track_with_restarts(tracker, sequence, origin=origin, name=name, skip=None)
    return [session.trajectory("multi_object", repetition=repetition)]
